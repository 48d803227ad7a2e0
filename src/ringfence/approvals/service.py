"""The rows of questions: ask, answer, let run out, make void.

Every function works inside the caller's transaction. What waits for an answer is told of it by the change `approval`, and
looks for itself.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ringfence import clock
from ringfence.approvals.model import Answer, Approval, Question, State, Subject
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import Conflict, Forbidden, Invalid, NotFound
from ringfence.organizations import rights
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import approval_answers, approvals

_LONGEST_TEXT = 2_000
# A yes lends nobody's question a right that who says it does not have.
_LENDS = {
    Subject.CONTAINMENT: Permission.CONTAINMENT_CONTAIN,
    Subject.RESPONSE: Permission.RESPONSE_ACT,
    Subject.PLAYBOOK: Permission.PLAYBOOK_PUBLISH,
}
_LONGEST_PATIENCE = 30 * 86_400.0


@dataclass(frozen=True, slots=True)
class Page:
    """Some questions, the newest first, and the cursor of the next page where there is one."""

    items: tuple[Approval, ...]
    next: str | None


class NotAnOpenQuestion(Conflict):
    """The question is over; no answer counts any more."""

    code = "question_over"


def ask(tx: Transaction, organization_id: str, question: Question) -> Approval:
    """Ask people, once for each subject however often it is called while the question is open."""
    if not 0 < question.patience <= _LONGEST_PATIENCE:
        raise Invalid("People must be given more than 0 s and at most 30 days to answer.")
    now = clock.now()
    row = {
        "id": clock.new_id(),
        "organization_id": organization_id,
        "subject": question.subject.value,
        "subject_id": question.subject_id,
        "open_key": _open_key(question.subject, question.subject_id),
        "question": storable(question.text)[:_LONGEST_TEXT],
        "reasons": [storable(each)[:_LONGEST_TEXT] for each in question.reasons],
        "bound_to": question.bound_to,
        "asked_by": storable(question.asked_by),
        "approvers": list(question.approvers),
        "needed": question.needed,
        "self_approval": question.self_approval,
        "escalate_to": list(question.escalate_to),
        "patience": question.patience,
        "state": State.OPEN.value,
        "asked_at": now,
        "expires_at": now + timedelta(seconds=question.patience),
    }
    tx.insert_new(approvals, [row])
    made = open_for(tx, question.subject, question.subject_id)
    assert made is not None
    if made.id == row["id"]:
        tx.changed(organization_id, "approval", made.id, State.OPEN)
        asked = {
            **_about(made),
            "reasons": list(question.reasons),
            "bound_to": question.bound_to,
        }
        log.write(tx, Event.APPROVAL_ASKED, organization_id, made.id, details=asked | {"asked_by": question.asked_by})
    return made


def get(tx: Transaction, approval_id: str, *, organization_id: str | None = None) -> Approval:
    """Return one question with its answers; NotFound where there is none, or where it is another organization's."""
    row = tx.one(sa.select(approvals).where(approvals.c.id == storable(approval_id)))
    if row is None or (organization_id is not None and row["organization_id"] != organization_id):
        raise NotFound(f"There is no question {approval_id[:60]!r}.", advice="List them: `ringfence approval list`.")
    return _with_answers(tx, row)


def open_for(tx: Transaction, subject: Subject, subject_id: str) -> Approval | None:
    """Return the open question about a subject, or None."""
    row = tx.one(sa.select(approvals).where(approvals.c.open_key == _open_key(subject, subject_id)))
    return None if row is None else _with_answers(tx, row)


def latest_for(tx: Transaction, subject: Subject, subject_id: str) -> Approval | None:
    """Return the newest question about a subject, open or over, or None."""
    wanted = (approvals.c.subject == subject.value, approvals.c.subject_id == subject_id)
    row = tx.one(sa.select(approvals).where(*wanted).order_by(approvals.c.asked_at.desc(), approvals.c.id.desc()))
    return None if row is None else _with_answers(tx, row)


