"""/approvals: the questions that wait for people, one question with its facts, and the answer."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ringfence.approvals import service
from ringfence.approvals.model import Approval, Subject
from ringfence.containment import asking
from ringfence.errors import Invalid, RingfenceError
from ringfence.security.access import Asker, needs
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction, changes
from ringfence.web import views
from ringfence.web.filters import Cursor, more_address
from ringfence.web.host_facts import Fact, told
from ringfence.web.navigation import local_path
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

_PAGES = {Subject.CONTAINMENT: "/containment/", Subject.RESPONSE: "/responses/", Subject.PLAYBOOK: "/playbooks/"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A question as one person sees it: why they may not say yes, and whether they may say no; `path` is what it is about."""

    approval: Approval
    facts: tuple[Fact, ...]
    undo: str
    refusal: str | None
    may_reject: bool
    path: str | None


def shown(approval: Approval, name: str) -> Shown:
    """Return a question as the person of that name sees it."""
    refusal = approval.refusal(name)
    answered = any(each.by == name for each in approval.answers)
    return Shown(
        approval=approval,
        # What the question itself says of undo is shown elsewhere.
        facts=told(approval.question.bound_to, ("undo",)),
        undo=asking.undo(approval),
        refusal=refusal,
        may_reject=refusal is None or (name == approval.question.asked_by and not answered),
        path=_path(approval),
    )


def _path(approval: Approval) -> str | None:
    question = approval.question
    if question.subject is Subject.STEP:
        # The key of a step begins with the run's id.
        return f"/executions/{question.subject_id.partition(':')[0]}"
    return _PAGES[question.subject] + question.subject_id


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.APPROVAL_READ)])
    database = services.database

    @router.get("/approvals")
    async def inbox(
        request: Request,
        session: SignedIn,
        asker: Asker,
        show: Literal["open", "all"] = "open",
        cursor: Cursor = None,
    ) -> Response:
        view = await views.look(request, database, asker, "approvals")
        if view.leads:
            return RedirectResponse(view.leads, 303)
        organization = session.user.organization_id

        def look(tx: Transaction) -> tuple[int, service.Page]:
            page = service.page(tx, organization, open_only=show == "open", cursor=cursor, limit=50)
            return changes.latest(tx), page

        number, page = await database.read(look)
        context = {
            "view": view,
            "questions": [shown(each, session.user.name) for each in page.items],
            "show": show,
            "more": more_address(request, page.next),
            "later": cursor is not None,
        }
        return pages.render(request, "approvals/inbox.html", context, live=Live(("approval",), number))

    @router.get("/approvals/badge")
    async def badge(session: SignedIn) -> Response:
        number = await database.read(lambda tx: service.open_count(tx, session.user.organization_id))
        return HTMLResponse(f'{number}<span class="hidden"> waiting</span>' if number else "")

    async def detail(
        request: Request, session: SignedIn, approval_id: str, problem: RingfenceError | None = None
    ) -> Response:
        organization = session.user.organization_id

        def look(tx: Transaction) -> tuple[int, Approval]:
            return changes.latest(tx), service.get(tx, approval_id, organization_id=organization)

        number, found = await database.read(look)
        context = {"each": shown(found, session.user.name), "problem": problem, "back": ""}
        live = Live((f"approval:{found.id}",), number)
        status = problem.status if problem else 200
        return pages.render(request, "approvals/one.html", context, live=live, status=status)

    @router.get("/approvals/{approval_id}")
    async def one(request: Request, session: SignedIn, approval_id: str) -> Response:
        return await detail(request, session, approval_id)

    @router.post("/approvals/{approval_id}", dependencies=[needs(Permission.APPROVAL_ANSWER)])
    async def answer(
        request: Request,
        session: SignedIn,
        approval_id: str,
        given: Annotated[str, Form(alias="answer")] = "",
        comment: Annotated[str, Form(max_length=2_000)] = "",
        back: Annotated[str, Form(max_length=400)] = "",
    ) -> Response:
        try:
            if given not in ("approve", "reject"):
                raise Invalid("There is no such answer.", advice="Approve or reject.")
            await database.run(
                lambda tx: asking.answer(
                    tx,
                    approval_id,
                    organization_id=session.user.organization_id,
                    by=session.user.name,
                    yes=given == "approve",
                    via="page",
                    comment=comment,
                )
            )
        except RingfenceError as problem:
            return await detail(request, session, approval_id, problem)
        return RedirectResponse(local_path(back, f"/approvals/{approval_id}"), 303)

    return router
