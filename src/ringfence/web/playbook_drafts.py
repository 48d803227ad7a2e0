"""/playbooks/new and /playbooks/…/draft: write a playbook, see what is wrong and what publishing would do, and publish it."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.actions.catalogue import discover
from ringfence.errors import Invalid, NotFound, RingfenceError
from ringfence.playbooks import drafts, library
from ringfence.playbooks.drafts import Draft, Shelf
from ringfence.playbooks.problems import Problem
from ringfence.playbooks.publishing import Preview, Publishing
from ringfence.security.access import needs
from ringfence.security.egress import networks
from ringfence.security.rbac import Permission
from ringfence.security.sessions import Session
from ringfence.storage import Transaction
from ringfence.web.rendering import Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

_LARGEST = library.MAX_SOURCE
_EMPTY = """\
ringfence: 1
name: ""
trigger: {type: manual}
steps:
  first:
    action: logic.set
    with: {values: {}}
"""


@dataclass(frozen=True, slots=True)
class Edited:
    """What a person has in the editor; `seen` is the revision that it began from, 0 where there was none."""

    text: str
    seen: int
    note: str = ""


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of these pages."""
    router = APIRouter(dependencies=[needs(Permission.PLAYBOOK_READ)])
    desk = Publishing(discover(), networks(services.settings.egress_private))

    async def editor(
        request: Request,
        session: Session,
        playbook: str | None,
        edited: Edited | None = None,
        problem: RingfenceError | None = None,
    ) -> Response:
        organization, name = session.user.organization_id, session.user.name

        def look(
            tx: Transaction,
        ) -> tuple[Shelf | None, Draft | None, Edited, tuple[Problem, ...], Preview | None]:
            shelf = None if playbook is None else drafts.find(tx, organization, playbook)
            draft = drafts.current(tx, organization, shelf.id) if shelf is not None and shelf.revision else None
            text = edited or Edited(_source(tx, shelf, draft), draft.revision if draft is not None else 0)
            blank = draft is None and edited is None
            problems = () if blank or len(text.text) > _LARGEST else desk.examine(tx, organization, text.text, name)
            same = draft is not None and draft.source == text.text
            preview = desk.preview(tx, organization, draft, name) if draft is not None and same else None
            return shelf, draft, text, problems, preview

        shelf, draft, text, problems, preview = await services.database.read(look)
        context = {
            "shelf": shelf,
            "draft": draft,
            "text": text,
            "problems": problems,
            "preview": preview,
            "problem": problem,
            "refusals": problem.problems if isinstance(problem, Invalid) else (),
        }
        # What a person types must not be swept away by a change that somebody else makes.
        return pages.render(request, "playbooks/draft.html", context, status=problem.status if problem else 200)

    @router.get("/playbooks/new", dependencies=[needs(Permission.PLAYBOOK_WRITE)])
    async def new(request: Request, session: SignedIn) -> Response:
        return await editor(request, session, None)

    @router.get("/playbooks/{playbook_id}/draft")
    async def edit(request: Request, session: SignedIn, playbook_id: str) -> Response:
        return await editor(request, session, playbook_id)

    @router.post("/playbooks/new", dependencies=[needs(Permission.PLAYBOOK_WRITE)])
    async def begin(
        request: Request, session: SignedIn, text: Annotated[str, Form(max_length=2 * _LARGEST)] = ""
    ) -> Response:
        edited = Edited(_plain(text), 0)
        user = session.user
        try:
            saved = await services.database.run(
                lambda tx: drafts.save(tx, user.organization_id, edited.text, user.name, expected=0)
            )
        except RingfenceError as problem:
            return await editor(request, session, None, edited, problem)
        return RedirectResponse(f"/playbooks/{saved.playbook_id}/draft", 303)

    @router.post("/playbooks/{playbook_id}/draft", dependencies=[needs(Permission.PLAYBOOK_WRITE)])
    async def save(
        request: Request,
        session: SignedIn,
        playbook_id: str,
        text: Annotated[str, Form(max_length=2 * _LARGEST)] = "",
        seen: Annotated[int, Form(ge=0, le=999_999_999)] = 0,
        note: Annotated[str, Form(max_length=500)] = "",
        major: Annotated[str, Form(max_length=5)] = "",
        over: Annotated[str, Form(max_length=5)] = "",
        unproven: Annotated[str, Form(max_length=500)] = "",
        do: Annotated[Literal["save", "publish", "discard"], Form()] = "save",
    ) -> Response:
        edited = Edited(_plain(text), seen, note)
        organization, name = session.user.organization_id, session.user.name

        def work(tx: Transaction) -> str:
            if do == "discard":
                closed = drafts.discard(tx, organization, playbook_id, name, expected=seen)
                published = drafts.find(tx, organization, closed.playbook_id).version_id is not None
                return f"/playbooks/{closed.playbook_id}" if published else "/playbooks"
            draft = drafts.save(tx, organization, edited.text, name, playbook=playbook_id, expected=seen, note=note)
            if do == "save":
                return f"/playbooks/{draft.playbook_id}/draft"
            done = desk.publish_draft(
                tx,
                organization,
                draft.playbook_id,
                name,
                major=major == "yes",
                note=note,
                over=over == "yes",
                unproven=unproven,
            )
            if done.trial is not None:
                return f"/playbooks/{draft.playbook_id}/trials/{done.trial.id}"
            if done.question is not None:
                return f"/approvals/{done.question.id}"
            return f"/playbooks/{draft.playbook_id}"

        try:
            address = await services.database.run(work)
        except NotFound:
            raise
        except RingfenceError as problem:
            return await editor(request, session, playbook_id, edited, problem)
        return RedirectResponse(address, 303)

    return router


def _source(tx: Transaction, shelf: Shelf | None, draft: Draft | None) -> str:
    if draft is not None:
        return draft.source
    if shelf is None or shelf.version_id is None:
        return _EMPTY
    return library.source_of(tx, shelf.organization_id, shelf.version_id)


def _plain(text: str) -> str:
    # Browsers send every line end as CR LF.
    return text.replace("\r\n", "\n")
