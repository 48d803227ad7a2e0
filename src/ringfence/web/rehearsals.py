"""/playbooks/…/try: what a playbook would do on an alert, a document or a kept input; inputs are kept here, too."""

import json
from collections.abc import Awaitable
from typing import Annotated, Any, Final, Protocol

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.errors import Invalid, Outdated, RingfenceError
from ringfence.organizations import service as organizations
from ringfence.organizations.model import Organization
from ringfence.playbooks import drafts, trials
from ringfence.playbooks.drafts import Shelf
from ringfence.playbooks.trials import Kind, Trial
from ringfence.rehearsals import profiles
from ringfence.rehearsals.backtest import LONGEST
from ringfence.rehearsals.desk import DryRun, Wish, text_of
from ringfence.rehearsals.profiles import Profile
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.security.sessions import Session
from ringfence.storage import Transaction
from ringfence.web import overtaken
from ringfence.web.rendering import Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

DAYS: Final = 30
_LARGEST: Final = 1_000_000
_TRIALS_SHOWN: Final = 10


class Page(Protocol):
    """Shows the page where playbooks are tried."""

    def __call__(
        self,
        request: Request,
        session: Session,
        playbook: str,
        *,
        typed: dict[str, str] | None = None,
        days: int = DAYS,
        dry: DryRun | None = None,
        problem: RingfenceError | None = None,
    ) -> Awaitable[Response]:
        """Show it with what a person `typed`, and what came of it."""
        ...


def page_of(services: Services, pages: Pages) -> Page:
    """Return what shows the page."""

    async def page(
        request: Request,
        session: Session,
        playbook: str,
        *,
        typed: dict[str, str] | None = None,
        days: int = DAYS,
        dry: DryRun | None = None,
        problem: RingfenceError | None = None,
    ) -> Response:
        organization_id = session.user.organization_id

        def look(tx: Transaction) -> tuple[Shelf, list[Profile], list[Trial]]:
            found = drafts.find(tx, organization_id, playbook)
            kept = profiles.every(tx, organization_id, found.name)
            return found, kept, trials.listed(tx, organization_id, found.name, Kind.BACKTEST, most=_TRIALS_SHOWN)

        shelf, kept, tried = await services.database.read(look)
        context = {
            "shelf": shelf,
            "typed": {"alert": "", "profile": "", "document": "", "name": "", "about": "", "seen": ""} | (typed or {}),
            "profiles": kept,
            "trials": tried,
            "days": days,
            "longest": LONGEST,
            "dry": dry,
            "problem": overtaken.told(problem) if problem else None,
            "refusals": problem.problems if isinstance(problem, Invalid) else (),
        }
        status = 200 if problem is None else problem.status
        return pages.render(request, "playbooks/try.html", context, status=status)

    return page


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.PLAYBOOK_REHEARSE)])
    database, page = services.database, page_of(services, pages)

    @router.get("/playbooks/{playbook_id}/try")
    async def offer(request: Request, session: SignedIn, playbook_id: str, alert: str = "") -> Response:
        return await page(request, session, playbook_id, typed={"alert": alert[:200]})

    @router.post("/playbooks/{playbook_id}/try")
    async def now(
        request: Request,
        session: SignedIn,
        playbook_id: str,
        alert: Annotated[str, Form(max_length=200)] = "",
        profile: Annotated[str, Form(max_length=200)] = "",
        document: Annotated[str, Form(max_length=_LARGEST)] = "",
        name: Annotated[str, Form(max_length=200)] = "",
        about: Annotated[str, Form(max_length=200)] = "",
        seen: Annotated[str, Form(max_length=100)] = "",
        do: Annotated[str, Form(max_length=10)] = "try",
    ) -> Response:
        typed = {"alert": alert, "profile": profile, "document": document, "name": name, "about": about, "seen": seen}

        def look(tx: Transaction) -> tuple[Organization, str]:
            organization = organizations.get(tx, session.user.organization_id)
            return organization, text_of(tx, organization.id, playbook_id)

        organization, text = await database.read(look)
        try:
            given = _document(document)
            if do == "keep":
                expected = overtaken.seen_of(name, about, seen)
                await database.run(
                    lambda tx: _keep(tx, session, playbook_id, name, alert.strip() or None, given, expected)
                )
                return RedirectResponse(f"/playbooks/{playbook_id}/try", 303)
            wish = Wish(text, alert=alert.strip() or None, document=given, profile=profile or None)
            found = await services.dry_run(organization, wish)
        except Outdated as problem:
            now = await database.read(lambda tx: _edition(tx, session, playbook_id, name))
            typed |= {"about": name.strip(), "seen": now}
            return await page(request, session, playbook_id, typed=typed, problem=problem)
        except RingfenceError as problem:
            return await page(request, session, playbook_id, typed=typed, problem=problem)
        return await page(request, session, playbook_id, typed=typed, dry=found)

    @router.post("/playbooks/{playbook_id}/try/forget")
    async def forget(session: SignedIn, playbook_id: str, name: Annotated[str, Form(max_length=200)] = "") -> Response:
        organization_id = session.user.organization_id

        def work(tx: Transaction) -> None:
            found = drafts.find(tx, organization_id, playbook_id)
            profiles.remove(tx, organization_id, found.name, name)

        await database.run(work)
        return RedirectResponse(f"/playbooks/{playbook_id}/try", 303)

    return router


def _keep(
    tx: Transaction,
    session: Session,
    playbook: str,
    name: str,
    alert: str | None,
    document: dict[str, Any] | None,
    seen: str,
) -> None:
    user = session.user
    found = drafts.find(tx, user.organization_id, playbook)
    profiles.save(tx, user.organization_id, found.name, name, by=user.name, alert=alert, document=document, seen=seen)


def _edition(tx: Transaction, session: Session, playbook: str, name: str) -> str:
    organization_id = session.user.organization_id
    return profiles.edition(tx, organization_id, drafts.find(tx, organization_id, playbook).name, name)


def _document(text: str) -> dict[str, Any] | None:
    if not text.strip():
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" Line {error.lineno}, column {error.colno}." if isinstance(error, json.JSONDecodeError) else ""
        raise Invalid(
            f"The document is not JSON.{where}", advice="Paste the trigger as the steps see it, as JSON."
        ) from None
    if not isinstance(found, dict):
        raise Invalid("The document is not a JSON object.", advice='Paste the trigger, e.g. {"alert": {"title": "…"}}.')
    return found