def every_for(tx: Transaction, subject: Subject, subject_id: str) -> list[Approval]:
    """Return all questions about a subject, the earliest first, with their answers."""
    about = (approvals.c.subject == subject.value, approvals.c.subject_id == subject_id)
    query = sa.select(approvals).where(*about).order_by(approvals.c.asked_at, approvals.c.id)
    return [_with_answers(tx, row) for row in tx.all(query)]


def listed(tx: Transaction, organization_id: str, *, open_only: bool = True, limit: int = 200) -> list[Approval]:
    """Return an organization's questions, the newest first."""
    return list(page(tx, organization_id, open_only=open_only, limit=limit).items)


def page(
    tx: Transaction, organization_id: str, *, open_only: bool = True, cursor: str | None = None, limit: int = 100
) -> Page:
    """Return one page of an organization's questions; `cursor` is what the page before called `next`."""
    query = sa.select(approvals).where(approvals.c.organization_id == organization_id)
    if open_only:
        query = query.where(approvals.c.state == State.OPEN.value)
    if cursor is not None:
        last = tx.one(
            sa.select(approvals.c.asked_at, approvals.c.id).where(
                approvals.c.id == storable(cursor), approvals.c.organization_id == organization_id
            )
        )
        if last is None:
            raise Invalid("The cursor names no question.", advice="Start again without a cursor.")
        begin = sa.tuple_(sa.literal(last["asked_at"], approvals.c.asked_at.type), last["id"])
        query = query.where(sa.tuple_(approvals.c.asked_at, approvals.c.id) < begin)
    rows = tx.all(query.order_by(approvals.c.asked_at.desc(), approvals.c.id.desc()).limit(limit + 1))
    items = tuple(_with_answers(tx, row) for row in rows[:limit])
    return Page(items, items[-1].id if len(rows) > limit else None)


def open_count(tx: Transaction, organization_id: str) -> int:
    """Return how many questions of an organization wait for an answer."""
    mine = (approvals.c.organization_id == organization_id, approvals.c.state == State.OPEN.value)
    return int(tx.scalar(sa.select(sa.func.count()).select_from(approvals).where(*mine)))


def due(tx: Transaction, *, limit: int = 100) -> list[Approval]:
    """Return the open questions of all organizations whose time is over, the longest first."""
    late = (approvals.c.state == State.OPEN.value, approvals.c.expires_at <= clock.now())
    rows = tx.all(sa.select(approvals).where(*late).order_by(approvals.c.expires_at, approvals.c.id).limit(limit))
    return [_with_answers(tx, row) for row in rows]


def next_due(tx: Transaction) -> datetime | None:
    """Return when the time of the next open question is over."""
    query = sa.select(approvals.c.expires_at).where(approvals.c.state == State.OPEN.value)
    row = tx.one(query.order_by(approvals.c.expires_at).limit(1))
    return None if row is None else row["expires_at"]


