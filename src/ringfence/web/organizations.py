"""/organizations: those that somebody works in, the one where they are now, and how it stands."""

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.containment import closing
from ringfence.diagnosis import board
from ringfence.diagnosis import organizations as overview
from ringfence.diagnosis.organizations import Line
from ringfence.errors import RingfenceError
from ringfence.organizations import members, places, service
from ringfence.organizations.model import Organization, State
from ringfence.playbooks import naming
from ringfence.security.access import Asker, needs
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction
from ringfence.storage.scope import everywhere
from ringfence.web import cookies, kept
from ringfence.web.navigation import local_path
from ringfence.web.rendering import Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn, signed_in

Text = Annotated[str, Form(max_length=500)]


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of these pages."""
    router = APIRouter()
    database, settings = services.database, services.settings

    async def show(request: Request, session: SignedIn, problem: RingfenceError | None = None) -> Response:
        user_id = session.user.id

        def look(tx: Transaction) -> tuple[list[Line], Organization | None]:
            actor = request.state.actor
            return overview.lines(tx, user_id), None if actor is None else service.get(tx, actor.organization_id)

        with everywhere():
            lines, here = await database.read(look)
        values = kept.words(kept.found(request, settings))
        context = {"lines": lines, "here": here, "problem": problem, "values": values}
        status = problem.status if problem is not None else 200
        response = pages.render(request, "organizations/list.html", context, status=status)
        return kept.forget(response, request, settings)

    @router.get("/organizations/choose", dependencies=[Depends(signed_in)])
    async def choice(request: Request, session: SignedIn) -> Response:
        return await show(request, session)

    @router.get("/organizations/board", dependencies=[needs(Permission.ORGANIZATION_READ)])
    async def side_by_side(request: Request, session: SignedIn) -> Response:
        with everywhere():
            lines = await database.read(lambda tx: board.lines(tx, members.places(tx, session.user.id)))
        context = {
            "lines": lines,
            "severities": board.SEVERITIES,
            "opened": "&".join(f"status={each}" for each in board.OPEN),
            "days": board.DAYS,
            "totals": {severity: sum(each.alerts.get(severity, 0) for each in lines) for severity in board.SEVERITIES},
        }
        return pages.render(request, "organizations/board.html", context)

    @router.post("/organizations/choose", dependencies=[Depends(signed_in)])
    async def choose(request: Request, session: SignedIn, organization: Text = "", to: Text = "/") -> Response:
        token = cookies.session_token(request, settings) or ""
        fresh, _ = await database.run(lambda tx: places.choose(tx, token, organization))
        # Not back to where they were: what was shown there is not of this organization. A list of the board is.
        response = RedirectResponse(local_path(to), 303)
        cookies.set_session(response, request, settings, fresh)
        return response

    @router.get("/organizations", dependencies=[needs(Permission.ORGANIZATION_READ)])
    async def listing(request: Request, session: SignedIn) -> Response:
        return await show(request, session)

    @router.post("/organizations", dependencies=[needs(Permission.ORGANIZATION_MANAGE), kept.proven("name")])
    async def make(request: Request, session: SignedIn, name: Text = "") -> Response:
        def work(tx: Transaction) -> None:
            service.create(tx, name)

        return await done(request, session, work)

    @router.post("/organizations/name", dependencies=[needs(Permission.ORGANIZATION_CHANGE)])
    async def rename(request: Request, session: SignedIn, asker: Asker, name: Text = "") -> Response:
        def work(tx: Transaction) -> None:
            naming.rename_organization(tx, asker.organization_id, name)

        return await done(request, session, work)

    @router.post("/organizations/state", dependencies=[needs(Permission.ORGANIZATION_MANAGE), kept.proven("reason")])
    async def stand(
        request: Request,
        session: SignedIn,
        asker: Asker,
        to: Annotated[Literal["active", "frozen", "closed"], Form()],
        reason: Text = "",
    ) -> Response:
        def work(tx: Transaction) -> None:
            if State(to) is State.CLOSED:
                closing.close(tx, asker.organization_id, reason)
            else:
                service.stand(tx, asker.organization_id, State(to), reason)

        return await done(request, session, work)

    async def done(request: Request, session: SignedIn, work: Callable[[Transaction], None]) -> Response:
        try:
            with everywhere():
                await database.run(work)
        except RingfenceError as problem:
            return await show(request, session, problem)
        return RedirectResponse("/organizations", 303)

    return router
