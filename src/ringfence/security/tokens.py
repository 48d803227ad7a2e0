"""Tokens for programs (`Authorization: Bearer rf_…`), of a person or of a service. Only their SHA-256 is stored.

A personal token may do what its scopes leave of what its person may do at that moment; a service token has a role of its own
and outlives people. Each belongs to one organization and ends by itself, within a year.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.acting import Via
from ringfence.audit.events import Event
from ringfence.errors import Conflict, Forbidden, Invalid, NotFound
from ringfence.security import bearer, token_text
from ringfence.security.rbac import PERMISSIONS, Actor, Permission, Role
from ringfence.storage.columns import storable
from ringfence.storage.database import Transaction
from ringfence.storage.tables import api_tokens, users

LONGEST: Final = timedelta(days=365)
_LONGEST_NAME: Final = 100
_MOST: Final = 100
_USED_EVERY: Final = timedelta(minutes=1)
# A token that could make tokens or change a password would outlive its own end.
NEVER: Final = frozenset({Permission.SELF_MANAGE})


class State(StrEnum):
    """What a token is worth now."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Token:
    """A token, without its secret: `ending` is its last four characters. A service token has no `user_id`, but a `role`."""

    id: str
    organization_id: str
    user_id: str | None
    user_name: str | None
    name: str
    role: Role | None
    scopes: tuple[Permission, ...]
    ending: str
    created_at: datetime
    created_by: str
    expires_at: datetime
    used_at: datetime | None
    used_from: str | None
    revoked_at: datetime | None
    revoked_by: str | None

    @property
    def service(self) -> bool:
        """Whether it is of a service, not of a person."""
        return self.user_id is None

    @property
    def state(self) -> State:
        """What it is worth now."""
        if self.revoked_at is not None:
            return State.REVOKED
        return State.EXPIRED if self.expires_at <= clock.now() else State.ACTIVE

    @property
    def label(self) -> str:
        """By what people tell it from others."""
        return f"token {self.name} (…{self.ending})"


def parse_scopes(texts: Iterable[str]) -> tuple[Permission, ...]:
    """Return the permissions that scopes name; Invalid, with the unknown ones, for any that there is not."""
    wanted = sorted({text.strip() for text in texts if text.strip()})
    known = {each.value for each in Permission} - {each.value for each in NEVER}
    unknown = tuple(text for text in wanted if text not in known)
    if unknown or not wanted:
        raise Invalid(
            "A token needs scopes that there are." if unknown else "A token needs at least one scope.",
            advice=f"Scopes are permissions: {', '.join(sorted(known))}.",
            problems=tuple(f"There is no scope {text[:60]!r}." for text in unknown),
        )
    return tuple(Permission(text) for text in wanted)


def create(
    tx: Transaction,
    actor: Actor,
    name: str,
    scopes: Sequence[Permission],
    lifetime: timedelta,
    *,
    service_role: Role | None = None,
    user_id: str | None = None,
) -> tuple[Token, str]:
    """Return a new token and its secret, which nobody is shown again.

    It is of the actor (or of `user_id`, by the command line), or of a service with `service_role`. Forbidden where it could do
    more than the actor may.
    """
    name = storable(name).strip()
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
        raise Invalid(f"A token needs a name of 1 to {_LONGEST_NAME} characters that can be seen.")
    if not timedelta(0) < lifetime <= LONGEST:
        raise Invalid(
            "A token lasts for a year at most.", advice="Give 1 to 365 days; make another one before it ends."
        )
    owner = None if service_role is not None else user_id or actor.user_id
    if service_role is None and owner is None:
        raise Invalid(
            "A personal token needs its person.", advice="Name one, or make a token of a service with a role."
        )
    if actor.how == "token":
        raise Forbidden("A token cannot make tokens.", advice="Sign in, and make it in your account.")
    allowed = actor.permissions if service_role is None else actor.permissions & PERMISSIONS[service_role]
    beyond = sorted({each.value for each in scopes} - {each.value for each in allowed - NEVER})
    if beyond:
        raise Forbidden(
            f"The token would be allowed more than {'its role' if service_role else actor.name} is: {', '.join(beyond)}.",
            advice="Leave these scopes out, or ask an administrator for the token.",
        )
    theirs = api_tokens.c.user_id == owner if owner else api_tokens.c.user_id.is_(None)
    active = (api_tokens.c.revoked_at.is_(None), api_tokens.c.expires_at > clock.now())
    count = sa.select(sa.func.count()).where(api_tokens.c.organization_id == actor.organization_id, theirs, *active)
    if int(tx.scalar(count)) >= _MOST:
        raise Conflict(f"There are {_MOST} tokens already.", advice="Revoke those that nobody uses.")
    secret = token_text.make()
    row: dict[str, Any] = {
        "id": clock.new_id(),
        "organization_id": actor.organization_id,
        "user_id": owner,
        "name": name,
        "role": service_role.value if service_role else None,
        "scopes": sorted(each.value for each in set(scopes)),
        "token_hash": bearer.digest(secret),
        "ending": secret[-4:],
        "created_at": clock.now(),
        "created_by": actor.name,
        "expires_at": clock.now() + lifetime,
    }
    tx.execute(sa.insert(api_tokens).values(row))
    said = {"name": name, "service": service_role is not None, "scopes": row["scopes"], "expires_at": row["expires_at"]}
    log.write(tx, Event.TOKEN_CREATED, actor.organization_id, row["id"], details=said)
    tx.changed(actor.organization_id, "token", row["id"], "created")
    return get(tx, actor.organization_id, row["id"]), secret


