"""Who works in which organization as what. All functions work inside the caller's transaction.

A membership gives a person a role in one organization; a System Administrator has all of them, without memberships. A role
counts from the next request on. The last administrator of the installation stays.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import Conflict, Forbidden, NotFound
from ringfence.organizations import service
from ringfence.organizations.model import Organization, State
from ringfence.security import people
from ringfence.security.rbac import PERMISSIONS, Actor, How, Permission, Role, acting_as, require
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import memberships, organizations, sessions, users

_LAST: Final = "Make somebody else System Administrator first."


@dataclass(frozen=True, slots=True)
class Member:
    """A person in an organization, with what counts there: System Administrator for who is that everywhere."""

    user_id: str
    name: str
    organization_id: str
    role: Role
    since: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """An organization that somebody may work in, and as what."""

    organization: Organization
    role: Role


def every(tx: Transaction, organization_id: str) -> list[Member]:
    """Return who works in an organization, in the order of their names; System Administrators only with a membership."""
    query = _members().where(memberships.c.organization_id == organization_id).order_by(users.c.name)
    return [_member(row) for row in tx.all(query)]


def who_may(tx: Transaction, organization_id: str, permission: Permission) -> tuple[str, ...]:
    """Return the names of those who work in an organization and whose role has a permission, in their order."""
    return tuple(each.name for each in every(tx, organization_id) if permission in PERMISSIONS[each.role])


def lacks(tx: Transaction, organization_id: str, name: str, permission: Permission) -> bool:
    """Say whether somebody of this name works in an organization without a permission; strangers have no role to lack it."""
    try:
        return permission not in PERMISSIONS[by_name(tx, organization_id, name).role]
    except NotFound:
        return False


def administrators(tx: Transaction) -> list[str]:
    """Return the names of the System Administrators."""
    query = sa.select(users.c.name).where(users.c.system_administrator).order_by(users.c.name)
    return [row["name"] for row in tx.all(query)]


def by_name(tx: Transaction, organization_id: str, name: str) -> Member:
    """Return who is called `name` in an organization; NotFound for others, also where they work elsewhere."""
    return _found(tx, organization_id, users.c.name == storable(name).strip(), f"called {name[:100]!r}")


def get(tx: Transaction, organization_id: str, user_id: str) -> Member:
    """Return a member by the id of the person; NotFound for others."""
    return _found(tx, organization_id, users.c.id == user_id, f"with the id {user_id[:40]!r}")


def places(tx: Transaction, user_id: str, *, only: str | None = None) -> list[Place]:
    """Return the organizations that a person may work in, by name: closed ones only for System Administrators.

    `only` leaves at most the one with this id.
    """
    mine = organizations.c.id == only if only is not None else sa.true()
    if tx.scalar(sa.select(users.c.system_administrator).where(users.c.id == user_id)):
        query = sa.select(organizations).where(mine).order_by(organizations.c.name)
        return [Place(service.read(row), Role.SYSTEM_ADMINISTRATOR) for row in tx.all(query)]
    query = (
        sa.select(organizations, memberships.c.role)
        .join(memberships, memberships.c.organization_id == organizations.c.id)
        .where(memberships.c.user_id == user_id, organizations.c.state != State.CLOSED, mine)
        .order_by(organizations.c.name)
    )
    return [Place(service.read(row), Role(row["role"])) for row in tx.all(query)]


def place(tx: Transaction, user_id: str, organization_id: str | None) -> Place | None:
    """Return where somebody who chose an organization works; where nothing was chosen, their only one; else None.

    A choice that no longer stands (they were removed, it was closed) counts as none, and never leads to another organization.
    """
    found = places(tx, user_id, only=organization_id)
    return found[0] if len(found) == 1 else None


def actor(
    tx: Transaction,
    user_id: str,
    organization_id: str | None,
    *,
    label: str,
    how: How,
    scopes: Iterable[Permission] | None = None,
) -> Actor | None:
    """Return who asks, with what they may do where they are; None where they are in no organization (see `place`)."""
    found = place(tx, user_id, organization_id)
    name = tx.scalar(sa.select(users.c.name).where(users.c.id == user_id))
    if found is None or name is None:
        return None
    return acting_as(
        found.role,
        user_id=user_id,
        name=name,
        organization_id=found.organization.id,
        label=label,
        how=how,
        scopes=scopes,
        standing=found.organization.state.value,
    )


def permissions(tx: Transaction, organization_id: str, name: str) -> frozenset[Permission] | None:
    """Return what a person may do in an organization by their role; None where nobody of this name is known at all."""
    row = tx.one(sa.select(users.c.id).where(users.c.name == storable(name).strip()))
    if row is None:
        return None
    found = place(tx, row["id"], organization_id)
    return PERMISSIONS[found.role] if found is not None else frozenset()


def ensure(tx: Transaction, organization_id: str, name: str, role: Role) -> str:
    """Return the id of who is called `name`, made and given `role` where they do not work in the organization yet."""
    user_id = people.ensure(tx, organization_id, name)
    known = tx.one(
        sa.select(memberships.c.role).where(
            memberships.c.user_id == user_id, memberships.c.organization_id == organization_id
        )
    )
    if known is None and not tx.scalar(sa.select(users.c.system_administrator).where(users.c.id == user_id)):
        _join(tx, organization_id, user_id, role)
    return user_id


def first_or(tx: Transaction, role: Role) -> Role:
    """Return System Administrator while the installation has none, else `role`."""
    return role if administrators(tx) else Role.SYSTEM_ADMINISTRATOR


def add(tx: Transaction, organization_id: str, name: str, role: Role, by: Actor) -> Member:
    """Let somebody work in an organization, made known where they are not; Conflict where they work there already."""
    _may_give(by, role)
    user_id = people.ensure(tx, organization_id, name)
    if tx.one(_one(organization_id, user_id)) is not None:
        raise Conflict(f"{name[:100]} works here already.", advice="Change their role instead.")
    _join(tx, organization_id, user_id, role)
    return get(tx, organization_id, user_id)


def change_role(tx: Transaction, organization_id: str, user_id: str, role: Role, by: Actor) -> Member:
    """Give a member another role; Conflict for the last administrator, Forbidden for a role above one's own."""
    before = get(tx, organization_id, user_id)
    _may_give(by, before.role)
    _may_give(by, role)
    if before.role is role:
        return before
    if before.role is Role.SYSTEM_ADMINISTRATOR:
        _keep_one(tx, user_id)
    _keep_administrator(tx, before, role)
    kept = Role.ORGANIZATION_ADMINISTRATOR if role is Role.SYSTEM_ADMINISTRATOR else role
    everywhere = role is Role.SYSTEM_ADMINISTRATOR
    tx.execute(sa.update(users).where(users.c.id == user_id).values(system_administrator=everywhere))
    mine = sa.update(memberships).where(
        memberships.c.user_id == user_id, memberships.c.organization_id == organization_id
    )
    tx.execute(mine.values(role=kept))
    said = {"name": before.name, "before": before.role, "role": role}
    log.write(tx, Event.USER_ROLE_CHANGED, organization_id, user_id, details=said)
    _told(tx, organization_id, user_id, "role_changed")
    return get(tx, organization_id, user_id)


