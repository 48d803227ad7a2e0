"""/playbooks/…/try: what a playbook would do on an alert, and what it would have done over the last days."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from ringfence.actions.catalogue import discover
from ringfence.errors import Invalid, RingfenceError
from ringfence.organizations import service as organizations
from ringfence.organizations.model import Organization
from ringfence.playbooks import drafts
from ringfence.playbooks.drafts import Shelf
from ringfence.rehearsals import profiles
from ringfence.rehearsals.backtest import LONGEST, Backtest, backtest
from ringfence.rehearsals.desk import DryRun, Wish, text_of
from ringfence.rehearsals.profiles import Profile
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.security.sessions import Session
from ringfence.storage import Transaction
from ringfence.web.rendering import Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

_SHOWN = 100
_DAYS = 30


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.PLAYBOOK_REHEARSE)])
    database, catalogue = services.database, discover()

    async def page(
        request: Request,
        session: Session,
        playbook: str,
        *,
        alert: str = "",
        profile: str = "",
        days: int = _DAYS,
        dry: DryRun | None = None,
        past: Backtest | None = None,
        problem: RingfenceError | None = None,
    ) -> Response:
        organization_id = session.user.organization_id

        def look(tx: Transaction) -> tuple[Shelf, list[Profile]]:
            found = drafts.find(tx, organization_id, playbook)
            return found, profiles.every(tx, organization_id, found.name)

        shelf, kept = await database.read(look)
        context = {
            "shelf": shelf,
            "alert": alert,
            "profile": profile,
            "profiles": kept,
            "days": days,
            "longest": LONGEST,
            "dry": dry,
            "past": past,
            "shown": _SHOWN,
            "problem": problem,
            "refusals": problem.problems if isinstance(problem, Invalid) else (),
        }
        status = 200 if problem is None else problem.status
        return pages.render(request, "playbooks/try.html", context, status=status)

    @router.get("/playbooks/{playbook_id}/try")
    async def offer(request: Request, session: SignedIn, playbook_id: str, alert: str = "") -> Response:
        return await page(request, session, playbook_id, alert=alert[:200])

    @router.post("/playbooks/{playbook_id}/try")
    async def now(
        request: Request,
        session: SignedIn,
        playbook_id: str,
        alert: Annotated[str, Form()] = "",
        profile: Annotated[str, Form()] = "",
    ) -> Response:
        def look(tx: Transaction) -> tuple[Organization, str]:
            organization = organizations.get(tx, session.user.organization_id)
            return organization, text_of(tx, organization.id, playbook_id)

        organization, text = await database.read(look)
        try:
            found = await services.dry_run(
                organization, Wish(text, alert=alert.strip() or None, profile=profile or None)
            )
        except RingfenceError as problem:
            return await page(request, session, playbook_id, alert=alert, profile=profile, problem=problem)
        return await page(request, session, playbook_id, alert=alert, profile=profile, dry=found)

    @router.post("/playbooks/{playbook_id}/try/past")
    async def past(
        request: Request, session: SignedIn, playbook_id: str, days: Annotated[int, Form()] = _DAYS
    ) -> Response:
        def look(tx: Transaction) -> Backtest:
            organization = organizations.get(tx, session.user.organization_id)
            return backtest(tx, organization, text_of(tx, organization.id, playbook_id), catalogue, days=days)

        try:
            found = await database.read(look)
        except RingfenceError as problem:
            return await page(request, session, playbook_id, days=days, problem=problem)
        return await page(request, session, playbook_id, days=days, past=found)

    return router
