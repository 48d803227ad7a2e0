"""/sign-in/code: the second factor; /sign-in/app: setting an app up, where the rules demand one before anybody is let in."""

from typing import Annotated

from fastapi import APIRouter, Form
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from ringfence.audit.acting import Via, acting
from ringfence.errors import NotSignedIn
from ringfence.security import passwords, people, second_factor, sessions, steps, throttle
from ringfence.security.people import User
from ringfence.security.second_factor import Enrolment
from ringfence.security.steps import Kind, Step
from ringfence.security.throttle import Attempt
from ringfence.storage import Transaction
from ringfence.web import cookies
from ringfence.web.entrance import Entrance
from ringfence.web.rendering import Pages
from ringfence.web.services import Services
from ringfence.web.sign_in_form import SignInForm
from ringfence.web.visitors import visitor


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of these pages."""
    router = APIRouter()
    database, settings, vault = services.database, services.settings, services.sender.vault
    entrance, form = Entrance(services), SignInForm(services, pages)

    def under_way(tx: Transaction, kind: Kind, request: Request) -> tuple[Step, User]:
        step = steps.look(tx, kind, cookies.step_token(request, settings))
        assert step.user_id is not None
        return step, people.get(tx, step.user_id)

    def code_form(request: Request, problem: NotSignedIn | None = None) -> Response:
        return pages.render(
            request, "sign_in/code.html", {"problem": problem}, status=problem.status if problem else 200
        )

    @router.get("/sign-in/code")
    async def ask(request: Request) -> Response:
        try:
            await database.read(lambda tx: under_way(tx, Kind.CODE, request))
        except NotSignedIn as problem:
            return await form.show(request, problem=problem)
        return code_form(request)

    @router.post("/sign-in/code")
    async def by_code(request: Request, code: Annotated[str, Form(max_length=100)] = "") -> Response:
        try:
            step, user = await database.read(lambda tx: under_way(tx, Kind.CODE, request))
        except NotSignedIn as problem:
            return await form.show(request, problem=problem)
        token = cookies.step_token(request, settings)
        known = entrance.attempt(request, user.name, user)
        # Codes are counted apart from passwords, or who knows the password would have them all.
        attempt = Attempt(f"code\n{user.id}", known.address, known.browser)

        def count(tx: Transaction) -> int:
            counted = throttle.begin(tx, attempt)
            steps.tried(tx, token)
            return counted

        def work(tx: Transaction) -> str:
            by = second_factor.check(tx, vault, user.id, code)
            steps.finish(tx, Kind.CODE, token)
            throttle.succeeded(tx, attempt)
            how, provider_id = str(step.facts["how"]), step.facts.get("provider_id")
            return entrance.start(tx, request, user, f"{how} + {by}", provider_id)

        counted = 0
        try:
            counted = await database.run(count)
            session = await database.run(work)
        except NotSignedIn as problem:
            if counted:
                address, locked = visitor(request).address, throttle.locks(counted)
                await database.run(lambda tx: passwords.refused(tx, user, address, locked=locked))
            return code_form(request, problem)
        return entrance.enter(request, user, session, str(step.facts["next"]))

    def app_form(request: Request, enrolment: Enrolment, problem: NotSignedIn | None = None) -> Response:
        context = {
            "enrolment": enrolment,
            "picture": Markup(enrolment.picture),
            "problem": problem,
            "action": "/sign-in/app",
        }
        return pages.render(request, "sign_in/app.html", context, status=problem.status if problem else 200)

    @router.get("/sign-in/app")
    async def show_app(request: Request) -> Response:
        def work(tx: Transaction) -> Enrolment:
            _, user = under_way(tx, Kind.ENROL, request)
            return second_factor.enrol(tx, vault, user.id)

        try:
            enrolment = await database.run(work)
        except NotSignedIn as problem:
            return await form.show(request, problem=problem)
        return app_form(request, enrolment)

    @router.post("/sign-in/app")
    async def set_up(request: Request, code: Annotated[str, Form(max_length=100)] = "") -> Response:
        token = cookies.step_token(request, settings)
        try:
            step, user = await database.read(lambda tx: under_way(tx, Kind.ENROL, request))
        except NotSignedIn as problem:
            return await form.show(request, problem=problem)

        def work(tx: Transaction) -> tuple[str, tuple[str, ...]]:
            with acting(user.name, Via.PAGE):
                codes = second_factor.confirm(tx, vault, user.id, code)
            steps.finish(tx, Kind.ENROL, token)
            # Those were begun with the first factor alone.
            sessions.revoke_all(tx, user.id)
            how, provider_id = str(step.facts["how"]), step.facts.get("provider_id")
            return entrance.start(tx, request, user, f"{how} + code", provider_id), codes

        try:
            session, codes = await database.run(work)
        except NotSignedIn as problem:
            return app_form(request, await database.run(lambda tx: second_factor.enrol(tx, vault, user.id)), problem)
        response = pages.render(request, "sign_in/recovery_codes.html", {"codes": codes, "onward": step.facts["next"]})
        entrance.give(response, request, user, session)
        return response

    return router
