"""Ask people about a response, and take their answer: bound to the host, what is done, the policy and the facts.

How it is taken back, or that it cannot be, is told with the question.
"""

from typing import Any

from ringfence.approvals import service as approvals
from ringfence.approvals.model import Approval, Question, State, Subject
from ringfence.containment.policies import Standing
from ringfence.containment.policy import Silence
from ringfence.containment.verdict import Verdict
from ringfence.responses.model import Response
from ringfence.storage import Transaction

_BOUND = ("machine_id", "name", "os_platform", "onboarding_status", "device_group", "device_value", "domain_admin")


def bound_to(response: Response, found: Verdict, standing: Standing) -> dict[str, Any]:
    """Return what an answer is given for: where any of it changes, the answer counts no more."""
    facts = {name: found.facts[name] for name in _BOUND if name in found.facts}
    tags = found.facts.get("tags")
    return facts | {
        "action": response.kind.value,
        "parameters": response.parameters,
        "policy_version": standing.version,
        "tags": None if tags is None else sorted(tags),
    }


def ask(tx: Transaction, response: Response, found: Verdict, standing: Standing) -> Approval:
    """Ask those whom policy names; at least as many must say yes as the kind demands, and then nobody for themselves."""
    wanted = standing.effective.policy.approvals
    traits = response.traits
    host = found.facts.get("name") or found.facts.get("machine_id") or response.target
    question = Question(
        subject=Subject.RESPONSE,
        subject_id=response.id,
        text=f"{traits.question.format(host=host, what=response.what)} {response.reason}",
        reasons=(*found.reasons, traits.undo),
        bound_to=bound_to(response, found, standing),
        asked_by=response.requested_by,
        patience=wanted.expires_after.seconds,
        approvers=wanted.approvers,
        needed=max(wanted.count, traits.people),
        self_approval=wanted.self_approval and not traits.people,
        escalate_to=wanted.escalate_to if wanted.on_silence is Silence.ESCALATE else (),
    )
    return approvals.ask(tx, response.organization_id, question)


def look(tx: Transaction, response: Response) -> Approval | None:
    """Return the newest question about a response, after time has had its say."""
    found = approvals.latest_for(tx, Subject.RESPONSE, response.id)
    return approvals.settle(tx, found) if found is not None else None


def withdraw(tx: Transaction, response: Response, why: str) -> None:
    """End the open question about a response, if there is one."""
    found = approvals.open_for(tx, Subject.RESPONSE, response.id)
    if found is not None:
        approvals.void(tx, found, why)


def covered(tx: Transaction, response: Response, found: Verdict, standing: Standing) -> bool:
    """Whether people have said yes to exactly this."""
    asked = approvals.latest_for(tx, Subject.RESPONSE, response.id)
    if asked is None or asked.state is not State.APPROVED:
        return False
    return asked.question.bound_to == bound_to(response, found, standing)
