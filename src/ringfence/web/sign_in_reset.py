"""/sign-in/forgotten and /sign-in/reset: a new password by a one-time address that comes by mail.

Everybody is told the same, and the mail is looked for after the answer went out: nobody learns whether a name is known.
"""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from ringfence import clock, logs
from ringfence.errors import Invalid, NotSignedIn, RingfenceError
from ringfence.notifications import resets
from ringfence.security import passwords, people, sessions, steps, throttle
from ringfence.security.people import User
from ringfence.security.steps import Kind
from ringfence.security.throttle import Attempt
from ringfence.storage import Transaction
from ringfence.web.entrance import Entrance
from ringfence.web.password_checks import PasswordChecks
from ringfence.web.rendering import Pages
from ringfence.web.services import Services
from ringfence.web.sign_in_form import SignInForm
from ringfence.web.visitors import visitor

Secret = Annotated[str, Form(max_length=4000)]
_log = logs.get(__name__)


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of these pages."""
    router = APIRouter()
    database, sender = services.database, services.sender
    checks, sign_in, entrance = PasswordChecks(services), SignInForm(services, pages), Entrance(services)

    minutes = int(resets.LIFETIME.total_seconds() // 60)

    def asking(request: Request, *, asked: bool = False, problem: RingfenceError | None = None) -> Response:
        context = {"asked": asked, "problem": problem, "minutes": minutes}
        return pages.render(request, "sign_in/forgotten.html", context, status=problem.status if problem else 200)

    def choosing(request: Request, token: str, user: User, problem: RingfenceError | None = None) -> Response:
        context = {"token": token, "user": user, "problem": problem, "shortest": services.settings.password_length}
        return pages.render(request, "sign_in/reset.html", context, status=problem.status if problem else 200)

    def whose(tx: Transaction, token: str) -> User:
        try:
            found = steps.look(tx, Kind.RESET, token)
        except NotSignedIn:
            raise NotSignedIn(
                f"This address was used already, or a newer one was sent, or its {minutes} minutes are over.",
                advice="Ask for another: Forgotten your password?",
            ) from None
        assert found.user_id is not None
        return people.get(tx, found.user_id)

    @router.get("/sign-in/forgotten")
    async def show(request: Request) -> Response:
        return asking(request)

    @router.post("/sign-in/forgotten")
    async def ask(request: Request, name: Annotated[str, Form(max_length=400)] = "") -> Response:
        attempt = Attempt(f"reset\n{name.strip().casefold()}", visitor(request).address)
        try:
            await database.run(lambda tx: throttle.begin(tx, attempt))
        except NotSignedIn as problem:
            return asking(request, problem=problem)
        answer = asking(request, asked=True)
        answer.background = BackgroundTask(post, name)
        return answer

    async def post(name: str) -> None:
        try:
            letter = await database.run(lambda tx: resets.ask(tx, sender.vault, name, sender.address))
            if letter is not None:
                await asyncio.to_thread(
                    sender.send, letter.target, letter.message, mark=clock.new_id(), allowed=sender.allowed
                )
        except RingfenceError as problem:
            _log.warning("reset_not_sent", error=problem.message)

    @router.get("/sign-in/reset")
    async def choose(request: Request, token: str = "") -> Response:
        try:
            user = await database.read(lambda tx: whose(tx, token))
        except NotSignedIn as problem:
            return await sign_in.show(request, problem=problem)
        return choosing(request, token, user)

    @router.post("/sign-in/reset")
    async def change(
        request: Request, token: Annotated[str, Form()] = "", password: Secret = "", again: Secret = ""
    ) -> Response:
        try:
            # Before a password is hashed for somebody who has no address.
            user = await database.read(lambda tx: whose(tx, token))
        except NotSignedIn as problem:
            return await sign_in.show(request, problem=problem)
        try:
            if password != again:
                raise Invalid("The two passwords are not the same.", advice="Enter both again.")
            made = await checks.hash(password, (user.name,))
        except Invalid as problem:
            return choosing(request, token, user, problem)

        def work(tx: Transaction) -> None:
            steps.finish(tx, Kind.RESET, token)
            passwords.store(tx, user.id, made)
            sessions.revoke_all(tx, user.id)
            throttle.free(tx, user.name)

        try:
            await database.run(work)
        except NotSignedIn as problem:
            return await sign_in.show(request, problem=problem)
        # A second factor is asked for as ever.
        return await entrance.go_on(request, user, "password", "/")

    return router
