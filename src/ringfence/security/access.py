"""How a route says which permission it needs: `dependencies=[needs(Permission.ALERT_READ)]` at the router or at the route.

What authenticates a request (a session, a token) leaves who asks as `request.state.actor`. A router's permission counts
for each of its routes, and a route's own beside it.
"""

from typing import Annotated, Final

from fastapi import Depends, params
from starlette.requests import Request

from ringfence import logs
from ringfence.errors import MissingPermission, NoOrganization, NotSignedIn
from ringfence.security.rbac import Actor, Permission, require

_log = logs.get(__name__)


def who(request: Request) -> Actor:
    """Return who asks; NotSignedIn where nobody has said so, NoOrganization where it is not clear in which organization."""
    actor: Actor | None = getattr(request.state, "actor", None)
    if actor is not None:
        return actor
    refusal: NotSignedIn | None = getattr(request.state, "refusal", None)
    if refusal is not None:
        raise refusal
    if getattr(request.state, "session", None) is not None:
        raise NoOrganization(
            "You are signed in, but in no organization.",
            advice="Choose one at /organizations. Where none is listed, an administrator of yours can let you in.",
        )
    raise NotSignedIn(
        "Nobody is signed in.", advice="Sign in at /sign-in, or send a token: `Authorization: Bearer rf_…`."
    )


class Needs:
    """The check of one permission, before anything of the request is looked at."""

    def __init__(self, permission: Permission) -> None:
        self.permission: Final = permission

    def __call__(self, request: Request) -> Actor:
        """Return who asks; raise MissingPermission, or NotSignedIn."""
        actor = who(request)
        try:
            require(actor, self.permission)
        except MissingPermission:
            _log.warning(
                "permission_refused",
                permission=self.permission.value,
                who=actor.name,
                by=actor.label,
                organization=actor.organization_id,
                method=request.method,
                path=request.url.path,
            )
            raise
        return actor


def needs(permission: Permission) -> params.Depends:
    """Return what a router or a route declares among its `dependencies`."""
    dependency: params.Depends = Depends(Needs(permission))
    return dependency


Asker = Annotated[Actor, Depends(who)]
"""Who asks, for routes that must know."""
