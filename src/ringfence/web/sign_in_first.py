"""/sign-in/first: the first administrator chooses a name and a password, by the link that the server printed."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from ringfence.errors import Invalid, NotSignedIn, RingfenceError
from ringfence.organizations import first
from ringfence.security.sign_in_rules import Demand
from ringfence.web.entrance import Entrance
from ringfence.web.password_checks import PasswordChecks
from ringfence.web.rendering import Pages
from ringfence.web.services import Services
from ringfence.web.sign_in_form import SignInForm

Secret = Annotated[str, Form(max_length=4000)]


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter()
    database = services.database
    entrance, checks, sign_in = Entrance(services), PasswordChecks(services), SignInForm(services, pages)

    def form(request: Request, token: str, name: str = "", problem: RingfenceError | None = None) -> Response:
        context = {
            "token": token,
            "name": name,
            "problem": problem,
            "shortest": services.settings.password_length,
            "app_next": Demand(services.settings.second_factor) is not Demand.NOBODY,
        }
        return pages.render(request, "sign_in/first.html", context, status=problem.status if problem else 200)

    @router.get("/sign-in/first")
    async def show(request: Request, token: str = "") -> Response:
        try:
            await database.read(lambda tx: first.look(tx, token))
        except NotSignedIn as problem:
            return await sign_in.show(request, problem=problem)
        return form(request, token)

    @router.post("/sign-in/first")
    async def take(
        request: Request,
        token: Annotated[str, Form()] = "",
        name: Annotated[str, Form(max_length=400)] = "",
        password: Secret = "",
        again: Secret = "",
    ) -> Response:
        try:
            # Before a password is hashed for somebody who has no link.
            await database.read(lambda tx: first.look(tx, token))
            if not name.strip():
                raise Invalid("The first administrator needs a name.", advice="Such as the part before the @.")
            if password != again:
                raise Invalid("The two passwords are not the same.", advice="Enter both again.")
            made = await checks.hash(password, (name,))
            user = await database.run(lambda tx: first.take(tx, token, name, made))
        except NotSignedIn as problem:
            return await sign_in.show(request, problem=problem)
        except Invalid as problem:
            return form(request, token, name, problem)
        return await entrance.go_on(request, user, "password", "/")

    return router
