"""POST /incidents/selected and the like: one thing done to all that is selected in a list, each as if it were done alone."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from ringfence.actions.catalogue import discover
from ringfence.containment import board
from ringfence.containment.incident_changes import Changes, carry_out
from ringfence.errors import Invalid, NotFound
from ringfence.incidents import queue as incidents
from ringfence.incidents.model import Author, number_of
from ringfence.runs import cancelling, history, rerun
from ringfence.security.access import Asker, needs
from ringfence.security.rbac import Permission, require
from ringfence.services import records, service
from ringfence.storage import Transaction
from ringfence.views.lists import LISTS
from ringfence.views.selection import chosen, work_through
from ringfence.web.rendering import Pages
from ringfence.web.selection import Label, Work, report
from ringfence.web.services import Services

Text = Annotated[str, Form(max_length=4_000)]
Ids = Annotated[list[str] | None, Form(alias="id")]
_INCIDENTS: Final = LISTS["incidents"]
_RUNS: Final = LISTS["executions"]
_HOSTS: Final = LISTS["containments"]
_SERVICES: Final = LISTS["services"]


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes that work on selections; that of alerts is in `alert_work`."""
    router = APIRouter()
    database = services.database

    @router.post("/incidents/selected", dependencies=[needs(Permission.INCIDENT_WORK)])
    async def change_incidents(
        request: Request,
        asker: Asker,
        ids: Ids = None,
        owner: Text = "",
        severity: Text = "",
        status: Text = "",
        comment: Text = "",
        resolution: Text = "",
        reason: Text = "",
        hosts: Annotated[Literal["", "release", "keep"], Form()] = "",
    ) -> Response:
        here, author = asker.organization_id, Author(asker.name)
        wanted = Changes(owner, severity, status, comment, resolution, reason, hosts or None)
        said, numbers = wanted.values(), chosen(ids or (), "incident")

        async def act(number: str) -> None:
            await database.run(lambda tx: carry_out(tx, here, number_of(number), author, wanted))

        def label(tx: Transaction, number: str) -> Label:
            found = incidents.get(tx, here, number_of(number))
            return Label(f"#{found.number} {found.title}", f"/incidents/{found.number}")

        outcomes = await work_through(numbers, act)
        labels = await database.read(lambda tx: _labels(tx, numbers, label))
        return report(request, pages, Work(_INCIDENTS, "incident", "changed", said), outcomes, labels)

    @router.post("/executions/selected", dependencies=[needs(Permission.RUN_CANCEL)])
    async def work_on_runs(
        request: Request,
        asker: Asker,
        do: Literal["cancel", "rerun"] = Form(...),
        ids: Ids = None,
        reason: Text = "",
        key: Annotated[str, Form(max_length=100)] = "",
    ) -> Response:
        here, runs = asker.organization_id, chosen(ids or (), "execution")
        if do == "rerun":
            require(asker, Permission.RUN_START)

        async def act(run_id: str) -> None:
            if do == "cancel":
                why = reason.strip()
                await database.run(lambda tx: cancelling.request(tx, here, run_id, by=asker.name, reason=why))
            else:
                await database.run(lambda tx: rerun.begin(tx, here, run_id, discover(), by=asker.name, key=key or None))

        outcomes = await work_through(runs, act)
        names = await database.read(lambda tx: history.named(tx, here, runs))
        labels = {run_id: Label(name, f"/executions/{run_id}") for run_id, name in names.items()}
        asked = {"reason": reason.strip()} if reason.strip() and do == "cancel" else {}
        word = "cancelled" if do == "cancel" else "begun again"
        note = "Steps that are on their way end first." if do == "cancel" else "Each began anew, with all of its steps."
        return report(request, pages, Work(_RUNS, "execution", word, asked, note), outcomes, labels)

    @router.post("/containment/selected", dependencies=[needs(Permission.CONTAINMENT_RELEASE)])
    async def release(request: Request, asker: Asker, ids: Ids = None, reason: Text = "") -> Response:
        here, hosts, why = asker.organization_id, chosen(ids or (), "containment"), reason.strip()
        if not why:
            raise Invalid("A release needs a reason.", advice="Say in a few words why the hosts may be free again.")

        async def act(containment_id: str) -> None:
            # Looked for in this organization first: the action itself knows no organizations.
            await database.read(lambda tx: board.get(tx, here, containment_id))
            await services.release(containment_id=containment_id, reason=why, by=asker.name)

        def label(tx: Transaction, containment_id: str) -> Label:
            return Label(board.get(tx, here, containment_id).row.name, f"/containment/{containment_id}")

        outcomes = await work_through(hosts, act)
        labels = await database.read(lambda tx: _labels(tx, hosts, label))
        note = "A host is free when Defender has confirmed it; the board shows when."
        work = Work(_HOSTS, "containment", "asked to be released", {"reason": why}, note)
        return report(request, pages, work, outcomes, labels)

    @router.post("/services/selected", dependencies=[needs(Permission.SERVICE_CONTROL)])
    async def switch(
        request: Request, asker: Asker, do: Literal["pause", "resume"] = Form(...), ids: Ids = None
    ) -> Response:
        here, wanted = asker.organization_id, chosen(ids or (), "service")
        change = service.pause if do == "pause" else service.resume

        async def act(service_id: str) -> None:
            await database.run(lambda tx: change(tx, records.by_id(tx, service_id, organization_id=here)))

        def label(tx: Transaction, service_id: str) -> Label:
            return Label(records.by_id(tx, service_id, organization_id=here).name, f"/services/{service_id}")

        outcomes = await work_through(wanted, act)
        labels = await database.read(lambda tx: _labels(tx, wanted, label))
        word = "switched off" if do == "pause" else "switched on"
        return report(request, pages, Work(_SERVICES, "service", word, {}), outcomes, labels)

    return router


def _labels(tx: Transaction, ids: Sequence[str], look: Callable[[Transaction, str], Label]) -> Mapping[str, Label]:
    found: dict[str, Label] = {}
    for each in ids:
        with suppress(NotFound, Invalid):
            found[each] = look(tx, each)
    return found