def remove(tx: Transaction, organization_id: str, user_id: str, by: Actor) -> Member:
    """Let somebody no longer work in an organization; their browsers there lose it at once.

    Conflict for the last System Administrator and the organization's last administrator.
    """
    found = get(tx, organization_id, user_id)
    _may_give(by, found.role)
    if found.role is Role.SYSTEM_ADMINISTRATOR:
        raise Conflict(
            f"{found.name} is System Administrator, and so works in every organization.",
            advice="Give them another role first.",
        )
    _keep_administrator(tx, found, None)
    tx.execute(
        sa.delete(memberships).where(memberships.c.user_id == user_id, memberships.c.organization_id == organization_id)
    )
    tx.execute(
        sa.update(sessions)
        .where(sessions.c.user_id == user_id, sessions.c.organization_id == organization_id)
        .values(organization_id=None)
    )
    said = {"name": found.name, "role": found.role}
    log.write(tx, Event.USER_REMOVED, organization_id, user_id, details=said)
    _told(tx, organization_id, user_id, "removed")
    return found


def _join(tx: Transaction, organization_id: str, user_id: str, role: Role) -> None:
    kept = Role.ORGANIZATION_ADMINISTRATOR if role is Role.SYSTEM_ADMINISTRATOR else role
    row = {"user_id": user_id, "organization_id": organization_id, "role": kept, "created_at": clock.now()}
    tx.insert_new(memberships, [row])
    if role is Role.SYSTEM_ADMINISTRATOR:
        tx.execute(sa.update(users).where(users.c.id == user_id).values(system_administrator=True))
    name = tx.scalar(sa.select(users.c.name).where(users.c.id == user_id))
    log.write(tx, Event.USER_ADDED, organization_id, user_id, details={"name": name, "role": role})
    _told(tx, organization_id, user_id, "added")


