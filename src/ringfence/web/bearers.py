"""Programs that come to the API with a token: `Authorization: Bearer rf_…`.

A browser never sends that by itself, so that what comes by it needs no form token and no origin.
"""

from dataclasses import dataclass
from typing import Final

from starlette.requests import HTTPConnection

from ringfence import logs
from ringfence.errors import NotSignedIn
from ringfence.organizations import members, service
from ringfence.security import tokens
from ringfence.security.rbac import Actor, acting_as
from ringfence.security.tokens import State, Token
from ringfence.storage import Transaction
from ringfence.web.rate import Rate
from ringfence.web.services import Services
from ringfence.web.visitors import visitor

_log = logs.get(__name__)
_SCHEME: Final = "bearer "
_API: Final = "/api/"


class TokenRefused(NotSignedIn):
    """A token that is worth nothing."""

    code = "token_refused"


@dataclass(frozen=True, slots=True)
class _Found:
    token: Token | None
    actor: Actor | None


def bearer_token(connection: HTTPConnection) -> str | None:
    """Return what a program brings to the API; None where it brings nothing, or does not come to the API."""
    given = connection.headers.get("authorization", "")
    if not connection.url.path.startswith(_API) or given[: len(_SCHEME)].casefold() != _SCHEME:
        return None
    return given[len(_SCHEME) :].strip()


class Bearers:
    """Finds out whose token it is. What was refused is written down, a few times a minute for each address or token."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._noted = Rate(6)

    async def actor(self, connection: HTTPConnection, text: str) -> Actor:
        """Return who asks by a token; raise TokenRefused where it is unknown, expired or revoked, or its person is gone."""
        database, address = self._services.database, visitor(connection).address
        found = await database.read(lambda tx: _look(tx, text))
        token, actor = found.token, found.actor
        if token is None or actor is None:
            await self._note(token, address)
            raise TokenRefused(
                _WHY[token.state] if token is not None else "There is no such token.",
                advice="Make a token in your account, at /me/tokens, and send it as `Authorization: Bearer rf_…`.",
            )
        if tokens.worth_noting(token):
            await database.run(lambda tx: tokens.used(tx, token, address))
        return actor

    async def _note(self, token: Token | None, address: str) -> None:
        if self._noted.wait(token.id if token is not None else address):
            return
        _log.warning("token_refused", address=address, state=token.state.value if token is not None else "unknown")

        def write(tx: Transaction) -> None:
            tokens.refused(tx, service.ensure_default(tx).id, token, address)

        await self._services.database.run(write)


_WHY: Final = {
    State.ACTIVE: "The person of this token may no longer work in its organization.",
    State.EXPIRED: "This token has expired.",
    State.REVOKED: "This token was revoked.",
}


def _look(tx: Transaction, text: str) -> _Found:
    token = tokens.find(tx, text)
    if token is None or token.state is not State.ACTIVE:
        return _Found(token, None)
    if token.user_id is not None:
        actor = members.actor(
            tx, token.user_id, token.organization_id, label=token.label, how="token", scopes=token.scopes
        )
        return _Found(token, actor)
    assert token.role is not None
    actor = acting_as(
        token.role,
        user_id=None,
        name=token.name,
        organization_id=token.organization_id,
        label=token.label,
        how="token",
        scopes=token.scopes,
        standing=service.get(tx, token.organization_id).state.value,
    )
    return _Found(token, actor)
