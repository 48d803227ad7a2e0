"""Who asks: a browser that is signed in, or a program with a token."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from ringfence.errors import Forbidden
from ringfence.security.access import who
from ringfence.security.people import User
from ringfence.security.sessions import Session, same_csrf


def _organization(request: Request) -> str:
    return who(request).organization_id


def _author(request: Request) -> User:
    actor = who(request)
    session: Session | None = getattr(request.state, "session", None)
    # A browser sends its cookie wherever a foreign page points it; only a page of ours knows the token. What a program
    # brings, no browser sends by itself.
    if session is not None and not same_csrf(session, request.headers.get("x-csrf-token", "")):
        raise Forbidden(
            "This change does not carry the session's token.",
            advice="Send what the pages hold in the field `csrf` as the header X-CSRF-Token.",
        )
    return User(id=actor.user_id or "", organization_id=actor.organization_id, name=actor.name)


OrganizationId = Annotated[str, Depends(_organization)]
"""The organization of who asks; for what only reads."""

Author = Annotated[User, Depends(_author)]
"""Who asks for a change, proven not to be a foreign page in their browser."""