def answer(
    tx: Transaction, approval_id: str, *, organization_id: str, by: str, yes: bool, via: str, comment: str = ""
) -> Approval:
    """Take one person's answer and return where the question stands now.

    NotAnOpenQuestion if it is over or its time is; Forbidden if this person's answer cannot count, MissingPermission if they
    could not do themselves what they say yes to. A person who says the same twice has said it once.
    """
    before = _locked(tx, approval_id, organization_id)
    if before.open and clock.now() >= before.expires_at:
        before = settle(tx, before)
    said = next((each for each in before.answers if each.by == by), None)
    if said is not None and said.yes == yes:
        return before
    if not before.open:
        raise NotAnOpenQuestion(
            f"This question is over: {before.state}.",
            advice="Look at what became of it; ask again if it still matters.",
        )
    rights.demand(tx, organization_id, by, Permission.APPROVAL_ANSWER)
    if yes and before.question.subject in _LENDS:
        rights.demand(tx, organization_id, by, _LENDS[before.question.subject])
    refusal = before.refusal(by)
    # Who asked may always withdraw by saying no.
    if refusal is not None and (yes or by != before.question.asked_by):
        raise Forbidden(refusal, advice="Ask one of those who may answer.")
    tx.execute(
        sa.insert(approval_answers).values(
            approval_id=approval_id,
            by=by,
            yes=yes,
            comment=storable(comment.strip())[:_LONGEST_TEXT],
            via=via,
            at=clock.now(),
        )
    )
    after = get(tx, approval_id)
    given = {**_about(after), "answer": "yes" if yes else "no", "comment": comment, "way": via}
    log.write(tx, Event.APPROVAL_ANSWERED, after.organization_id, after.id, details=given, actor=by)
    if not yes:
        return _close(tx, after, State.REJECTED, f"{by} said no{f': {comment.strip()}' if comment.strip() else '.'}")
    if after.yeses >= after.question.needed:
        names = ", ".join(each.by for each in after.answers if each.yes)
        return _close(tx, after, State.APPROVED, f"Approved by {names}.")
    tx.changed(after.organization_id, "approval", after.id, "answered")
    return after


def settle(tx: Transaction, approval: Approval) -> Approval:
    """Let time have its say: escalate or end a question that waited too long; any other is returned as it is."""
    fresh = _locked(tx, approval.id, approval.organization_id)
    now = clock.now()
    if not fresh.open or now < fresh.expires_at:
        return fresh
    if fresh.question.escalate_to and fresh.escalated_at is None:
        values = {"escalated_at": now, "expires_at": now + timedelta(seconds=fresh.question.patience)}
        tx.execute(sa.update(approvals).where(approvals.c.id == fresh.id).values(values))
        tx.changed(fresh.organization_id, "approval", fresh.id, "escalated")
        asked = {**_about(fresh), "asked_now": list(fresh.question.escalate_to)}
        log.write(tx, Event.APPROVAL_ESCALATED, fresh.organization_id, fresh.id, details=asked)
        return get(tx, fresh.id)
    said = f"{fresh.yeses} of {fresh.question.needed} said yes" if fresh.yeses else "Nobody answered"
    return _close(tx, fresh, State.EXPIRED, f"{said} in time.")


def void(tx: Transaction, approval: Approval, why: str) -> Approval:
    """End a question whose facts have changed or that nobody needs answered any more."""
    fresh = _locked(tx, approval.id, approval.organization_id)
    return _close(tx, fresh, State.VOID, why) if fresh.open else fresh


def _close(tx: Transaction, approval: Approval, state: State, detail: str) -> Approval:
    tx.execute(
        sa.update(approvals)
        .where(approvals.c.id == approval.id)
        .values(state=state.value, detail=storable(detail)[:_LONGEST_TEXT], open_key=None, closed_at=clock.now())
    )
    tx.changed(approval.organization_id, "approval", approval.id, state)
    said = {**_about(approval), "state": state.value, "detail": detail}
    log.write(tx, Event.APPROVAL_CLOSED, approval.organization_id, approval.id, details=said)
    return get(tx, approval.id)


def _about(approval: Approval) -> dict[str, str]:
    question = approval.question
    return {"about": question.subject.value, "about_id": question.subject_id, "question": question.text}


def _locked(tx: Transaction, approval_id: str, organization_id: str) -> Approval:
    tx.one(sa.select(approvals.c.id).where(approvals.c.id == storable(approval_id)).with_for_update())
    return get(tx, approval_id, organization_id=organization_id)


def _with_answers(tx: Transaction, row: sa.RowMapping) -> Approval:
    query = sa.select(approval_answers).where(approval_answers.c.approval_id == row["id"])
    answers = tx.all(query.order_by(approval_answers.c.at, approval_answers.c.by))
    return Approval.of(
        row, tuple(Answer(each["by"], each["yes"], each["comment"], each["via"], each["at"]) for each in answers)
    )


def _open_key(subject: Subject, subject_id: str) -> str:
    return f"{subject.value}:{subject_id}"
