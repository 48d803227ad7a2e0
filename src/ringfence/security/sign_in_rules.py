"""Who needs a second factor: what the installation demands, and what an organization demands beyond that."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import Invalid
from ringfence.security import second_factor, sessions
from ringfence.security.rbac import Role
from ringfence.storage.database import Transaction
from ringfence.storage.tables import memberships, sign_in_rules, users


class Demand(StrEnum):
    """Who must have a second factor, the mildest first."""

    NOBODY = "nobody"
    ADMINISTRATORS = "administrators"
    RESPONDERS = "responders"
    EVERYBODY = "everybody"


_ORDER = tuple(Demand)
_ADMINISTRATORS = frozenset({Role.ORGANIZATION_ADMINISTRATOR, Role.SYSTEM_ADMINISTRATOR})
_OF: Mapping[Demand, frozenset[Role]] = {
    Demand.NOBODY: frozenset(),
    Demand.ADMINISTRATORS: _ADMINISTRATORS,
    # Who may contain hosts, and all who may do more.
    Demand.RESPONDERS: _ADMINISTRATORS | {Role.RESPONDER},
    Demand.EVERYBODY: frozenset(Role),
}


def demand_of(tx: Transaction, organization_id: str) -> Demand:
    """Return what an organization itself demands."""
    query = sa.select(sign_in_rules.c.second_factor).where(sign_in_rules.c.organization_id == organization_id)
    return Demand(tx.scalar(query) or Demand.NOBODY)


def change(tx: Transaction, organization_id: str, text: str) -> Demand:
    """Let an organization demand `nobody`, `administrators`, `responders` or `everybody`; Invalid for anything else."""
    try:
        wanted = Demand(text.strip().casefold())
    except ValueError:
        raise Invalid(
            f"{text[:40]!r} is not something that can be demanded.", advice=f"Use one of: {', '.join(Demand)}."
        ) from None
    before = demand_of(tx, organization_id)
    row = {"organization_id": organization_id, "second_factor": wanted.value, "changed_at": clock.now()}
    tx.upsert(sign_in_rules, [row])
    if before is not wanted:
        said = {"second_factor": wanted.value, "before": before.value}
        log.write(tx, Event.SIGN_IN_RULES_CHANGED, organization_id, organization_id, details=said)
    return wanted


def stricter(first: Demand, second: Demand) -> Demand:
    """Return the stricter of two demands."""
    return max(first, second, key=_ORDER.index)


def needs_second_factor(demand: Demand, roles: Iterable[Role]) -> bool:
    """Tell whether somebody with these roles must have a second factor."""
    return not _OF[demand].isdisjoint(roles)


def must_have(tx: Transaction, user_id: str, installation: Demand) -> bool:
    """Tell whether a person must have a second factor, in any of the organizations where they work."""
    query = sa.select(memberships.c.organization_id, memberships.c.role).where(memberships.c.user_id == user_id)
    held = [(row["organization_id"], Role(row["role"])) for row in tx.all(query)]
    over_all = bool(tx.scalar(sa.select(users.c.system_administrator).where(users.c.id == user_id)))
    if over_all and needs_second_factor(installation, (Role.SYSTEM_ADMINISTRATOR,)):
        return True
    return any(
        needs_second_factor(stricter(installation, demand_of(tx, organization)), (role,)) for organization, role in held
    )


def sign_out_who_lack_it(tx: Transaction, organization_id: str, installation: Demand) -> int:
    """End the sessions of members who must have a second factor and have none, and return of how many people."""
    query = sa.select(memberships.c.user_id).where(memberships.c.organization_id == organization_id)
    lacking = [
        row["user_id"]
        for row in tx.all(query)
        if must_have(tx, row["user_id"], installation) and second_factor.standing(tx, row["user_id"]).since is None
    ]
    return sum(sessions.revoke_all(tx, user_id) > 0 for user_id in lacking)
