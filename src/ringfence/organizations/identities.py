"""Who somebody is who comes from a provider of identities, and where they may work by their groups.

Only issuer and subject link an account: never a name or an address of mail, which people can choose. At each sign-in the groups
decide anew, in the organizations that the provider speaks of and nowhere else.
"""

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock, logs
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.organizations import members, service
from ringfence.security import people
from ringfence.security.people import LONGEST_NAME, User
from ringfence.security.providers import Provider, Rule
from ringfence.security.rbac import Actor, Role, acting_as, parse_role
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import identities

_log = logs.get(__name__)
_LADDER: Final = tuple(Role)


def rule(tx: Transaction, text: str, here: str) -> Rule:
    """Read GROUP=ROLE, or GROUP=ORGANIZATION/ROLE, as people write it; Invalid for anything else."""
    group, _, rest = text.strip().rpartition("=")
    organization, _, role = rest.rpartition("/")
    if not group or not role:
        raise Invalid(f"{text[:80]!r} is no rule.", advice="Write GROUP=ROLE, or GROUP=ORGANIZATION/ROLE.")
    return Rule(group, service.by_name(tx, organization).id if organization else here, parse_role(role))


def written(tx: Transaction, provider: Provider) -> tuple[str, ...]:
    """Return the rules of a provider as people write them; an organization that is gone is named by its id."""
    beyond = {each.organization_id for each in provider.mapping} - {provider.organization_id}
    names = {each.id: each.name for each in service.every(tx)} if beyond else {}
    return tuple(
        f"{each.group}={each.role.value}"
        if each.organization_id == provider.organization_id
        else f"{each.group}={names.get(each.organization_id, each.organization_id)}/{each.role.value}"
        for each in provider.mapping
    )


def roles(provider: Provider, claims: Mapping[str, Any]) -> dict[str, Role]:
    """Return which role somebody has in which organization by their groups: the highest where several apply."""
    said = claims.get(provider.groups_claim)
    groups = (
        {said}
        if isinstance(said, str)
        else {each for each in said if isinstance(each, str)}
        if isinstance(said, list)
        else set()
    )
    found: dict[str, Role] = {}
    for rule in provider.mapping:
        if rule.group in groups:
            held = found.get(rule.organization_id)
            found[rule.organization_id] = max((held or rule.role), rule.role, key=_LADDER.index)
    if not found and provider.default_role is not None:
        found[provider.organization_id] = provider.default_role
    return found


def enter(tx: Transaction, provider: Provider, claims: Mapping[str, Any]) -> User | None:
    """Return who came back from a provider, made known at their first time; None where no group of theirs may work here.

    Their roles are brought in line with their groups either way. `claims` must be proven.
    """
    held = roles(provider, claims)
    known = tx.one(
        sa.select(identities.c.user_id).where(
            identities.c.issuer == claims["iss"], identities.c.subject == claims["sub"]
        )
    )
    if known is None:
        if not held:
            return None
        user_id = _make(tx, provider, claims, next(iter(held)))
    else:
        user_id = str(known["user_id"])
        same = sa.update(identities).where(identities.c.issuer == claims["iss"], identities.c.subject == claims["sub"])
        tx.execute(same.values(used_at=clock.now()))
    user = people.get(tx, user_id)
    for organization_id in {provider.organization_id, *(rule.organization_id for rule in provider.mapping)}:
        _align(tx, provider, user, organization_id, held.get(organization_id))
    return user if held else None


def link(tx: Transaction, provider: Provider, claims: Mapping[str, Any], user_id: str) -> None:
    """Let somebody who is signed in come by a provider too; Conflict where that identity is somebody else's."""
    moment = clock.now()
    row = {
        "issuer": claims["iss"],
        "subject": claims["sub"],
        "user_id": user_id,
        "created_at": moment,
        "used_at": moment,
    }
    tx.insert_new(identities, [row])
    same = (identities.c.issuer == claims["iss"], identities.c.subject == claims["sub"])
    if tx.scalar(sa.select(identities.c.user_id).where(*same)) != user_id:
        raise Conflict(
            "Somebody else comes by this identity already.", advice="Sign in as they do, or ask an administrator."
        )
    user = people.get(tx, user_id)
    said = {"name": user.name, "provider": provider.name, "issuer": claims["iss"], "subject": claims["sub"]}
    log.write(tx, Event.IDENTITY_LINKED, user.organization_id, user_id, details=said, actor=user.name)


def of_user(tx: Transaction, user_id: str) -> list[tuple[str, str]]:
    """Return issuer and subject of every identity that a person comes by."""
    query = sa.select(identities.c.issuer, identities.c.subject).where(identities.c.user_id == user_id)
    return [(row["issuer"], row["subject"]) for row in tx.all(query.order_by(identities.c.issuer))]


def _make(tx: Transaction, provider: Provider, claims: Mapping[str, Any], organization_id: str) -> str:
    said = claims.get(provider.name_claim) or claims.get("email") or claims["sub"]
    wanted = storable(str(said)).strip()[: LONGEST_NAME - 60] or "somebody"
    # Who is called like somebody who is known already is still somebody else.
    for name in (wanted, f"{wanted} ({provider.name})", f"{wanted} ({provider.name} {clock.new_id()[-6:]})"):
        try:
            people.by_name(tx, name)
        except NotFound:
            break
    user_id = people.ensure(tx, organization_id, name)
    link(tx, provider, claims, user_id)
    return user_id


def _align(tx: Transaction, provider: Provider, user: User, organization_id: str, role: Role | None) -> None:
    by = _provider_acts(provider, organization_id)
    try:
        before = members.get(tx, organization_id, user.id)
    except NotFound:
        if role is not None:
            members.ensure(tx, organization_id, user.name, role)
        return
    try:
        if role is None:
            members.remove(tx, organization_id, user.id, by)
        elif before.role is not role:
            members.change_role(tx, organization_id, user.id, role, by)
    except Conflict as error:
        # The last administrator stays, whatever a provider says.
        _log.warning("role_kept", user=user.name, organization=organization_id, why=error.message)


def _provider_acts(provider: Provider, organization_id: str) -> Actor:
    return acting_as(
        Role.SYSTEM_ADMINISTRATOR,
        user_id=None,
        name=f"provider {provider.name}",
        organization_id=organization_id,
        label=f"provider {provider.name}",
        how="cli",
    )
