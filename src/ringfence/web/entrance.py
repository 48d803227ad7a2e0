"""How somebody goes on who has proven the first factor: to the code, to setting an app up, or into a session."""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.security import known_browsers, second_factor, sessions, sign_in_rules, steps
from ringfence.security.people import User
from ringfence.security.sign_in_rules import Demand
from ringfence.security.steps import Kind
from ringfence.security.throttle import Attempt
from ringfence.storage import Transaction
from ringfence.web import cookies
from ringfence.web.navigation import local_path
from ringfence.web.services import Services
from ringfence.web.visitors import visitor


class Entrance:
    """Lets people in."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def attempt(self, request: Request, name: str, user: User | None) -> Attempt:
        """Return who tries; a browser that is known to the person is counted apart."""
        browser = None
        value = cookies.known(request, self._services.settings)
        if user is not None and value:
            browser = known_browsers.recognise(self._services.sender.vault, value, user.id)
        return Attempt(name, visitor(request).address, browser)

    async def go_on(self, request: Request, user: User, how: str, onward: str) -> Response:
        """Ask for the second factor where there is or must be one, else let them in."""
        demand = Demand(self._services.settings.second_factor)

        def work(tx: Transaction) -> tuple[str, str | None]:
            has = second_factor.standing(tx, user.id).since is not None
            if not has and not sign_in_rules.must_have(tx, user.id, demand):
                return self.start(tx, request, user, how), None
            if not has:
                # Who knew the first factor before may have read the secret that they were shown then.
                second_factor.forget_unproven(tx, user.id)
                steps.drop(tx, Kind.ENROL, user_id=user.id)
            facts = {"how": how, "next": local_path(onward)}
            kind = Kind.CODE if has else Kind.ENROL
            return steps.begin(tx, kind, facts, user_id=user.id), "/sign-in/code" if has else "/sign-in/app"

        token, step = await self._services.database.run(work)
        if step is None:
            return self.enter(request, user, token, onward)
        response = RedirectResponse(step, 303)
        cookies.set_step(response, request, self._services.settings, token, int(steps.LIFETIME.total_seconds()))
        return response

    def start(self, tx: Transaction, request: Request, user: User, how: str, provider_id: str | None = None) -> str:
        """Return the token of a new session; the one that this browser had is over."""
        settings = self._services.settings
        held = cookies.session_token(request, settings)
        if held:
            sessions.end(tx, held)
        return sessions.start(
            tx,
            user.id,
            timedelta(hours=settings.session_hours),
            how=how,
            idle=timedelta(minutes=settings.session_idle_minutes),
            visitor=visitor(request),
            provider_id=provider_id,
        )

    def enter(self, request: Request, user: User, token: str, onward: str) -> Response:
        """Give the browser its session, and let it be known to the person from now on."""
        response = RedirectResponse(local_path(onward), 303)
        self.give(response, request, user, token)
        return response

    def give(self, response: Response, request: Request, user: User, token: str) -> None:
        """Put the session into a response that is another page than the one that leads on."""
        settings, vault = self._services.settings, self._services.sender.vault
        cookies.set_session(response, request, settings, token)
        cookies.drop_step(response, request, settings)
        if known_browsers.recognise(vault, cookies.known(request, settings), user.id) is None:
            cookies.set_known(response, request, settings, known_browsers.introduce(vault, user.id))
