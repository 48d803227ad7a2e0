"""/executions/{id}/rerun: what doing a run again would do, and the form that does it."""

from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.actions.catalogue import discover
from ringfence.errors import RingfenceError
from ringfence.runs import detail, rerun
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction
from ringfence.web.rendering import Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

_LONGEST = 200
Steps = Annotated[list[str] | None, Query(max_length=50)]


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.RUN_START)])
    database, vault = services.database, services.sender.vault

    @router.get("/executions/{run_id}/rerun")
    async def look(
        request: Request, session: SignedIn, run_id: str, step: Steps = None, newest: bool = False
    ) -> Response:
        organization, wanted = session.user.organization_id, [each for each in step or [] if each]

        def work(tx: Transaction) -> dict[str, object]:
            row = detail.get(tx, organization, run_id, vault).row
            context: dict[str, object] = {"row": row, "steps": wanted, "newest": newest, "problem": None, "found": None}
            try:
                # All steps of the version, to choose from, and what the choice would do.
                context["choices"] = rerun.look(tx, organization, run_id, discover(), newest=newest).again
                context["found"] = rerun.look(tx, organization, run_id, discover(), steps=wanted, newest=newest)
            except RingfenceError as error:
                context |= {"problem": error, "choices": context.get("choices", ())}
            return context

        return pages.render(request, "executions/rerun.html", await database.read(work))

    @router.post("/executions/{run_id}/rerun")
    async def begin(
        session: SignedIn,
        run_id: str,
        step: Annotated[list[str] | None, Form(max_length=50)] = None,
        newest: Annotated[bool, Form()] = False,
        key: Annotated[str | None, Form(max_length=_LONGEST)] = None,
    ) -> Response:
        user, wanted = session.user, [each for each in step or [] if each]
        made = await database.run(
            lambda tx: rerun.begin(
                tx,
                user.organization_id,
                run_id,
                discover(),
                by=user.name,
                steps=wanted,
                newest=newest,
                key=key or None,
            )
        )
        return RedirectResponse(f"/executions/{made}", 303)

    return router
