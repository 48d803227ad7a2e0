"""What administrators may do about how others sign in: end their sessions, take a lost app away, free a locked name.

Nobody does that to somebody above them; an app is taken away only by who looks after every organization where its person is.
"""

from dataclasses import dataclass

from ringfence.errors import Forbidden
from ringfence.organizations import members
from ringfence.organizations.members import Member
from ringfence.security import second_factor, sessions, throttle
from ringfence.security.rbac import Actor, Permission, Role, require
from ringfence.security.second_factor import Standing
from ringfence.security.sessions import Session
from ringfence.storage import Transaction


@dataclass(frozen=True, slots=True)
class SignIns:
    """How somebody signs in, as administrators see it."""

    member: Member
    sessions: list[Session]
    app: Standing


def look(tx: Transaction, actor: Actor, user_id: str) -> SignIns:
    """Return how a member signs in; Forbidden for somebody above the actor, NotFound for others than members."""
    member = _below(tx, actor, user_id)
    return SignIns(member, sessions.of_user(tx, user_id), second_factor.standing(tx, user_id))


def revoke(tx: Transaction, actor: Actor, user_id: str, session_id: str | None) -> int:
    """End one session of a member, or all of them for None, and return how many."""
    _below(tx, actor, user_id)
    if session_id is None:
        return sessions.revoke_all(tx, user_id)
    sessions.revoke(tx, user_id, session_id)
    return 1


def unlock(tx: Transaction, actor: Actor, user_id: str) -> bool:
    """Let a member sign in again at once whose name is locked; returns whether it was."""
    return throttle.free(tx, _below(tx, actor, user_id).name)


def reset_app(tx: Transaction, actor: Actor, user_id: str) -> bool:
    """Take a member's app and recovery codes away, and sign them out everywhere; returns whether there was one."""
    _below(tx, actor, user_id)
    elsewhere = [each for each in members.places(tx, user_id) if each.organization.id != actor.organization_id]
    if elsewhere and actor.role is not Role.SYSTEM_ADMINISTRATOR:
        raise Forbidden(
            "They work in other organizations too.", advice="A System Administrator can take their app away."
        )
    sessions.revoke_all(tx, user_id)
    return second_factor.remove(tx, user_id)


def _below(tx: Transaction, actor: Actor, user_id: str) -> Member:
    require(actor, Permission.USER_MANAGE)
    member = members.get(tx, actor.organization_id, user_id)
    ladder = tuple(Role)
    if ladder.index(member.role) > ladder.index(actor.role):
        raise Forbidden(f"{member.name} is {member.role.label}.", advice="Somebody of that role can do this.")
    return member
