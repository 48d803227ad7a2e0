"""/sign-in: by a one-time link, or by name and password; /sign-out."""

from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.errors import NotSignedIn
from ringfence.security import links, passwords, providers, sessions, throttle
from ringfence.security.people import User
from ringfence.security.providers import Provider
from ringfence.storage import Transaction
from ringfence.web import cookies
from ringfence.web.entrance import Entrance
from ringfence.web.navigation import local_path
from ringfence.web.password_checks import PasswordChecks
from ringfence.web.rendering import Pages
from ringfence.web.services import Services
from ringfence.web.sign_in_form import SignInForm
from ringfence.web.visitors import visitor


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of these pages."""
    router = APIRouter()
    database, settings = services.database, services.settings
    entrance, checks, form = Entrance(services), PasswordChecks(services), SignInForm(services, pages)

    @router.get("/sign-in")
    async def show(
        request: Request, onward: Annotated[str, Query(alias="next")] = "/", left: Annotated[str, Query()] = ""
    ) -> Response:
        if request.state.session is not None:
            return RedirectResponse(local_path(onward), 303)
        # Who signed out by themselves has no cookie any more.
        ended = cookies.session_token(request, settings) is not None
        return await form.show(request, onward, left=left, ended=ended)

    @router.post("/sign-in")
    async def by_password(
        request: Request,
        name: Annotated[str, Form(max_length=400)] = "",
        password: Annotated[str, Form(max_length=4000)] = "",
        onward: Annotated[str, Form(alias="next")] = "/",
    ) -> Response:
        def look(tx: Transaction) -> tuple[User | None, str | None, Provider | None]:
            user, stored = passwords.find(tx, name) or (None, None)
            return user, stored, providers.for_name(tx, name) if stored is None else None

        user, stored, provider = await database.read(look)
        if provider is not None:
            # Not sent there at once: browsers do not let a form lead to another site.
            return await form.show(request, onward, name=name, only=provider)
        attempt = entrance.attempt(request, name, user)
        try:
            count = await database.run(lambda tx: throttle.begin(tx, attempt))
        except NotSignedIn as problem:
            return await form.show(request, onward, name=name, problem=problem)
        if not await checks.matches(stored, password) or user is None or stored is None:
            if user is not None:
                known, address, locked = user, visitor(request).address, throttle.locks(count)
                await database.run(lambda tx: passwords.refused(tx, known, address, locked=locked))
            wrong = NotSignedIn(
                "The name or the password is wrong.", advice="Try again, or sign in by a link from the server."
            )
            return await form.show(request, onward, name=name, problem=wrong)
        await database.run(lambda tx: throttle.succeeded(tx, attempt))
        await checks.bring_up_to_date(user.id, stored, password)
        return await entrance.go_on(request, user, "password", onward)

    @router.get("/sign-in/link")
    async def show_link(request: Request, token: str = "") -> Response:
        # Only the button uses the link up: mail scanners and previews open addresses too.
        try:
            user = await database.read(lambda tx: links.look(tx, token))
        except NotSignedIn as problem:
            return await form.show(request, problem=problem)
        return pages.render(request, "sign_in/link.html", {"user": user, "token": token})

    @router.post("/sign-in/link")
    async def by_link(request: Request, token: Annotated[str, Form()] = "") -> Response:
        try:
            user = await database.run(lambda tx: links.use(tx, token))
        except NotSignedIn as problem:
            return await form.show(request, problem=problem)
        return await entrance.go_on(request, user, "link", "/")

    @router.post("/sign-out")
    async def leave(request: Request) -> Response:
        def work(tx: Transaction) -> str:
            held = cookies.session_token(request, settings)
            session = sessions.find(tx, held) if held else None
            if held:
                sessions.end(tx, held)
            provider = providers.by_id(tx, session.provider_id) if session and session.provider_id else None
            return f"/sign-in?left={provider.name}" if provider is not None else "/sign-in"

        response = RedirectResponse(await database.run(work), 303)
        cookies.drop_session(response, request, settings)
        return response

    return router
