"""Follow what Defender does on a machine until it ends: parked between looks, which come less and less often.

What was asked for is found again by the step's key, so that a crash between asking and parking asks nothing twice.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final, TypeAlias

from pydantic import Field

from ringfence.actions import ActionError, Context, Duration, Json, Result, Wait

Document: TypeAlias = dict[str, Json]

WaitForEnd = Annotated[
    bool, Field(description="Wait until it has ended; otherwise go on as soon as Defender has accepted it.")
]
Timeout = Annotated[
    Duration | None,
    Field(description="How long to wait at most, e.g. 2 h; as long as Defender itself, three days, if left out."),
]

_FIRST_PAUSE: Final = 10.0
_GROWTH: Final = 1.5
_LONGEST_PAUSE: Final = 600.0
_MOST_FETCHES: Final = 12
ENDED: Final = frozenset({"Succeeded", "Failed", "TimeOut", "Cancelled"})


@dataclass(frozen=True, slots=True)
class Thread:
    """What is followed: its id, since when, and how often it was looked at and fetched in vain; kept while parked."""

    id: str
    since: datetime
    looks: int = 0
    fetches: int = 0

    def wait(self, context: Context, timeout: Duration | None, *, fetched: bool = False) -> Wait:
        """Park until the next look."""
        state: Json = {
            "id": self.id,
            "since": self.since.isoformat(),
            "looks": self.looks + 1,
            "fetches": self.fetches + fetched,
        }
        until = context.now() + timedelta(seconds=min(_FIRST_PAUSE * _GROWTH ** min(self.looks, 30), _LONGEST_PAUSE))
        if timeout is not None and not fetched:
            until = min(until, self.since + timeout.timedelta)
        return Wait(until=until, state=state)

    def late(self, context: Context, timeout: Duration | None) -> bool:
        """Tell whether it has taken longer than it may."""
        return timeout is not None and context.now() >= self.since + timeout.timedelta


@dataclass(frozen=True, slots=True)
class Seen:
    """How what is followed stands, when there is no more waiting for it."""

    thread: Thread
    document: Document
    ended: bool


def resumed(context: Context) -> Thread | None:
    """Return what this step followed when it was parked, None if it did not."""
    match context.resumed:
        case {"id": str(key), "since": str(since), "looks": int(looks), "fetches": int(fetches)}:
            return Thread(key, datetime.fromisoformat(since), looks, fetches)
        case _:
            return None


async def follow(
    context: Context,
    submit: Callable[[], Awaitable[Json]],
    look: Callable[[str], Awaitable[Json]],
    ended: Callable[[Document], bool],
    *,
    wait: bool,
    timeout: Duration | None,
) -> Seen | Wait:
    """Ask for something once, then look at it until it has ended, or `timeout` is over; or, without `wait`, only ask.

    A look that fails for a passing reason is one more look, and no reason to give up what goes on in Defender.
    """
    thread = resumed(context)
    document: Document = {}
    if thread is None:
        document = _object(await submit())
        thread = Thread(str(document["id"]), context.now())
        context.log("info", f"Defender has accepted it as {thread.id}.", id=thread.id)
        if not wait:
            return Seen(thread, document, ended(document))
    else:
        try:
            document = _object(await look(thread.id))
        except ActionError as error:
            if error.permanent:
                raise
            context.log("warn", f"It cannot be seen at the moment: {error.message}", id=thread.id)
    if document and ended(document):
        return Seen(thread, document, ended=True)
    if thread.late(context, timeout):
        context.log("warn", "It did not end in time; it goes on in Defender.", id=thread.id)
        return Seen(thread, document or {"id": thread.id}, ended=False)
    context.log("debug", f"It is {document.get('status', document.get('state', 'not seen'))}.", id=thread.id)
    return thread.wait(context, timeout)


async def follow_action(
    context: Context, operation: str, *, wait: bool, timeout: Duration | None, **arguments: object
) -> Seen | Wait:
    """Follow a machine action that an operation begins; raises ActionError in Defender's words where it was cancelled."""
    seen = await follow(
        context,
        lambda: context.defender.write(operation, key=context.step_key, **arguments),
        lambda action_id: context.defender.read("get_machine_action", action_id=action_id),
        lambda document: document.get("status") in ENDED,
        wait=wait,
        timeout=timeout,
    )
    if isinstance(seen, Seen):
        refuse_cancelled(seen.document)
    return seen


def refuse_cancelled(document: Document) -> None:
    """Raise ActionError, in the words of whoever did it, where a machine action was cancelled."""
    if document.get("status") != "Cancelled":
        return
    why = f": {document['cancellationComment']}" if document.get("cancellationComment") else "."
    message = f"It was cancelled by {document.get('cancellationRequestor') or 'somebody'}{why}"
    raise ActionError(message, code="cancelled", permanent=True, advice="Ask them before running it again.")


def outcome(seen: Seen, what: str, **more: Json) -> Result:
    """Say how a machine action ended, with `more` in the output; raises ActionError where it failed."""
    output: Json = {**seen.document, **more}
    status = seen.document.get("status")
    if status == "Failed":
        number = seen.document.get("errorHResult")
        code = f" with the error 0x{number & 0xFFFFFFFF:08X}" if isinstance(number, int) and number else ""
        message = f"Defender says that {what} failed{code}."
        advice = "Look at the action in the action center of Defender's portal."
        raise ActionError(message, code="action-failed", permanent=True, advice=advice)
    if status == "TimeOut" or (not seen.ended and seen.thread.looks):
        return Result("timed_out", output)
    return Result("success", output)


async def fetch(context: Context, seen: Seen, get: Callable[[], Awaitable[Json]]) -> Json | Wait:
    """Fetch what something left behind; parks and tries again where that fails for a passing reason."""
    try:
        return await get()
    except ActionError as error:
        if error.permanent or seen.thread.fetches >= _MOST_FETCHES:
            raise
        context.log("warn", f"What it left behind cannot be fetched at the moment: {error.message}")
        return seen.thread.wait(context, None, fetched=True)


def _object(answer: Json) -> Document:
    if not isinstance(answer, dict):
        raise TypeError("Defender answered with something that is no object.")
    return answer