def _told(tx: Transaction, organization_id: str, user_id: str, kind: str) -> None:
    tx.changed(organization_id, "user", user_id, kind)
    # Streams that are open look again whether their session still stands here.
    tx.changed(organization_id, "session", user_id, kind)


def _may_give(by: Actor, role: Role) -> None:
    require(by, Permission.USER_MANAGE)
    ladder = tuple(Role)
    if ladder.index(role) > ladder.index(by.role):
        raise Forbidden(
            f"Only a {role.label} can make or change a {role.label}.", advice="Ask one, or choose another role."
        )


def _keep_one(tx: Transaction, user_id: str) -> None:
    # Two who take the role from each other at once would both see the other one: the rows are held.
    rows = tx.all(sa.select(users.c.id).where(users.c.system_administrator).with_for_update())
    if {row["id"] for row in rows} <= {user_id}:
        raise Conflict("This is the last System Administrator of the installation.", advice=_LAST)


def _keep_administrator(tx: Transaction, found: Member, role: Role | None) -> None:
    above = (Role.ORGANIZATION_ADMINISTRATOR, Role.SYSTEM_ADMINISTRATOR)
    if found.role is not Role.ORGANIZATION_ADMINISTRATOR or role in above:
        return
    rows = tx.all(
        sa.select(memberships.c.user_id)
        .where(
            memberships.c.organization_id == found.organization_id,
            memberships.c.role == Role.ORGANIZATION_ADMINISTRATOR,
        )
        .with_for_update()
    )
    if {row["user_id"] for row in rows} <= {found.user_id}:
        raise Conflict(
            "This is the last administrator of the organization.", advice="Make somebody else administrator first."
        )


def _members() -> sa.Select[tuple[object, ...]]:
    return sa.select(
        users.c.id,
        users.c.name,
        users.c.system_administrator,
        memberships.c.organization_id,
        memberships.c.role,
        memberships.c.created_at,
    ).join(memberships, memberships.c.user_id == users.c.id)


def _one(organization_id: str, user_id: str) -> sa.Select[tuple[object, ...]]:
    return _members().where(memberships.c.organization_id == organization_id, users.c.id == user_id)


def _found(tx: Transaction, organization_id: str, condition: sa.ColumnElement[bool], described: str) -> Member:
    row = tx.one(_members().where(memberships.c.organization_id == organization_id, condition))
    if row is None:
        raise NotFound(
            f"Nobody {described} works in this organization.", advice="`ringfence user list` shows who does."
        )
    return _member(row)


def _member(row: sa.RowMapping) -> Member:
    role = Role.SYSTEM_ADMINISTRATOR if row["system_administrator"] else Role(row["role"])
    return Member(row["id"], row["name"], row["organization_id"], role, row["created_at"])
