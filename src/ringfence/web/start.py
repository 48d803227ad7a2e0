"""/start: start a playbook by hand, on an alert, on a machine, on an incident, or on nothing."""

from dataclasses import replace

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence import clock
from ringfence.alerts import queue
from ringfence.errors import Invalid, RingfenceError
from ringfence.incidents import queue as incidents
from ringfence.incidents.model import number_of
from ringfence.listeners.people import Begun, Offer, Starter, Wish
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction
from ringfence.web.rendering import Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

_INPUT = "input."


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.RUN_START)])
    database, starter = services.database, Starter()

    async def form(request: Request, session: SignedIn, wish: Wish, problem: RingfenceError | None = None) -> Response:
        organization = session.user.organization_id
        kinds = ("alert", "machine", "incident")
        subject = next((kind for kind in kinds if getattr(wish, kind)), "nothing")

        def look(tx: Transaction) -> tuple[list[Offer], str]:
            title = queue.get(tx, organization, wish.alert).title if wish.alert else ""
            if wish.incident:
                title = incidents.get(tx, organization, number_of(wish.incident)).title
            return starter.offers(tx, organization, subject), title

        offers, title = await database.read(look)
        chosen = next((each for each in offers if wish.playbook in (each.playbook.id, each.playbook.name)), None)
        context = {
            "wish": wish,
            "inputs": wish.inputs or {},
            "subject": subject,
            "title": title,
            "offers": offers,
            "chosen": chosen,
            "problem": problem,
            "problems": problem.problems if isinstance(problem, Invalid) else (),
        }
        return pages.render(request, "start/form.html", context, status=problem.status if problem else 200)

    @router.get("/start")
    async def ask(
        request: Request,
        session: SignedIn,
        playbook: str = "",
        alert: str = "",
        machine: str = "",
        account: str = "",
        incident: str = "",
    ) -> Response:
        by = session.user.name
        # The form carries its own key, so that a button that is pressed twice starts one run.
        wish = Wish(
            playbook, by, alert or None, machine or None, account or None, key=clock.new_id(), incident=incident or None
        )
        return await form(request, session, wish)

    @router.post("/start")
    async def start(request: Request, session: SignedIn) -> Response:
        given = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
        wish = Wish(
            given.get("playbook", ""),
            session.user.name,
            given.get("alert") or None,
            given.get("machine") or None,
            given.get("account") or None,
            {name.removeprefix(_INPUT): value for name, value in given.items() if name.startswith(_INPUT)},
            given.get("key") or None,
            given.get("incident") or None,
        )

        def work(tx: Transaction) -> Begun:
            return starter.begin(tx, session.user.organization_id, wish)

        try:
            begun = await database.run(work)
        except RingfenceError as problem:
            return await form(request, session, replace(wish, key=clock.new_id()), problem)
        return RedirectResponse(f"/executions/{begun.run_id}", 303)

    return router
