"""POST /api/v1/incidents/selected and the like: one thing done to many, each as if it were done alone."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from ringfence.actions.catalogue import discover
from ringfence.api.access import Author as Asking
from ringfence.containment import board
from ringfence.containment.incident_changes import Changes, carry_out
from ringfence.deeds import Release
from ringfence.incidents.model import Author
from ringfence.runs import cancelling, rerun
from ringfence.security.access import Asker, needs
from ringfence.security.rbac import Permission, require
from ringfence.services import records, service
from ringfence.storage import Database
from ringfence.views import selection
from ringfence.views.selection import MOST, chosen, work_through

Ids = Annotated[list[Annotated[str, Field(max_length=200)]], Field(min_length=1, max_length=MOST)]
Word = Annotated[str, Field(max_length=100)]


class Refusal(BaseModel):
    """Why something was not done for one of a selection."""

    code: str
    detail: str
    advice: str


class Became(BaseModel):
    """What became of one of a selection; `problem` is null where it was done."""

    id: str
    problem: Refusal | None

    @classmethod
    def of(cls, outcome: selection.Outcome) -> "Became":
        """Say it as the API does."""
        why = outcome.problem
        return cls(id=outcome.id, problem=why and Refusal(code=why.code, detail=why.message, advice=why.advice))


class Outcomes(BaseModel):
    """What became of each of a selection, in its order."""

    items: list[Became]


class _Selected(BaseModel):
    model_config = ConfigDict(extra="forbid")


class IncidentsToChange(_Selected):
    """Incidents by number, and what to change of each; what is left out stays. A resolution needs a reason."""

    numbers: Annotated[list[Annotated[int, Field(ge=1, le=999_999_999)]], Field(min_length=1, max_length=MOST)]
    owner: Annotated[str, Field(max_length=300)] = ""
    severity: Word = ""
    status: Word = ""
    comment: Annotated[str, Field(max_length=10_000)] = ""
    resolution: Word = ""
    reason: Annotated[str, Field(max_length=4_000)] = ""
    hosts: Literal["release", "keep"] | None = None


class RunsToChange(_Selected):
    """Runs by id, and what to do with each: cancel it, or do all of its steps again. `reason` is why they are cancelled."""

    ids: Ids
    do: Literal["cancel", "rerun"]
    reason: Annotated[str, Field(max_length=500)] = ""


class HostsToRelease(_Selected):
    """Containments by id, and why the hosts may be free again."""

    ids: Ids
    reason: Annotated[str, Field(min_length=1, max_length=4_000)]


class ServicesToSwitch(_Selected):
    """Trigger services by id, and whether they are to be read."""

    ids: Ids
    on: bool


def routes(database: Database, release: Release) -> APIRouter:
    """Return the routes that work on selections."""
    router = APIRouter()

    @router.post("/incidents/selected", dependencies=[needs(Permission.INCIDENT_WORK)])
    async def change_selected(asking: Asking, wanted: IncidentsToChange) -> Outcomes:
        """Change many incidents. Each is changed whole or not at all, and what is refused for one is said beside it."""
        given = wanted.model_dump(exclude={"numbers"})
        changes, author = Changes(**given), Author(asking.name)
        changes.values()

        async def act(number: str) -> None:
            await database.run(lambda tx: carry_out(tx, asking.organization_id, int(number), author, changes))

        return _said(await work_through(chosen(map(str, wanted.numbers), "incident"), act))

    @router.post("/runs/selected", dependencies=[needs(Permission.RUN_CANCEL)])
    async def work_on_selected(asker: Asker, asking: Asking, wanted: RunsToChange) -> Outcomes:
        """Cancel many runs, or do them again. Each run that is done again begins anew, with all of its steps."""
        here, by, why = asking.organization_id, asking.name, wanted.reason.strip()
        if wanted.do == "rerun":
            require(asker, Permission.RUN_START)

        async def act(run_id: str) -> None:
            if wanted.do == "cancel":
                await database.run(lambda tx: cancelling.request(tx, here, run_id, by=by, reason=why))
            else:
                await database.run(lambda tx: rerun.begin(tx, here, run_id, discover(), by=by))

        return _said(await work_through(chosen(wanted.ids, "run"), act))

    @router.post("/containments/selected", dependencies=[needs(Permission.CONTAINMENT_RELEASE)])
    async def release_selected(asking: Asking, wanted: HostsToRelease) -> Outcomes:
        """Release many hosts for one reason. Each is free when Defender has confirmed it."""

        async def act(containment_id: str) -> None:
            # Looked for in this organization first: the action itself knows no organizations.
            await database.read(lambda tx: board.get(tx, asking.organization_id, containment_id))
            await release(containment_id=containment_id, reason=wanted.reason.strip(), by=asking.name)

        return _said(await work_through(chosen(wanted.ids, "containment"), act))

    @router.post("/services/selected", dependencies=[needs(Permission.SERVICE_CONTROL)])
    async def switch_selected(asking: Asking, wanted: ServicesToSwitch) -> Outcomes:
        """Switch many trigger services on or off. One that is switched on reads what it missed."""
        switch, here = service.resume if wanted.on else service.pause, asking.organization_id

        async def act(service_id: str) -> None:
            await database.run(lambda tx: switch(tx, records.by_id(tx, service_id, organization_id=here)))

        return _said(await work_through(chosen(wanted.ids, "service"), act))

    return router


def _said(outcomes: list[selection.Outcome]) -> Outcomes:
    return Outcomes(items=[Became.of(each) for each in outcomes])
