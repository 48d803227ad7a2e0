"""Decide about a requested response: which machine is meant, whether it is done already, and what policy says.

Every function works inside one transaction and needs no Defender.
"""

from typing import Any

from ringfence import clock
from ringfence.approvals.model import Approval
from ringfence.approvals.model import State as Answered
from ringfence.containment import brakes, gathering, policies
from ringfence.containment.gathering import Live
from ringfence.containment.policies import Standing
from ringfence.containment.target import Proof
from ringfence.containment.verdict import Facts, Outcome, Verdict, brake_key
from ringfence.defender.wire import Machine
from ringfence.responses import asked, asking, claims, service, tallies
from ringfence.responses.judging import judge, limits, reached
from ringfence.responses.kinds import Kind
from ringfence.responses.model import BEFORE_SENDING, Response, State
from ringfence.storage import Transaction


def without_defender(tx: Transaction, response: Response) -> Response | None:
    """Make the move that needs no look at Defender, if there is one: give up what was never sent, begin a due undoing."""
    fresh = claims.mine(tx, response)
    wanted = fresh.undo_requested_at is None
    if fresh.state in BEFORE_SENDING and fresh.submitted_at is None:
        if not wanted:
            asking.withdraw(tx, fresh, "The response was cancelled.")
            return claims.move(tx, fresh, State.CANCELLED, "Cancelled before anything was sent to Defender.")
        if clock.now() >= fresh.deadline_at:
            asking.withdraw(tx, fresh, "The response's deadline passed.")
            detail = "The decision's deadline passed before it could be sent to Defender."
            return claims.move(tx, fresh, State.WITHDRAWN, detail)
    if fresh.state is State.DONE:
        if not wanted:
            return claims.move(tx, fresh, State.UNDOING, "Nobody wants it any more.")
        timer = fresh.kind is Kind.RESTRICT and fresh.ends_at is not None
        if timer and fresh.ends_at is not None and clock.now() >= fresh.ends_at:
            service.undo(tx, fresh.id, by="the timer", reason="Its time is over.", everybody=True)
            return claims.move(tx, fresh, State.UNDOING, "The timer ran out.")
    return None


def standing(tx: Transaction, response: Response, machine: Machine | None) -> Standing:
    """Return the policy that counts."""
    group = machine.rbac_group_name if machine is not None else None
    return policies.standing(tx, response.organization_id, group)


def frozen(tx: Transaction, response: Response) -> bool:
    """Whether the kill switch is on for the host, or for the organization."""
    return policies.standing(tx, response.organization_id, response.device_group).effective.policy.frozen


def unproven(tx: Transaction, response: Response, proof: Proof) -> Response:
    """Refuse a response whose host is not exactly one record."""
    if over := without_defender(tx, response):
        return over
    denial = Verdict(Outcome.DENIED, (proof.problem,), {"candidates": list(proof.candidates)})
    detail = " ".join((proof.problem, *(f"Candidate: {each}." for each in proof.candidates)))
    return claims.move(tx, response, State.DENIED, detail, verdict=denial.document(), decided_at=clock.now())


def verdict(tx: Transaction, response: Response, machine: Machine | None, seen: Live) -> Response | None:
    """Write the verdict on a requested response; None while the one before it on the machine is being undone."""
    # Deciders queue here, so that limits are counted rightly and a machine has one live response of a kind.
    service.queue(tx, response.organization_id)
    if over := without_defender(tx, response):
        return over
    response = claims.mine(tx, response)
    now = clock.now()
    known: dict[str, Any] = {}
    if machine is not None:
        known = {
            "machine_id": machine.id.lower(),
            "machine_name": machine.computer_dns_name,
            "device_group": machine.rbac_group_name,
        }
        key = service.live_key_of(response, machine.id)
        live = service.live_on(tx, key, other_than=response.id)
        if live is not None:
            if live.undo_requested_at is not None:
                return None
            service.join(tx, live, response)
            detail = f"Ringfence does or has done this already, by response {live.id}; this request wants it too."
            return claims.move(tx, response, State.NOT_NEEDED, detail, joined_id=live.id, decided_at=now, **known)
    stands = standing(tx, response, machine)
    found = judged(tx, response, machine, seen, stands)
    if found.outcome in (Outcome.ALLOWED, Outcome.ASK) and machine is not None:
        known["live_key"] = service.live_key_of(response, machine.id)
    detail = " ".join(found.reasons)
    if found.outcome is Outcome.ASK:
        question = asking.ask(tx, response, found, stands)
        detail = f"{detail} Waiting for {_asked(question)} until {clock.iso(question.expires_at)}."
    after = _AFTER[found.outcome]
    document = found.document() | {"policy_version": stands.version}
    return claims.move(tx, response, after, detail, facts=found.facts, verdict=document, decided_at=now, **known)


_AFTER = {
    Outcome.ALLOWED: State.APPROVED,
    Outcome.ASK: State.AWAITING_APPROVAL,
    Outcome.DENIED: State.DENIED,
    Outcome.NOT_NEEDED: State.NOT_NEEDED,
}


