"""What somebody who is known by name may do in an organization, where a name is all that is at hand.

Who asks (a request, a command) counts with what they came with: a token with its scopes, the command line with everything. Any
other name counts by its role. A name that nobody signs in by is that of a person whom an administrator of the organization
named in a team or a policy, and who answers by links: they may what they are asked.
"""

from ringfence.errors import MissingPermission
from ringfence.organizations import members
from ringfence.security.rbac import PERMISSIONS, Permission, asking
from ringfence.storage import Transaction
from ringfence.storage.columns import storable


def held(tx: Transaction, organization_id: str, name: str) -> frozenset[Permission]:
    """Return what a person may do in an organization."""
    actor = asking()
    if actor is not None and actor.how == "cli":
        return actor.permissions
    if actor is not None and actor.organization_id == organization_id and actor.name == storable(name).strip():
        return actor.permissions
    by_role = members.permissions(tx, organization_id, name)
    return frozenset(Permission) if by_role is None else by_role


def holders(tx: Transaction, organization_id: str, permission: Permission) -> tuple[str, ...]:
    """Return the names of the members whose role has a permission."""
    return tuple(each.name for each in members.every(tx, organization_id) if permission in PERMISSIONS[each.role])


def demand(tx: Transaction, organization_id: str, name: str, permission: Permission) -> None:
    """Raise MissingPermission, which names those who could, unless a person has a permission."""
    if permission not in held(tx, organization_id, name):
        others = ", ".join(holders(tx, organization_id, permission)) or "an Organization Administrator"
        raise MissingPermission(
            f"{name[:100]} may not {permission.sentence} here.",
            advice=f"This needs the permission {permission}. Ask one of: {others}.",
            permission=permission,
        )