def get(tx: Transaction, organization_id: str, token_id: str) -> Token:
    """Return a token of an organization; NotFound if there is none."""
    row = tx.one(_query().where(api_tokens.c.id == token_id, api_tokens.c.organization_id == organization_id))
    if row is None:
        raise NotFound("There is no such token.", advice="Look at the list of tokens.")
    return _token(row)


def listing(tx: Transaction, organization_id: str, *, user_id: str | None = None) -> list[Token]:
    """Return the tokens of an organization, or of one of its people, the newest first."""
    query = _query().where(api_tokens.c.organization_id == organization_id)
    if user_id is not None:
        query = query.where(api_tokens.c.user_id == user_id)
    return [_token(row) for row in tx.all(query.order_by(api_tokens.c.created_at.desc(), api_tokens.c.id))]


def revoke(tx: Transaction, token: Token, by: str) -> Token:
    """End a token at once; one that is over already stays as it is."""
    active = (api_tokens.c.id == token.id, api_tokens.c.revoked_at.is_(None))
    ended = tx.execute(sa.update(api_tokens).where(*active).values(revoked_at=clock.now(), revoked_by=by))
    if ended.rowcount == 1:
        log.write(tx, Event.TOKEN_REVOKED, token.organization_id, token.id, details={"name": token.name})
        tx.changed(token.organization_id, "token", token.id, "revoked")
    return get(tx, token.organization_id, token.id)


def revoke_all(tx: Transaction, user_id: str, by: str) -> int:
    """End all tokens of a person, in every organization, and return how many there were."""
    query = _query().where(api_tokens.c.user_id == user_id, api_tokens.c.revoked_at.is_(None))
    found = [_token(row) for row in tx.all(query)]
    for each in found:
        revoke(tx, each, by)
    return len(found)


def find(tx: Transaction, text: str) -> Token | None:
    """Return the token that a program brought, also one that is over; None where it is unknown."""
    if not token_text.plausible(text):
        return None
    row = tx.one(_query().where(api_tokens.c.token_hash == bearer.digest(text)))
    return _token(row) if row is not None else None


def used(tx: Transaction, token: Token, address: str) -> None:
    """Write down that a token was used, at most once a minute."""
    now = clock.now()
    due = sa.or_(api_tokens.c.used_at.is_(None), api_tokens.c.used_at <= now - _USED_EVERY)
    tx.execute(sa.update(api_tokens).where(api_tokens.c.id == token.id, due).values(used_at=now, used_from=address))


def worth_noting(token: Token) -> bool:
    """Tell whether the use of a token is to be written down now."""
    return token.used_at is None or clock.now() - token.used_at >= _USED_EVERY


def refused(tx: Transaction, organization_id: str, token: Token | None, address: str) -> None:
    """Write down that a program was refused; where nobody knows whose token it is, it is told to `organization_id`."""
    if token is None:
        said, subject = {"state": "unknown", "address": address}, "unknown"
    else:
        said, subject = {"name": token.name, "state": token.state.value, "address": address}, token.id
        organization_id = token.organization_id
    log.write(tx, Event.TOKEN_REFUSED, organization_id, subject, details=said, actor="somebody", via=Via.API)


def _query() -> sa.Select[Any]:
    columns = [column for column in api_tokens.c if column.name != "token_hash"]
    return sa.select(*columns, users.c.name.label("user_name")).outerjoin(users, users.c.id == api_tokens.c.user_id)


def _token(row: sa.RowMapping) -> Token:
    known = {each.value for each in Permission}
    # A permission that a later release has done away with is worth nothing.
    scopes = tuple(Permission(each) for each in row["scopes"] if each in known)
    return Token(**{**row, "role": Role(row["role"]) if row["role"] else None, "scopes": scopes})
