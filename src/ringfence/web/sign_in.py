"""/sign-in: by a one-time link, or by name and password; /sign-out."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.errors import NotSignedIn
from ringfence.security import links, passwords, sessions
from ringfence.security.passwords import Passwords
from ringfence.web import cookies
from ringfence.web.navigation import local_path
from ringfence.web.rendering import Pages
from ringfence.web.services import Services

# Each check takes 64 MiB and tens of milliseconds on purpose: not more than two at a time.
_CHECKS = 2


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter()
    database, settings = services.database, services.settings
    lifetime = timedelta(hours=settings.session_hours)
    hashes = Passwords()
    checks = ThreadPoolExecutor(_CHECKS, thread_name_prefix="password")

    def form(request: Request, onward: str, *, name: str = "", problem: NotSignedIn | None = None) -> Response:
        context = {"next": local_path(onward), "name": name, "problem": problem}
        return pages.render(request, "sign_in/form.html", context, status=401 if problem else 200)

    def enter(request: Request, token: str, onward: str) -> Response:
        response = RedirectResponse(local_path(onward), 303)
        cookies.set_session(response, request, settings, token)
        return response

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
        try:
            hashes.throttle.demand(name)
        except NotSignedIn as problem:
            return form(request, onward, name=name, problem=problem)
        found = await database.read(lambda tx: passwords.find(tx, name))
        stored = found[1] if found else None
        loop = asyncio.get_running_loop()
        if not await loop.run_in_executor(checks, hashes.matches, stored, password) or found is None:
            hashes.throttle.failed(name)
            await database.run(lambda tx: passwords.refused(tx, name))
            wrong = NotSignedIn(
                "The name or the password is wrong.", advice="Try again, or sign in by a link from the server."
            )
            return form(request, onward, name=name, problem=wrong)
        hashes.throttle.succeeded(name)
        user = found[0]
        token = await database.run(lambda tx: sessions.start(tx, user.id, lifetime))
        return enter(request, token, onward)

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
            session = await database.run(lambda tx: links.use(tx, token, lifetime))
        except NotSignedIn as problem:
            return form(request, "/", problem=problem)
        return enter(request, session, "/")

    @router.post("/sign-out")
    async def leave(request: Request) -> Response:
        held = cookies.session_token(request, settings)
        if held:
            await database.run(lambda tx: sessions.end(tx, held))
        response = RedirectResponse("/sign-in", 303)
        cookies.drop_session(response, request, settings)
        return response

    return router
