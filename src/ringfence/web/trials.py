"""/playbooks/…/trials/…: how far a proof of release or a backtest is, what it found, and the button that stops it."""

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.actions.catalogue import discover
from ringfence.errors import RingfenceError
from ringfence.playbooks import drafts, library, proofs, trials
from ringfence.playbooks.drafts import Shelf
from ringfence.playbooks.trials import Kind, State, Trial
from ringfence.rehearsals import playing, trying
from ringfence.rehearsals.desk import text_of
from ringfence.rehearsals.playing import Rehearsal
from ringfence.security.access import Asker, needs
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction, changes
from ringfence.web.rehearsals import DAYS, page_of
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

_SHOWN: Final = 100
_WORDS: Final = {
    State.REQUESTED: "It waits for a worker.",
    State.WORKING: "A worker is at it.",
    State.DONE: "It is done.",
    State.FAILED: "It could not be carried out.",
    State.CANCELLED: "It was cancelled.",
}


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of these pages."""
    router = APIRouter()
    database, catalogue = services.database, discover()
    show_page = page_of(services, pages)

    @router.get("/playbooks/{playbook_id}/trials/{trial_id}", dependencies=[needs(Permission.PLAYBOOK_READ)])
    async def show(request: Request, session: SignedIn, asker: Asker, playbook_id: str, trial_id: str) -> Response:
        organization = session.user.organization_id

        def look(tx: Transaction) -> tuple[int, Shelf, Trial, Rehearsal | None]:
            shelf, trial = drafts.find(tx, organization, playbook_id), trials.get(tx, organization, trial_id)
            # Steps show what was in alerts.
            sees = asker.may(Permission.ALERT_READ) and asker.may(Permission.RUN_READ)
            played = playing.result_of(tx, trial, catalogue, services.sender.vault) if sees else None
            return changes.latest(tx), shelf, trial, played

        number, shelf, trial, played = await database.read(look)
        proof = proofs.result_of(trial) if trial.kind is Kind.PROOF else None
        moments = {sight.after for step in (proof.steps if proof is not None else ()) for sight in step.seen}
        context = {
            "shelf": shelf,
            "trial": trial,
            "words": _WORDS[trial.state],
            "proof": proof,
            "spans": {each: timedelta(seconds=each) for each in moments},
            "played": played,
            "past": trying.found_by(trial),
            "shown": _SHOWN,
        }
        live = Live((f"trial:{trial.id}",), number)
        return pages.render(request, "playbooks/trial.html", context, live=live)

    @router.post(
        "/playbooks/{playbook_id}/trials/{trial_id}/cancel", dependencies=[needs(Permission.PLAYBOOK_REHEARSE)]
    )
    async def cancel(session: SignedIn, playbook_id: str, trial_id: str) -> Response:
        user = session.user
        await database.run(lambda tx: trials.cancel(tx, user.organization_id, trial_id, user.name))
        return RedirectResponse(f"/playbooks/{playbook_id}/trials/{trial_id}", 303)

    @router.post("/playbooks/{playbook_id}/versions/{number}/proof", dependencies=[needs(Permission.PLAYBOOK_REHEARSE)])
    async def prove(session: SignedIn, playbook_id: str, number: str) -> Response:
        user = session.user

        def ask(tx: Transaction) -> tuple[str, str]:
            stored = library.get(tx, user.organization_id, playbook_id)
            version = library.version(tx, user.organization_id, stored.id, number)
            source = library.source_of(tx, user.organization_id, version.id)
            of = (user.organization_id, Kind.PROOF, stored.name, source, user.name)
            return stored.id, trials.request(tx, *of, version_id=version.id).id

        found, trial = await database.run(ask)
        return RedirectResponse(f"/playbooks/{found}/trials/{trial}", 303)

    @router.post("/playbooks/{playbook_id}/try/past", dependencies=[needs(Permission.PLAYBOOK_REHEARSE)])
    async def over_the_past(
        request: Request, session: SignedIn, playbook_id: str, days: Annotated[int, Form()] = DAYS
    ) -> Response:
        user = session.user

        def ask(tx: Transaction) -> str:
            shelf = drafts.find(tx, user.organization_id, playbook_id)
            text = text_of(tx, user.organization_id, shelf.id)
            made = trying.ask_backtest(tx, user.organization_id, shelf.name, text, catalogue, user.name, days=days)
            return f"/playbooks/{shelf.id}/trials/{made.id}"

        try:
            address = await database.run(ask)
        except RingfenceError as problem:
            return await show_page(request, session, playbook_id, days=days, problem=problem)
        return RedirectResponse(address, 303)

    return router