def _asked(question: Approval) -> str:
    needed, named = question.question.needed, question.may_answer
    if not named:
        return "a person who may contain" if needed == 1 else f"{needed} people who may contain"
    return ", ".join(named) if needed == 1 else f"{needed} of {', '.join(named)}"


def answer(tx: Transaction, response: Response) -> Response | Approval:
    """Look at the answer that a response waits for: move where it is no, else return the question as it stands."""
    response = claims.mine(tx, response)
    question = asking.look(tx, response)
    if question is None or question.state is Answered.VOID:
        return claims.move(tx, response, State.REQUESTED, "The question is void; deciding again.", live_key=None)
    if question.state is Answered.REJECTED:
        return claims.move(tx, response, State.REJECTED, question.detail)
    if question.state is Answered.EXPIRED:
        detail = f"{question.detail} Nothing was done; ask again if it still matters."
        return claims.move(tx, response, State.EXPIRED, detail)
    return question


def approved(tx: Transaction, response: Response, question: Approval, machine: Machine | None, seen: Live) -> Response:
    """Take people's yes, if the host, the policy and the facts are still those that they saw; else decide again."""
    service.queue(tx, response.organization_id)
    response = claims.mine(tx, response)
    stands = standing(tx, response, machine)
    found = judged(tx, response, machine, seen, stands)
    document = {"verdict": found.document() | {"policy_version": stands.version}, "facts": found.facts}
    if found.outcome is Outcome.DENIED:
        detail = " ".join(("No longer allowed after the approval.", *found.reasons))
        return claims.move(tx, response, State.DENIED, detail, **document)
    if not found.allowed and not asking.covered(tx, response, found, stands):
        detail = "What was approved has changed since (host, policy or facts), so the approval is void; deciding again."
        return claims.move(tx, response, State.REQUESTED, detail, live_key=None)
    return claims.move(tx, response, State.APPROVED, question.detail, decided_at=clock.now(), **document)


def still_allowed(tx: Transaction, response: Response, machine: Machine | None, seen: Live) -> Response | None:
    """Decide again about an approved response just before it is sent; None if it is still allowed."""
    service.queue(tx, response.organization_id)
    response = claims.mine(tx, response)
    stands = standing(tx, response, machine)
    found = judged(tx, response, machine, seen, stands)
    if found.allowed or (found.outcome is Outcome.ASK and asking.covered(tx, response, found, stands)):
        return None
    document = found.document() | {"policy_version": stands.version}
    if found.outcome is Outcome.NOT_NEEDED:
        detail = " ".join(found.reasons)
        return claims.move(tx, response, State.NOT_NEEDED, detail, facts=found.facts, verdict=document)
    detail = " ".join(("No longer allowed after waiting.", *found.reasons))
    return claims.move(tx, response, State.DENIED, detail, facts=found.facts, verdict=document)


def judged(tx: Transaction, response: Response, machine: Machine | None, seen: Live, stands: Standing) -> Verdict:
    """Give the verdict on a response from fresh facts, and write down which limits it met or which are not reached any more."""
    policy, tally = stands.effective.policy, tallies.tally(tx, response)
    values = response.parameters.get("indicators", [])
    found = judge(
        policy,
        response.kind,
        None if machine is None else _host(tx, response, machine, seen),
        by_person=response.by_person,
        tally=tally,
        weight=response.weight,
        allowing=asked.allows_something(values),
    )
    for each in found.brakes:
        brakes.trip(tx, response.organization_id, each, opens_at=tallies.opens_at(tx, response, policy, each))
    looked_at = [brake_key(limit, subject) for limit, subject, _, _ in limits(policy, response.kind, tally.playbook)]
    still = reached(policy, response.kind, tally, response.weight)
    brakes.settle(tx, response.organization_id, still, looked_at)
    return found


def _host(tx: Transaction, response: Response, machine: Machine, seen: Live) -> Facts:
    about = gathering.alerts_of(tx, response.run_id, response.alert_id)
    return Facts(
        machine_id=machine.id,
        name=machine.computer_dns_name,
        # An empty list says that there are none; no list says that nothing is known.
        tags=machine.machine_tags if machine.raw.get("machineTags") is not None else None,
        os_platform=machine.os_platform,
        onboarding_status=machine.onboarding_status,
        health_status=machine.health_status,
        last_seen=clock.iso(machine.last_seen) if machine.last_seen else None,
        excluded=machine.is_excluded,
        merged_into=machine.merged_into_machine_id,
        decided_last_hour=0,
        device_group=machine.rbac_group_name,
        device_value=machine.device_value,
        domain_admin=seen.domain_admin,
        unseen_seconds=(clock.now() - machine.last_seen).total_seconds() if machine.last_seen else None,
        by_person=response.by_person,
        handled=gathering.dealt_with(tx, response.organization_id, about, machine.id),
    )
