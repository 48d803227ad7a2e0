"""/sign-in: by a one-time link, or by name and password; /sign-out."""

from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.errors import NotSignedIn
from ringfence.security import links, passwords, sessions, throttle
from ringfence.web import cookies
from ringfence.web.entrance import Entrance
from ringfence.web.navigation import local_path
from ringfence.web.password_checks import PasswordChecks
from ringfence.web.rendering import Pages
from ringfence.web.services import Services
from ringfence.web.visitors import visitor


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of these pages."""
    router = APIRouter()
    database, settings = services.database, services.settings
    entrance, checks = Entrance(services), PasswordChecks(services)

    def form(request: Request, onward: str, *, name: str = "", problem: NotSignedIn | None = None) -> Response:
        context = {"next": local_path(onward), "name": name, "problem": problem}
        return pages.render(request, "sign_in/form.html", context, status=problem.status if problem else 200)

    @router.get("/sign-in")
    async def show(request: Request, onward: Annotated[str, Query(alias="next")] = "/") -> Response:
        if request.state.session is not None:
            return RedirectResponse(local_path(onward), 303)
        return form(request, onward)

    @router.post("/sign-in")
    async def by_password(
        request: Request,
        name: Annotated[str, Form(max_length=400)] = "",
        password: Annotated[str, Form(max_length=4000)] = "",
        onward: Annotated[str, Form(alias="next")] = "/",
    ) -> Response:
        found = await database.read(lambda tx: passwords.find(tx, name))
        user, stored = found or (None, None)
        attempt = entrance.attempt(request, name, user)
        try:
            count = await database.run(lambda tx: throttle.begin(tx, attempt))
        except NotSignedIn as problem:
            return form(request, onward, name=name, problem=problem)
        if not await checks.matches(stored, password) or user is None or stored is None:
            if user is not None:
                known, address, locked = user, visitor(request).address, throttle.locks(count)
                await database.run(lambda tx: passwords.refused(tx, known, address, locked=locked))
            wrong = NotSignedIn(
                "The name or the password is wrong.", advice="Try again, or sign in by a link from the server."
            )
            return form(request, onward, name=name, problem=wrong)
        await database.run(lambda tx: throttle.succeeded(tx, attempt))
        await checks.bring_up_to_date(user.id, stored, password)
        return await entrance.go_on(request, user, "password", onward)

    @router.get("/sign-in/link")
    async def show_link(request: Request, token: str = "") -> Response:
        # Only the button uses the link up: mail scanners and previews open addresses too.
        try:
            user = await database.read(lambda tx: links.look(tx, token))
        except NotSignedIn as problem:
            return form(request, "/", problem=problem)
        return pages.render(request, "sign_in/link.html", {"user": user, "token": token})

    @router.post("/sign-in/link")
    async def by_link(request: Request, token: Annotated[str, Form()] = "") -> Response:
        try:
            user = await database.run(lambda tx: links.use(tx, token))
        except NotSignedIn as problem:
            return form(request, "/", problem=problem)
        return await entrance.go_on(request, user, "link", "/")

    @router.post("/sign-out")
    async def leave(request: Request) -> Response:
        held = cookies.session_token(request, settings)
        if held:
            await database.run(lambda tx: sessions.end(tx, held))
        response = RedirectResponse("/sign-in", 303)
        cookies.drop_session(response, request, settings)
        return response

    return router
