"""How an action of a run reaches Microsoft's APIs: by operation, through the run's account, with failures of one kind."""

import sys
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, nullcontext
from typing import Any, Final

from ringfence.accounts.model import AccountFailed, AccountPending
from ringfence.actions import ActionError, Json, Listing, ResponsePort, Where
from ringfence.containment.driver import ClientSource
from ringfence.defender import (
    OPERATIONS,
    AuthenticationFailed,
    DefenderClient,
    DefenderError,
    Throttled,
    Unauthorized,
    odata,
)
from ringfence.defender.operations.live_response import GetFile, PutFile, RunScript
from ringfence.defender.wire import Document
from ringfence.errors import RingfenceError, Unavailable
from ringfence.runs import once
from ringfence.runs.model import Run
from ringfence.runs.writeback import remembered
from ringfence.storage import Database

# Seconds after which to ask again where a 429 does not say.
_THROTTLED: Final = 60.0
# Seconds after which to look whether an account works again, should its change have been missed.
_WITHOUT_CREDENTIAL: Final = 300.0
NO_ACCOUNT: Final = "This run has no account to reach Defender with."
_ISOLATING: Final = frozenset({"isolate_machine", "unisolate_machine"})
_RESPONDING: Final = frozenset(
    {
        "restrict_code_execution",
        "unrestrict_code_execution",
        "stop_and_quarantine_file",
        "offboard_machine",
        "run_av_scan",
        "collect_investigation_package",
        "submit_indicator",
        "import_indicators",
        "delete_indicator",
        "batch_delete_indicators",
    }
)
_DOWNLOADS: Final = {
    "get_package_sas_uri": "package",
    "get_live_response_result": "live_response_result",
}
_COMPARISONS: Final = {
    "ne": odata.ne,
    "gt": odata.gt,
    "ge": odata.ge,
    "lt": odata.lt,
    "le": odata.le,
}


class Defender:
    """The Defender port of one run; see `ringfence.actions.DefenderPort`."""

    def __init__(
        self,
        run: Run,
        clients: ClientSource,
        database: Database | None = None,
        *,
        responses: ResponsePort | None = None,
    ) -> None:
        """With a database, what is written to alerts is kept there, so that the poll knows it again.

        Without `responses` nothing is done to hosts, and no indicators are made.
        """
        self._responses = responses
        self._account_id = run.account_id
        self._clients = clients
        self._database = database

    @property
    def responses(self) -> ResponsePort:
        """What goes through policy, approval and confirmation."""
        if self._responses is None:
            raise TypeError("This door was made without responses.")
        return self._responses

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[DefenderClient]:
        if self._account_id is None:
            raise no_account()
        try:
            yield await self._clients.get(self._account_id)
        except (AccountFailed, AccountPending) as error:
            raise waiting(error, self._account_id) from None
        except RingfenceError as error:
            raise failure(error) from None
        except DefenderError as error:
            await self._clients.report(self._account_id, error)
            if isinstance(error, AuthenticationFailed | Unauthorized) and error.permanent:
                # A refused credential means that nothing was done: it is done when one works again.
                raise waiting(error, self._account_id) from None
            raise ActionError(
                error.message or error.code,
                code=error.code,
                permanent=error.permanent,
                advice=error.advice,
                retry_after=(error.retry_after or _THROTTLED) if isinstance(error, Throttled) else None,
            ) from None

    async def read(self, operation: str, /, **arguments: object) -> Json:
        """Read one document, a number, an address, or a list that Microsoft gives as a whole."""
        _demand(operation, changes=False)
        async with self._client() as client:
            return _json(await getattr(client, operation)(**arguments))

    async def list(
        self,
        operation: str,
        /,
        *,
        limit: int,
        conditions: Sequence[Where | None] = (),
        filter: str = "",  # noqa: A002 - the query option's own name
        **arguments: object,
    ) -> Listing:
        """Read at most `limit` documents of a list, and tell whether there are more."""
        _demand(operation, changes=False)
        async with self._client() as client:
            options: dict[str, Any] = dict(arguments)
            wanted = odata.both(*(condition(each) for each in conditions if each), f"({filter})" if filter else "")
            if wanted:
                options["filter"] = wanted
            method = getattr(client, operation)
            if operation in _STREAMED:
                # One more than is wanted tells whether there are more.
                found = [_json(each) async for each in method(limit=limit + 1, **options)]
            else:
                found = [_json(each) for each in await method(**options)]
        return Listing(found[:limit], cut=len(found) > limit)

    async def write(self, operation: str, /, *, key: str, **arguments: object) -> Json:
        """Change something, at most once for a key."""
        _demand(operation, changes=True)
        if operation in _ISOLATING:
            raise ActionError(
                "Hosts are cut off and let go through containment only.",
                code="only-through-containment",
                permanent=True,
                advice="Use containment.contain and containment.release.",
            )
        if operation in _RESPONDING:
            raise ActionError(
                "What is done to hosts, and indicators, are asked for through policy only.",
                code="only-through-responses",
                permanent=True,
                advice="Use the actions for it, such as defender.restrict_code_execution.",
            )
        async with self._client() as client, self._remembered(operation, key, arguments):
            return _json(await once.make(client, operation, key, _shaped(arguments)))

    def _remembered(self, operation: str, key: str, arguments: Mapping[str, Any]) -> AbstractAsyncContextManager[None]:
        if self._database is None or self._account_id is None:
            return nullcontext()
        return remembered(self._database, self._account_id, operation, key, arguments)

    async def download(self, operation: str, /, **arguments: object) -> AsyncIterator[bytes]:
        """Fetch the file whose address an operation gives, in pieces; whoever keeps it bounds its size."""
        _demand(operation, changes=False)
        if operation not in _DOWNLOADS:
            raise TypeError(f"{operation} does not give the address of a file.")
        async with self._client() as client:
            fetched: AsyncGenerator[bytes, None] = getattr(client, _DOWNLOADS[operation])(
                largest=sys.maxsize, **arguments
            )
            async with aclosing(fetched) as pieces:
                async for piece in pieces:
                    yield piece


