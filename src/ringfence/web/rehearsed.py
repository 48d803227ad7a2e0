"""/rehearsals: what was tried of all playbooks, beside the executions that were real."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from ringfence.playbooks import drafts, trials
from ringfence.playbooks.trials import Kind
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction, changes
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

_SHOWN = 200
KINDS = {
    Kind.REHEARSAL: "Played in the simulator",
    Kind.BACKTEST: "Backtest",
    Kind.PROOF: "Proof of release",
}


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.PLAYBOOK_READ)])
    database = services.database

    @router.get("/rehearsals")
    async def listing(request: Request, session: SignedIn, kind: Annotated[str, Query(max_length=40)] = "") -> Response:
        organization = session.user.organization_id
        # A dry run is told at once and not kept.
        wanted = next((each for each in Kind if each.value == kind), None)

        def look(tx: Transaction) -> tuple[int, list[trials.Trial], dict[str, str]]:
            found = trials.every(tx, organization, kind=wanted, most=_SHOWN)
            names = {each.playbook for each in found}
            return changes.latest(tx), found, drafts.ids_of(tx, organization, names)

        number, found, ids = await database.read(look)
        context = {"found": found, "ids": ids, "kinds": KINDS, "kind": wanted, "shown": _SHOWN}
        return pages.render(request, "playbooks/rehearsed.html", context, live=Live(("trial",), number))

    return router
