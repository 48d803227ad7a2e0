"""Ask people about a containment, and take their answer: bound to the host, the policy and the facts that they were shown.

Whoever answers, by page, command line, API or link, does it by `answer`, which wakes what waits for it.
"""

from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.approvals import service as approvals
from ringfence.approvals.model import Approval, Question, Subject
from ringfence.containment.model import Containment
from ringfence.containment.policies import Standing
from ringfence.containment.policy import Silence
from ringfence.containment.verdict import Verdict
from ringfence.playbooks import publishing
from ringfence.storage import Transaction
from ringfence.storage.tables import approvals as asked_table
from ringfence.storage.tables import containments, runs

_BOUND = ("machine_id", "name", "os_platform", "onboarding_status", "device_group", "device_value", "domain_admin")


def bound_to(containment: Containment, found: Verdict, standing: Standing) -> dict[str, Any]:
    """Return what an answer is given for: where any of it changes, the answer counts no more."""
    facts = {name: found.facts[name] for name in _BOUND}
    tags = found.facts["tags"]
    return facts | {
        "action": "isolate",
        "isolation_type": containment.isolation_type,
        "policy_version": standing.version,
        "tags": None if tags is None else sorted(tags),
    }


def ask(tx: Transaction, containment: Containment, found: Verdict, standing: Standing) -> Approval:
    """Ask those whom policy names whether the host may be contained."""
    wanted = standing.effective.policy.approvals
    host = found.facts["name"] or found.facts["machine_id"]
    question = Question(
        subject=Subject.CONTAINMENT,
        subject_id=containment.id,
        text=f"Cut {host} off the network? {containment.reason}",
        reasons=found.reasons,
        bound_to=bound_to(containment, found, standing),
        asked_by=containment.requested_by,
        patience=wanted.expires_after.seconds,
        approvers=wanted.approvers,
        needed=wanted.count,
        self_approval=wanted.self_approval,
        escalate_to=wanted.escalate_to if wanted.on_silence is Silence.ESCALATE else (),
    )
    return approvals.ask(tx, containment.organization_id, question)


def look(tx: Transaction, containment: Containment) -> Approval | None:
    """Return the newest question about a containment, after time has had its say."""
    found = approvals.latest_for(tx, Subject.CONTAINMENT, containment.id)
    return approvals.settle(tx, found) if found is not None else None


def withdraw(tx: Transaction, containment: Containment, why: str) -> None:
    """End the open question about a containment, if there is one."""
    found = approvals.open_for(tx, Subject.CONTAINMENT, containment.id)
    if found is not None:
        approvals.void(tx, found, why)


def covered(tx: Transaction, containment: Containment, found: Verdict, standing: Standing) -> bool:
    """Whether people have said yes to exactly this."""
    asked = approvals.latest_for(tx, Subject.CONTAINMENT, containment.id)
    if asked is None or asked.state != "approved":
        return False
    return asked.question.bound_to == bound_to(containment, found, standing)


def answer(
    tx: Transaction, approval_id: str, *, organization_id: str, by: str, yes: bool, via: str, comment: str = ""
) -> Approval:
    """Take one person's answer to any question, and let what waits for it go on; see `approvals.service.answer`.

    Forbidden where a yes would publish what this person may not.
    """
    about = approvals.get(tx, approval_id, organization_id=organization_id)
    if yes and about.open and about.question.subject is Subject.PLAYBOOK:
        publishing.demand_approver(tx, about, by)
    after = approvals.answer(tx, approval_id, organization_id=organization_id, by=by, yes=yes, via=via, comment=comment)
    _wake(tx, after)
    if about.open and not after.open and after.question.subject is Subject.PLAYBOOK:
        publishing.answered(tx, after)
    return after


def settle_due(tx: Transaction) -> list[Approval]:
    """Escalate or end the questions whose time is over, of all organizations, and wake what waits for them.

    A question of a run that is over is void.
    """
    settled = [approvals.void(tx, each, "The run that asked is over.") for each in abandoned(tx)]
    settled += [approvals.settle(tx, each) for each in approvals.due(tx)]
    for each in settled:
        _wake(tx, each)
    return settled


def abandoned(tx: Transaction) -> list[Approval]:
    """Return the open questions of steps whose run is over: nobody needs their answer."""
    # The key of a step begins with the id of its run.
    run_of = sa.func.substr(asked_table.c.subject_id, 1, 36)
    query = (
        sa.select(asked_table.c.id)
        .join(runs, runs.c.id == run_of)
        .where(
            asked_table.c.state == "open",
            asked_table.c.subject == Subject.STEP.value,
            runs.c.finished_at.is_not(None),
        )
        .order_by(asked_table.c.id)
        .limit(100)
    )
    return [approvals.get(tx, row["id"]) for row in tx.all(query)]


def undo(approval: Approval) -> str:
    """Say in a sentence how what is asked about can be taken back."""
    said = approval.question.bound_to.get("undo")
    if isinstance(said, str) and said:
        return said
    if approval.question.subject is Subject.CONTAINMENT:
        return "The host can be released at any time, by a person, a playbook or the timer; Defender then confirms it."
    return "It decides how the playbook goes on; what its later steps do has an undo of its own, shown with each."


def _wake(tx: Transaction, after: Approval) -> None:
    """Let the driver look at once at the containment that waited for a question that is over."""
    if after.question.subject is Subject.CONTAINMENT and not after.open:
        waiting = sa.update(containments).where(containments.c.id == after.question.subject_id)
        tx.execute(waiting.where(containments.c.finished_at.is_(None)).values(next_at=clock.now()))
