"""/executions/{id}/cancel: the form that ends a run before its time."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from ringfence.runs import cancelling
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.web.rendering import Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this form; what it changes is shown by the page of the run."""
    router = APIRouter(dependencies=[needs(Permission.RUN_CANCEL)])

    @router.post("/executions/{run_id}/cancel")
    async def cancel(session: SignedIn, run_id: str, reason: Annotated[str, Form(max_length=500)] = "") -> Response:
        user = session.user
        await services.database.run(
            lambda tx: cancelling.request(tx, user.organization_id, run_id, by=user.name, reason=reason.strip())
        )
        return RedirectResponse(f"/executions/{run_id}", 303)

    return router
