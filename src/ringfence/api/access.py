"""Who asks. For now a signed-in browser; API tokens come with roles."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from ringfence.errors import NotSignedIn
from ringfence.security.auth import Session


def _organization(request: Request) -> str:
    session: Session | None = getattr(request.state, "session", None)
    if session is None:
        raise NotSignedIn("Nobody is signed in.", advice="Sign in at /sign-in with this browser first.")
    return session.user.organization_id


OrganizationId = Annotated[str, Depends(_organization)]
