"""What the designer lets a worker play in the simulator: a rehearsal of what is on the canvas, and the proof of its release."""

from typing import Any

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import JSONResponse

from ringfence.actions.catalogue import discover
from ringfence.errors import Invalid
from ringfence.organizations import service as organizations
from ringfence.playbooks import drafts, proofs, trials
from ringfence.playbooks.document import read
from ringfence.playbooks.library import MAX_SOURCE
from ringfence.playbooks.publishing import Publishing
from ringfence.playbooks.trials import Trial
from ringfence.rehearsals import playing
from ringfence.rehearsals.desk import Wish
from ringfence.rehearsals.playing import Rehearsal
from ringfence.security.access import Asker, needs
from ringfence.security.egress import networks
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction
from ringfence.web.designer import Text
from ringfence.web.designer_answers import JsonRoute
from ringfence.web.designer_trials import Subject, told
from ringfence.web.rendering import Pages
from ringfence.web.services import Services


class Play(Subject):
    """A rehearsal of a document."""

    source: str = Field(max_length=MAX_SOURCE)


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of these answers."""
    seeing = [needs(Permission.PLAYBOOK_READ), needs(Permission.ALERT_READ), needs(Permission.RUN_READ)]
    router = APIRouter(route_class=JsonRoute, prefix="/playbooks/{playbook_id}/design", dependencies=seeing)
    database, catalogue, vault = services.database, discover(), services.sender.vault
    desk = Publishing(catalogue, networks(services.settings.egress_private))

    @router.post("/play", dependencies=[needs(Permission.PLAYBOOK_REHEARSE)])
    async def play(asker: Asker, playbook_id: str, body: Play) -> JSONResponse:
        def ask(tx: Transaction) -> Trial:
            shelf = drafts.find(tx, asker.organization_id, playbook_id)
            organization = organizations.get(tx, asker.organization_id)
            wish = Wish(body.source, alert=body.alert, profile=body.profile)
            return playing.ask(tx, organization, shelf.name, wish, catalogue, asker.name)

        return JSONResponse({"trial": (await database.run(ask)).id})

    @router.post("/play/expect", dependencies=[needs(Permission.PLAYBOOK_REHEARSE)])
    async def expect(asker: Asker, playbook_id: str) -> JSONResponse:
        def tell(tx: Transaction) -> None:
            trials.expect(tx, asker.organization_id, drafts.find(tx, asker.organization_id, playbook_id).id)

        await database.run(tell)
        return JSONResponse({})

    @router.get("/play/{trial_id}")
    async def look(asker: Asker, playbook_id: str, trial_id: str) -> JSONResponse:
        def find(tx: Transaction) -> tuple[Trial, Rehearsal | None]:
            drafts.find(tx, asker.organization_id, playbook_id)
            trial = trials.get(tx, asker.organization_id, trial_id)
            return trial, playing.result_of(tx, trial, catalogue, vault)

        trial, found = await database.read(find)
        return JSONResponse({"state": trial.state.value, "open": trial.open, "detail": trial.detail} | _shown(found))

    @router.post("/play/{trial_id}/cancel", dependencies=[needs(Permission.PLAYBOOK_REHEARSE)])
    async def cancel(asker: Asker, playbook_id: str, trial_id: str) -> JSONResponse:
        trial = await database.run(lambda tx: trials.cancel(tx, asker.organization_id, trial_id, asker.name))
        return JSONResponse({"state": trial.state.value})

    @router.post("/proven")
    async def proven(asker: Asker, playbook_id: str, body: Text) -> JSONResponse:
        def find(tx: Transaction) -> tuple[bool, Trial | None]:
            holds = desk.holds(tx, asker.organization_id, body.source)
            return holds, trials.proof_of_text(tx, asker.organization_id, body.source) if holds else None

        holds, trial = await database.read(find)
        said = None if trial is None else {"id": trial.id, "open": trial.open, "proven": trial.proven}
        return JSONResponse({"holds": holds, "proof": said})

    @router.post("/prove", dependencies=[needs(Permission.PLAYBOOK_REHEARSE)])
    async def prove(asker: Asker, playbook_id: str, body: Text) -> JSONResponse:
        if read(body.source).playbook is None:
            raise Invalid("What is here cannot be read yet.", advice="Correct its errors first.")

        def ask(tx: Transaction) -> str:
            shelf = drafts.find(tx, asker.organization_id, playbook_id)
            made = proofs.request(tx, asker.organization_id, body.source, shelf.name, asker.name)
            return f"/playbooks/{shelf.id}/trials/{made.id}"

        return JSONResponse({"go": await database.run(ask)})

    return router


def _shown(found: Rehearsal | None) -> dict[str, Any]:
    if found is None:
        return {"found": None}
    return {
        "found": {
            "on": found.on,
            "starts": found.starts,
            "why": found.why,
            "notes": list(found.notes),
            "machine": found.machine,
            "lasted": found.lasted,
            "report": told(found.report),
        }
    }
