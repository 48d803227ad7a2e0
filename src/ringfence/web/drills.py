"""/drills: rehearsals and what they cover, the devices that are there for them, schedules; one drill's scorecard, live."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.drills import desk, records
from ringfence.drills.model import EICAR_HINT, Drill, Step
from ringfence.errors import Invalid, RingfenceError
from ringfence.incidents.model import Incident
from ringfence.playbooks.durations import Duration
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction, changes
from ringfence.web.drill_views import View, incident_of, view
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

Text = Annotated[str, Form(max_length=300)]
_USUAL = "30 min"


@dataclass(frozen=True, slots=True)
class Problem:
    """What was wrong with a form, and what was entered in it."""

    error: RingfenceError
    form: str
    values: dict[str, str] = field(default_factory=dict)


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of these pages."""
    router = APIRouter(dependencies=[needs(Permission.DRILL_READ)])
    database = services.database

    async def overview(request: Request, session: SignedIn, problem: Problem | None = None) -> Response:
        organization = session.user.organization_id

        def look(tx: Transaction) -> tuple[int, View]:
            return changes.latest(tx), view(tx, organization)

        number, shown = await database.read(look)
        context: dict[str, Any] = {"shown": shown, "problem": problem, "values": problem.values if problem else {}}
        status = problem.error.status if problem else 200
        # The hosts of a simulated tenant are known from its first alerts on.
        topics = ("drill", "alert") if shown.simulated and not shown.devices else ("drill",)
        return pages.render(request, "drills/list.html", context, live=Live(topics, number), status=status)

    @router.get("/drills")
    async def listing(request: Request, session: SignedIn) -> Response:
        return await overview(request, session)

    @router.post("/drills", dependencies=[needs(Permission.DRILL_RUN)])
    async def begin(
        request: Request,
        session: SignedIn,
        device: Text = "",
        playbook: Text = "",
        longest: Text = _USUAL,
        real: Annotated[bool, Form()] = False,
    ) -> Response:
        values = {"device": device, "playbook": playbook, "longest": longest}
        try:
            patience = _seconds(longest)
            made = await desk.begin(
                database,
                services.explain,
                session.user.organization_id,
                device,
                playbook or None,
                real=real,
                by=session.user.name,
                patience=patience,
            )
        except RingfenceError as error:
            return await overview(request, session, Problem(error, "begin", values))
        return RedirectResponse(f"/drills/{made.id}", 303)

    @router.post("/drills/devices", dependencies=[needs(Permission.DRILL_MANAGE)])
    async def allow(request: Request, session: SignedIn, device: Text = "") -> Response:
        organization = session.user.organization_id
        try:
            found = await services.explain(
                organization_id=organization, target=device.strip(), account=None, by_person=True
            )
            await database.run(lambda tx: desk.allow(tx, organization, None, found, session.user.name))
        except RingfenceError as error:
            return await overview(request, session, Problem(error, "device", {"new_device": device}))
        return RedirectResponse("/drills", 303)

    @router.post("/drills/devices/{machine_id}/remove", dependencies=[needs(Permission.DRILL_MANAGE)])
    async def forbid(session: SignedIn, machine_id: str) -> Response:
        organization = session.user.organization_id
        await database.run(lambda tx: records.remove_device(tx, organization, machine_id, session.user.name))
        return RedirectResponse("/drills", 303)

    @router.post("/drills/schedules", dependencies=[needs(Permission.DRILL_MANAGE)])
    async def schedule(
        request: Request,
        session: SignedIn,
        device: Text = "",
        playbook: Text = "",
        cron: Text = "",
        time_zone: Text = "UTC",
    ) -> Response:
        try:
            await database.run(
                lambda tx: desk.schedule(
                    tx,
                    session.user.organization_id,
                    device,
                    playbook or None,
                    cron=cron.strip(),
                    time_zone=time_zone.strip(),
                    by=session.user.name,
                )
            )
        except RingfenceError as error:
            values = {"device": device, "playbook": playbook, "cron": cron, "time_zone": time_zone}
            return await overview(request, session, Problem(error, "schedule", values))
        return RedirectResponse("/drills", 303)

    @router.post("/drills/schedules/{schedule_id}/remove", dependencies=[needs(Permission.DRILL_MANAGE)])
    async def unschedule(session: SignedIn, schedule_id: str) -> Response:
        organization = session.user.organization_id
        await database.run(lambda tx: records.unschedule(tx, organization, schedule_id, session.user.name))
        return RedirectResponse("/drills", 303)

    async def detail(
        request: Request, session: SignedIn, drill_id: str, problem: RingfenceError | None = None
    ) -> Response:
        def look(tx: Transaction) -> tuple[int, Drill, Incident | None]:
            found = records.get(tx, drill_id, organization_id=session.user.organization_id)
            return changes.latest(tx), found, incident_of(tx, found)

        number, found, incident = await database.read(look)
        context = {
            "drill": found,
            "incident": incident,
            "problem": problem,
            "hint": EICAR_HINT,
            "took": _took,
            "lasted": found.finished_at - found.started_at if found.finished_at else None,
        }
        live = Live((f"drill:{found.id}",), number)
        return pages.render(request, "drills/one.html", context, live=live, status=problem.status if problem else 200)

    @router.get("/drills/{drill_id}")
    async def one(request: Request, session: SignedIn, drill_id: str) -> Response:
        return await detail(request, session, drill_id)

    @router.post("/drills/{drill_id}/abort", dependencies=[needs(Permission.DRILL_RUN)])
    async def abort(request: Request, session: SignedIn, drill_id: str) -> Response:
        organization = session.user.organization_id
        try:
            await database.run(
                lambda tx: records.abort(tx, drill_id, organization_id=organization, by=session.user.name)
            )
        except RingfenceError as problem:
            return await detail(request, session, drill_id, problem)
        return RedirectResponse(f"/drills/{drill_id}", 303)

    return router


def _seconds(text: str) -> float:
    try:
        return Duration.parse(text.strip()).seconds
    except ValueError as error:
        raise Invalid(str(error), advice="Write for example `30 min`.") from None


def _took(step: Step) -> timedelta | None:
    return None if step.seconds is None else timedelta(seconds=step.seconds)
