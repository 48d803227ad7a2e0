"""/api/v1/approvals: the questions that people are asked, and their answers."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ringfence.api.access import Author, OrganizationId
from ringfence.api.listing import Listing, Paged
from ringfence.approvals import service
from ringfence.approvals.model import Approval as Asked
from ringfence.containment import asking
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database


class Answer(BaseModel):
    """What one person said; `via` is page, link, API or command line."""

    model_config = ConfigDict(from_attributes=True)

    by: str
    yes: bool
    comment: str
    via: str
    at: AwareDatetime


class Approval(BaseModel):
    """One question. `bound_to` are the facts that an answer is given for; an empty `may_answer` means everybody."""

    id: str
    subject: str
    subject_id: str
    question: str
    reasons: list[str]
    bound_to: dict[str, Any]
    undo: str
    asked_by: str
    may_answer: list[str]
    needed: int
    self_approval: bool
    escalate_to: list[str]
    state: str
    detail: str
    asked_at: AwareDatetime
    expires_at: AwareDatetime
    escalated_at: AwareDatetime | None
    closed_at: AwareDatetime | None
    answers: list[Answer]

    @classmethod
    def of(cls, asked: Asked) -> "Approval":
        """Return it as the API shows it."""
        question = asked.question
        return cls(
            id=asked.id,
            subject=question.subject.value,
            subject_id=question.subject_id,
            question=question.text,
            reasons=list(question.reasons),
            bound_to=question.bound_to,
            undo=asking.undo(asked),
            asked_by=question.asked_by,
            may_answer=list(asked.may_answer),
            needed=question.needed,
            self_approval=question.self_approval,
            escalate_to=list(question.escalate_to),
            state=asked.state.value,
            detail=asked.detail,
            asked_at=asked.asked_at,
            expires_at=asked.expires_at,
            escalated_at=asked.escalated_at,
            closed_at=asked.closed_at,
            answers=[Answer.model_validate(each) for each in asked.answers],
        )


class NewAnswer(BaseModel):
    """An answer. Giving the same again changes nothing, so that it may be sent again without a key."""

    model_config = ConfigDict(extra="forbid")

    answer: Literal["approve", "reject"]
    comment: Annotated[str, Field(max_length=2_000)] = ""


def routes(database: Database) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/approvals", tags=["approvals"], dependencies=[needs(Permission.APPROVAL_READ)])

    @router.get("")
    async def listing(
        organization_id: OrganizationId,
        paging: Paged,
        show: Literal["open", "all"] = "open",
    ) -> Listing[Approval]:
        """List the questions that people are asked, the newest first.

        Those that are over are shown with `show=all`.
        """
        page = await database.read(
            lambda tx: service.page(
                tx, organization_id, open_only=show == "open", cursor=paging.cursor, limit=paging.limit
            )
        )
        return paging.listing([Approval.of(each) for each in page.items], page.next)

    @router.get("/{approval_id}")
    async def one(organization_id: OrganizationId, approval_id: str) -> Approval:
        """Show one question with its answers. `bound_to` are the facts that a yes is given for."""
        return Approval.of(
            await database.read(lambda tx: service.get(tx, approval_id, organization_id=organization_id))
        )

    @router.post("/{approval_id}/answer", dependencies=[needs(Permission.APPROVAL_ANSWER)])
    async def answer(author: Author, approval_id: str, given: NewAnswer) -> Approval:
        """Approve or reject. Giving the same answer again changes nothing; a question that is over is a conflict."""
        after = await database.run(
            lambda tx: asking.answer(
                tx,
                approval_id,
                organization_id=author.organization_id,
                by=author.name,
                yes=given.answer == "approve",
                via="API",
                comment=given.comment,
            )
        )
        return Approval.of(after)

    return router
