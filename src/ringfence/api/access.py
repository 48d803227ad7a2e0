"""Who asks. For now a signed-in browser; API tokens come with roles."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from ringfence.errors import Forbidden, NotSignedIn
from ringfence.security.people import User
from ringfence.security.sessions import Session, same_csrf


def _session(request: Request) -> Session:
    session: Session | None = getattr(request.state, "session", None)
    if session is None:
        raise NotSignedIn("Nobody is signed in.", advice="Sign in at /sign-in with this browser first.")
    return session


def _organization(request: Request) -> str:
    return _session(request).user.organization_id


def _author(request: Request) -> User:
    session = _session(request)
    # A browser sends its cookie wherever a foreign page points it; only a page of ours knows the token.
    if not same_csrf(session, request.headers.get("x-csrf-token", "")):
        raise Forbidden(
            "This change does not carry the session's token.",
            advice="Send what the pages hold in the field `csrf` as the header X-CSRF-Token.",
        )
    return session.user


OrganizationId = Annotated[str, Depends(_organization)]
"""The organization of who asks; for what only reads."""

Author = Annotated[User, Depends(_author)]
"""Who asks for a change, proven not to be a foreign page in their browser."""
