"""Invite people by addresses that sign them in once.

Whoever holds such an address is the person that it is for, in every organization of theirs. So it is made only for who works
nowhere else, unless a System Administrator makes it.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from ringfence.errors import Forbidden
from ringfence.organizations import members
from ringfence.organizations.members import Member
from ringfence.security import links
from ringfence.security.rbac import Actor, Permission, Role, require
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import users

LIFETIME: Final = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Invitation:
    """A new member; the token of their address, None for who is known here already and signs in as ever."""

    member: Member
    token: str | None


def invite(tx: Transaction, organization_id: str, name: str, role: Role, by: Actor) -> Invitation:
    """Let somebody work in an organization; Conflict if they do already."""
    known = tx.one(sa.select(users.c.id).where(users.c.name == storable(name).strip())) is not None
    member = members.add(tx, organization_id, name, role, by)
    return Invitation(member, None if known else links.create(tx, member.user_id, LIFETIME))


def renew(tx: Transaction, organization_id: str, user_id: str, by: Actor) -> Invitation:
    """Make a new address for a member who has lost theirs; Forbidden where it would open more than this organization."""
    require(by, Permission.USER_MANAGE)
    member = members.get(tx, organization_id, user_id)
    elsewhere = any(each.organization.id != organization_id for each in members.places(tx, user_id))
    if by.role is not Role.SYSTEM_ADMINISTRATOR and (elsewhere or member.role is Role.SYSTEM_ADMINISTRATOR):
        raise Forbidden(
            f"{member.name} works in other organizations too, which this address would open.",
            advice="Ask a System Administrator to make it.",
        )
    return Invitation(member, links.create(tx, user_id, LIFETIME))