def no_account() -> ActionError:
    """Return the refusal of whatever needs an account in a run that has none."""
    return ActionError(NO_ACCOUNT, code="no-account", permanent=True, advice="Name an account in the trigger.")


def waiting(error: RingfenceError | DefenderError, account_id: str) -> ActionError:
    """Return the wait for a working credential: it ends by itself when the account is proven."""
    return ActionError(
        f"Waiting for the account to work again. {error.message or error.code}",
        code=error.code,
        permanent=False,
        advice=error.advice,
        retry_after=_WITHOUT_CREDENTIAL,
        topics=(f"account:{account_id}",),
    )


def failure(error: RingfenceError) -> ActionError:
    """Return a failure of our own as actions see it."""
    permanent = not isinstance(error, Unavailable)
    return ActionError(error.message, code=error.code, permanent=permanent, advice=error.advice)


def condition(where: Where) -> str:
    """Write a condition as OData."""
    match where.comparison:
        case "eq":
            return odata.one_of(where.name, where.values)
        case "startswith":
            return odata.either(*(odata.startswith(where.name, str(value)) for value in where.values))
        case other:
            return odata.both(*(_COMPARISONS[other](where.name, value) for value in where.values))


def _demand(operation: str, *, changes: bool) -> None:
    known = OPERATIONS.get(operation)
    if known is None:
        raise TypeError(f"There is no operation {operation!r}.")
    if known.changes is not changes:
        raise TypeError(
            f"{operation} {'changes' if known.changes else 'does not change'} anything: use the other door."
        )


_STREAMED: Final = frozenset(
    name for name in OPERATIONS if "limit" in getattr(getattr(DefenderClient, name), "__annotations__", {})
)
_SHAPES: Final = {"PutFile": PutFile, "RunScript": RunScript, "GetFile": GetFile}


def _shaped(arguments: Mapping[str, object]) -> dict[str, Any]:
    made: dict[str, Any] = dict(arguments)
    if "commands" in made:
        made["commands"] = [_command(dict(each)) for each in made["commands"]]
    return made


def _command(given: dict[str, Any]) -> PutFile | RunScript | GetFile:
    kind: type[PutFile | RunScript | GetFile] = _SHAPES[given.pop("type")]
    return kind(**given)


def _json(answer: object) -> Json:
    match answer:
        case Document():
            return answer.raw
        case list():
            return [_json(each) for each in answer]
        case None | str() | int() | dict():
            return answer
        case _:
            raise TypeError(f"An operation answered with {type(answer).__name__}.")
