"""/sign-in/confirm: somebody who is signed in proves once more who they are."""

from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.requests import Request
from starlette.responses import Response

from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import NotSignedIn, RingfenceError
from ringfence.security import passwords, providers, second_factor, sessions, throttle
from ringfence.security.providers import Provider
from ringfence.security.throttle import Attempt
from ringfence.storage import Transaction
from ringfence.web import cookies
from ringfence.web.entrance import Entrance
from ringfence.web.navigation import local_path
from ringfence.web.password_checks import PasswordChecks
from ringfence.web.rendering import Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn
from ringfence.web.visitors import visitor


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter()
    database, settings, vault = services.database, services.settings, services.sender.vault
    entrance, checks = Entrance(services), PasswordChecks(services)

    def look(tx: Transaction, user_id: str) -> tuple[str | None, bool]:
        return passwords.of_user(tx, user_id), second_factor.standing(tx, user_id).since is not None

    def provider_of(tx: Transaction, session: SignedIn) -> Provider | None:
        return providers.by_id(tx, session.provider_id) if session.provider_id else None

    async def form(request: Request, session: SignedIn, onward: str, problem: RingfenceError | None = None) -> Response:
        stored, code = await database.read(lambda tx: look(tx, session.user.id))
        context = {
            "next": local_path(onward),
            "problem": problem,
            "password": stored is not None,
            "code": code,
            "provider": await database.read(lambda tx: provider_of(tx, session)),
        }
        return pages.render(request, "sign_in/confirm.html", context, status=problem.status if problem else 200)

    @router.get("/sign-in/confirm")
    async def ask(request: Request, session: SignedIn, onward: Annotated[str, Query(alias="next")] = "/") -> Response:
        return await form(request, session, onward)

    @router.post("/sign-in/confirm")
    async def confirm(
        request: Request,
        session: SignedIn,
        password: Annotated[str, Form(max_length=4000)] = "",
        code: Annotated[str, Form(max_length=100)] = "",
        onward: Annotated[str, Form(alias="next")] = "/",
    ) -> Response:
        user = session.user
        stored, has_app = await database.read(lambda tx: look(tx, user.id))
        known = entrance.attempt(request, user.name, user)
        attempt = Attempt(f"confirm\n{user.id}", known.address, known.browser)
        wrong = NotSignedIn("That was not right.", advice="Try again.")

        def work(tx: Transaction) -> str | None:
            by = second_factor.check(tx, vault, user.id, code) if has_app else ""
            throttle.succeeded(tx, attempt)
            held = cookies.session_token(request, settings) or ""
            log.write(
                tx, Event.SIGN_IN_CONFIRMED, user.organization_id, user.id, details={"name": user.name, "code": by}
            )
            return sessions.renew(tx, held, proven=True)

        if stored is None and not has_app:
            nothing = NotSignedIn(
                "There is no password and no app to confirm it by.", advice="Sign out, and come by a new link."
            )
            return await form(request, session, onward, nothing)
        counted = 0
        try:
            counted = await database.run(lambda tx: throttle.begin(tx, attempt))
            if stored is not None and not await checks.matches(stored, password):
                raise wrong
            fresh = await database.run(work)
        except NotSignedIn as problem:
            if counted:
                address, locked = visitor(request).address, throttle.locks(counted)
                await database.run(lambda tx: passwords.refused(tx, user, address, locked=locked))
            return await form(request, session, onward, problem)
        if fresh is None:
            raise NotSignedIn("The session is over.", advice="Sign in again.")
        return entrance.enter(request, user, fresh, onward)

    return router
