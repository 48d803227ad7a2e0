"""/me: one's own account: password, authenticator app, and where one is signed in."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Form
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.errors import Conflict, Forbidden, Invalid, NotSignedIn, RingfenceError
from ringfence.organizations import identities
from ringfence.security import devices, passwords, proof, providers, second_factor, sessions, sign_in_rules, throttle
from ringfence.security.access import needs
from ringfence.security.proof import PROVEN
from ringfence.security.rbac import Permission
from ringfence.security.sign_in_rules import Demand
from ringfence.security.throttle import Attempt
from ringfence.storage import Transaction
from ringfence.web import cookies
from ringfence.web.entrance import Entrance
from ringfence.web.password_checks import PasswordChecks
from ringfence.web.rendering import Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn
from ringfence.web.visitors import visitor

Secret = Annotated[str, Form(max_length=4000)]


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of these pages."""
    router = APIRouter(dependencies=[needs(Permission.SELF_MANAGE)])
    database, settings, vault = services.database, services.settings, services.sender.vault
    entrance, checks = Entrance(services), PasswordChecks(services)

    def must_have(tx: Transaction, user_id: str) -> bool:
        return sign_in_rules.must_have(tx, user_id, Demand(settings.second_factor))

    def look(tx: Transaction, user_id: str) -> dict[str, Any]:
        return {
            "has_password": passwords.of_user(tx, user_id) is not None,
            "app": second_factor.standing(tx, user_id),
            "must_have": must_have(tx, user_id),
            "sessions": sessions.of_user(tx, user_id),
            "identities": identities.of_user(tx, user_id),
            "providers": providers.buttons(tx),
        }

    async def show(
        request: Request, session: SignedIn, *, problem: RingfenceError | None = None, done: str = ""
    ) -> Response:
        context = await database.read(lambda tx: look(tx, session.user.id))
        context |= {"problem": problem, "done": done, "device": devices.words, "shortest": settings.password_length}
        return pages.render(request, "me/account.html", context, status=problem.status if problem else 200)

    @router.get("/me")
    async def account(request: Request, session: SignedIn, changed: str = "") -> Response:
        said = "The password is changed. You are signed out everywhere else." if changed == "password" else ""
        return await show(request, session, done=said)

    @router.post("/me/password")
    async def change_password(
        request: Request, session: SignedIn, current: Secret = "", password: Secret = "", again: Secret = ""
    ) -> Response:
        user = session.user
        stored = await database.read(lambda tx: passwords.of_user(tx, user.id))
        known = entrance.attempt(request, user.name, user)
        attempt = Attempt(f"confirm\n{user.id}", known.address, known.browser)
        try:
            if stored is None:
                proof.demand(request)
            else:
                count = await database.run(lambda tx: throttle.begin(tx, attempt))
                if not await checks.matches(stored, current):
                    address, locked = visitor(request).address, throttle.locks(count)
                    await database.run(lambda tx: passwords.refused(tx, user, address, locked=locked))
                    raise NotSignedIn("The present password is wrong.", advice="Try again.")
            if password != again:
                raise Invalid("The two new passwords are not the same.", advice="Enter both again.")
            made = await checks.hash(password, (user.name,))
        except proof.ProofNeeded:
            raise
        except RingfenceError as problem:
            return await show(request, session, problem=problem)

        def work(tx: Transaction) -> str | None:
            passwords.store(tx, user.id, made)
            throttle.succeeded(tx, attempt)
            sessions.revoke_all(tx, user.id, but=session.id)
            return sessions.renew(tx, cookies.session_token(request, settings) or "", proven=True)

        fresh = await database.run(work)
        response = RedirectResponse("/me?changed=password", 303)
        if fresh is not None:
            entrance.give(response, request, user, fresh)
        return response

    def app_page(request: Request, enrolment: second_factor.Enrolment, problem: RingfenceError | None) -> Response:
        context = {
            "enrolment": enrolment,
            "picture": Markup(enrolment.picture),
            "problem": problem,
            "action": "/me/app",
        }
        return pages.render(request, "me/app.html", context, status=problem.status if problem else 200)

    @router.get("/me/app", dependencies=[PROVEN])
    async def show_app(request: Request, session: SignedIn) -> Response:
        return app_page(request, await database.run(lambda tx: second_factor.enrol(tx, vault, session.user.id)), None)

    @router.post("/me/app", dependencies=[PROVEN])
    async def set_app_up(
        request: Request, session: SignedIn, code: Annotated[str, Form(max_length=100)] = ""
    ) -> Response:
        user_id = session.user.id

        def work(tx: Transaction) -> tuple[tuple[str, ...], str | None]:
            codes = second_factor.confirm(tx, vault, user_id, code)
            sessions.revoke_all(tx, user_id, but=session.id)
            return codes, sessions.renew(tx, cookies.session_token(request, settings) or "", proven=True)

        try:
            codes, fresh = await database.run(work)
        except NotSignedIn as problem:
            return app_page(
                request, await database.run(lambda tx: second_factor.enrol(tx, vault, user_id)), _refused(problem)
            )
        response = pages.render(request, "me/recovery_codes.html", {"codes": codes})
        if fresh is not None:
            entrance.give(response, request, session.user, fresh)
        return response

    @router.post("/me/app/remove", dependencies=[PROVEN])
    async def remove_app(request: Request, session: SignedIn) -> Response:
        def work(tx: Transaction) -> None:
            if must_have(tx, session.user.id):
                raise Conflict(
                    "Your organization demands an app.",
                    advice="Ask an administrator to reset it, if you have a new one.",
                )
            second_factor.remove(tx, session.user.id)

        return await act(request, session, work, "/me#app")

    @router.post("/me/recovery-codes", dependencies=[PROVEN])
    async def new_codes(request: Request, session: SignedIn) -> Response:
        def work(tx: Transaction) -> tuple[str, ...]:
            if second_factor.standing(tx, session.user.id).since is None:
                raise Conflict("There is no authenticator app.", advice="Set one up first.")
            return second_factor.renew_recovery_codes(tx, session.user.id)

        try:
            codes = await database.run(work)
        except RingfenceError as problem:
            return await show(request, session, problem=problem)
        return pages.render(request, "me/recovery_codes.html", {"codes": codes})

    @router.post("/me/sessions/{session_id}/revoke")
    async def revoke(request: Request, session: SignedIn, session_id: str) -> Response:
        def work(tx: Transaction) -> None:
            sessions.revoke(tx, session.user.id, session_id)

        return await act(request, session, work, "/me#sessions")

    @router.post("/me/sessions/revoke-others")
    async def revoke_others(request: Request, session: SignedIn) -> Response:
        def work(tx: Transaction) -> None:
            sessions.revoke_all(tx, session.user.id, but=session.id)

        return await act(request, session, work, "/me#sessions")

    async def act(request: Request, session: SignedIn, work: Callable[[Transaction], None], onward: str) -> Response:
        try:
            await database.run(work)
        except RingfenceError as problem:
            return await show(request, session, problem=problem)
        return RedirectResponse(onward, 303)

    return router


def _refused(problem: NotSignedIn) -> RingfenceError:
    # They are signed in: only the code was wrong.
    return Forbidden(problem.message, advice=problem.advice)
