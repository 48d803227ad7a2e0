"""/playbooks/…/versions and the mode of a playbook: what changed from version to version, bring one back, pause, retire."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.actions.catalogue import discover
from ringfence.errors import Invalid, NotFound, RingfenceError
from ringfence.playbooks import library, rules, trials
from ringfence.playbooks.difference import Change, compare
from ringfence.playbooks.document import read
from ringfence.playbooks.library import StoredPlaybook, Version
from ringfence.playbooks.publishing import Publishing
from ringfence.security.access import needs
from ringfence.security.egress import networks
from ringfence.security.rbac import Permission
from ringfence.security.sessions import Session
from ringfence.storage import Transaction, changes
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of these pages."""
    router = APIRouter(dependencies=[needs(Permission.PLAYBOOK_READ)])
    desk = Publishing(discover(), networks(services.settings.egress_private))

    async def shown(
        request: Request, session: Session, playbook_id: str, number: str, problem: RingfenceError | None = None
    ) -> Response:
        organization = session.user.organization_id

        def look(tx: Transaction) -> tuple[int, StoredPlaybook, Version, Version | None, str, tuple[Change, ...]]:
            feed = changes.latest(tx)
            row = library.get(tx, organization, playbook_id)
            kept = library.versions(tx, organization, row.id)
            at = next((index for index, each in enumerate(kept) if number in (each.number, each.id)), None)
            if at is None:
                raise NotFound(f"There is no version {number[:40]!r}.", advice="Look at the list of versions.")
            before = kept[at + 1] if at + 1 < len(kept) else None
            source = library.source_of(tx, organization, kept[at].id)
            was = "" if before is None else library.source_of(tx, organization, before.id)
            return feed, row, kept[at], before, source, _changes(was, source)

        feed, row, version, before, source, changed = await services.database.read(look)
        context: dict[str, Any] = {
            "row": row,
            "version": version,
            "before": before,
            "source": source,
            "changes": changed,
            "problem": problem,
            "refusals": problem.problems if isinstance(problem, Invalid) else (),
        }
        proof, cuts, demanded = await services.database.read(
            lambda tx: (
                trials.proof_of_version(tx, version.id),
                desk.holds(tx, organization, source),
                _demanded(tx, organization),
            )
        )
        context |= {"proof": proof, "holds": cuts, "demanded": demanded}
        live = Live((f"playbook:{row.id}", *((f"trial:{proof.id}",) if proof is not None else ())), feed)
        return pages.render(
            request, "playbooks/version.html", context, live=live, status=problem.status if problem else 200
        )

    @router.get("/playbooks/{playbook_id}/versions/{number}")
    async def version(request: Request, session: SignedIn, playbook_id: str, number: str) -> Response:
        return await shown(request, session, playbook_id, number)

    @router.post("/playbooks/{playbook_id}/versions/{number}", dependencies=[needs(Permission.PLAYBOOK_PUBLISH)])
    async def bring_back(
        request: Request,
        session: SignedIn,
        playbook_id: str,
        number: str,
        note: Annotated[str, Form(max_length=500)] = "",
        unproven: Annotated[str, Form(max_length=500)] = "",
    ) -> Response:
        user = session.user
        back = desk.roll_back
        try:
            done = await services.database.run(
                lambda tx: back(tx, user.organization_id, playbook_id, number, user.name, note=note, unproven=unproven)
            )
        except NotFound:
            raise
        except RingfenceError as problem:
            return await shown(request, session, playbook_id, number, problem)
        if done.trial is not None:
            return RedirectResponse(f"/playbooks/{playbook_id}/trials/{done.trial.id}", 303)
        if done.question is not None:
            return RedirectResponse(f"/approvals/{done.question.id}", 303)
        return RedirectResponse(f"/playbooks/{playbook_id}", 303)

    @router.post("/playbooks/{playbook_id}/mode", dependencies=[needs(Permission.PLAYBOOK_CONTROL)])
    async def mode(
        session: SignedIn,
        playbook_id: str,
        to: Annotated[Literal["active", "paused", "retired"], Form()],
    ) -> Response:
        user = session.user

        def work(tx: Transaction) -> StoredPlaybook:
            match to:
                case "active":
                    return desk.activate(tx, user.organization_id, playbook_id, user.name)[0]
                case "paused":
                    return library.pause(tx, user.organization_id, playbook_id)
                case "retired":
                    return library.retire(tx, user.organization_id, playbook_id)

        row = await services.database.run(work)
        return RedirectResponse(f"/playbooks/{row.id}", 303)

    return router


def _demanded(tx: Transaction, organization_id: str) -> bool:
    return rules.standing(tx, organization_id).rules.prove == "demand"


def _changes(before: str, after: str) -> tuple[Change, ...]:
    was, now = read(before).playbook if before else None, read(after).playbook
    return () if now is None else compare(was, now)
