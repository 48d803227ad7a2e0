"""Decide about a requested containment: which machine is meant, who holds it already, and what policy says.

Functions of one transaction, which need no Defender; `gathering` says what is known.
"""

from typing import Any

from ringfence import clock
from ringfence.approvals.model import Approval
from ringfence.approvals.model import State as Answered
from ringfence.containment import asking, brakes, claims, gathering, policies, service
from ringfence.containment.gathering import Asked, Live
from ringfence.containment.model import Containment, State
from ringfence.containment.policies import Standing
from ringfence.containment.policy import Policy
from ringfence.containment.target import Proof
from ringfence.containment.verdict import CONTAINING, FROZEN, Limit, Outcome, Verdict, brake_key, decide, reached
from ringfence.defender.wire import Machine
from ringfence.storage import Transaction


def needs_no_defender(containment: Containment) -> bool:
    """Say whether `without_defender` has a move to make for a containment as it was read."""
    wanted, now = containment.release_requested_at is None, clock.now()
    match containment.state:
        case State.REQUESTED | State.AWAITING_APPROVAL | State.APPROVED if containment.submitted_at is None:
            return not wanted or now >= containment.deadline_at
        case State.CONTAINED:
            return not wanted or (containment.auto_release_at is not None and now >= containment.auto_release_at)
    return False


def without_defender(tx: Transaction, containment: Containment) -> Containment | None:
    """Make the move that needs no look at Defender, if there is one: give up what was never sent, begin a due release."""
    fresh = claims.mine(tx, containment)
    wanted = fresh.release_requested_at is None
    if fresh.state in (State.REQUESTED, State.AWAITING_APPROVAL, State.APPROVED) and fresh.submitted_at is None:
        if not wanted:
            asking.withdraw(tx, fresh, "The containment was cancelled.")
            return claims.move(tx, fresh, State.CANCELLED, "Cancelled before anything was sent to Defender.")
        if clock.now() >= fresh.deadline_at:
            asking.withdraw(tx, fresh, "The containment's deadline passed.")
            detail = "The decision's deadline passed before it could be sent to Defender."
            return claims.move(tx, fresh, State.WITHDRAWN, detail)
    if fresh.state == State.CONTAINED:
        if not wanted:
            return claims.move(tx, fresh, State.RELEASING, "Nobody holds the host any more.")
        if fresh.auto_release_at is not None and clock.now() >= fresh.auto_release_at:
            service.let_go(tx, fresh.id, by="the timer", reason="Auto-release is due.")
            return claims.move(tx, fresh, State.RELEASING, "The auto-release timer ran out.")
    return None


def standing(tx: Transaction, containment: Containment, machine: Machine) -> Standing:
    """Return the policy that counts for a machine."""
    return policies.standing(tx, containment.organization_id, machine.rbac_group_name)


def verdict(tx: Transaction, containment: Containment, proof: Proof, seen: Live) -> Containment | None:
    """Write the verdict on a requested containment; None while the machine's containment before it is being released."""
    # Deciders queue here, so that the limit of the hour is counted rightly and a machine has one live containment.
    service.queue(tx, containment.organization_id)
    if over := without_defender(tx, containment):
        return over
    containment = claims.mine(tx, containment)
    now = clock.now()
    if proof.machine is None:
        denial = Verdict(Outcome.DENIED, (proof.problem,), {"candidates": list(proof.candidates)})
        detail = " ".join((proof.problem, *(f"Candidate: {each}." for each in proof.candidates)))
        return claims.move(tx, containment, State.DENIED, detail, verdict=denial.document(), decided_at=now)
    machine = proof.machine
    known: dict[str, Any] = {
        "machine_id": machine.id.lower(),
        "machine_name": machine.computer_dns_name,
        "device_group": machine.rbac_group_name,
    }
    stands = standing(tx, containment, machine)
    known["auto_release_after"] = stands.effective.policy.hold_for(containment.auto_release_after)
    held = service.live_on(tx, containment.account_id, machine.id, other_than=containment.id)
    if held is not None:
        if held.release_requested_at is not None:
            return None
        service.join(
            tx,
            held,
            holder=containment.request_key,
            reason=containment.reason,
            requested_by=containment.requested_by,
            auto_release_after=known["auto_release_after"],
        )
        detail = f"Ringfence holds this host already, by containment {held.id}; this request holds it too."
        return claims.move(tx, containment, State.NOT_NEEDED, detail, joined_id=held.id, decided_at=now, **known)
    found = _judged(tx, containment, machine, seen, stands)
    if found.outcome in (Outcome.ALLOWED, Outcome.ASK):
        known["live_key"] = service.live_key_of(containment.account_id, machine.id)
    detail = " ".join(found.reasons)
    if found.outcome is Outcome.ASK:
        asked = asking.ask(tx, containment, found, stands)
        detail = f"{detail} Waiting for {_asked(asked)} until {clock.iso(asked.expires_at)}."
    return claims.move(
        tx,
        containment,
        _AFTER[found.outcome],
        detail,
        facts=found.facts,
        verdict=found.document() | {"policy_version": stands.version},
        decided_at=now,
        **known,
    )


_AFTER = {
    Outcome.ALLOWED: State.APPROVED,
    Outcome.ASK: State.AWAITING_APPROVAL,
    Outcome.DENIED: State.DENIED,
    Outcome.NOT_NEEDED: State.NOT_NEEDED,
}


def _judged(tx: Transaction, containment: Containment, machine: Machine, seen: Live, stands: Standing) -> Verdict:
    """Give the verdict, and write down which limits it met and which are not reached any more."""
    policy, asked = stands.effective.policy, Asked.of(tx, containment)
    known = gathering.facts(tx, asked, machine, seen)
    found = decide(policy, known)
    for each in found.brakes:
        opens_at = gathering.opens_at(tx, asked, machine, policy, each)
        brakes.trip(tx, containment.organization_id, each, opens_at=opens_at, containment_id=containment.id)
    subjects = {Limit.PLAYBOOK: known.playbook or "", Limit.GROUP: known.device_group or "unknown"}
    looked_at = [brake_key(limit, subjects.get(limit, "")) for limit in CONTAINING]
    brakes.settle(tx, containment.organization_id, reached(policy, known), looked_at)
    return found


def _asked(asked: Approval) -> str:
    people = ", ".join(asked.may_answer) or "a person who may contain"
    return people if asked.question.needed == 1 else f"{asked.question.needed} of {people}"


def answer(tx: Transaction, containment: Containment) -> Containment | Approval:
    """Look at the answer that a containment waits for: move where it is no, else return the question as it stands."""
    containment = claims.mine(tx, containment)
    asked = asking.look(tx, containment)
    if asked is None or asked.state is Answered.VOID:
        return claims.move(tx, containment, State.REQUESTED, "The question is void; deciding again.")
    if asked.state is Answered.REJECTED:
        return claims.move(tx, containment, State.REJECTED, asked.detail)
    if asked.state is Answered.EXPIRED:
        detail = f"{asked.detail} Nothing was contained; ask again if it still matters."
        return claims.move(tx, containment, State.EXPIRED, detail)
    return asked


def approved(tx: Transaction, containment: Containment, asked: Approval, machine: Machine, seen: Live) -> Containment:
    """Take people's yes, if the host, the policy and the facts are still those that they saw; else decide again."""
    service.queue(tx, containment.organization_id)
    containment = claims.mine(tx, containment)
    stands = standing(tx, containment, machine)
    found = _judged(tx, containment, machine, seen, stands)
    document = {"verdict": found.document() | {"policy_version": stands.version}, "facts": found.facts}
    if found.outcome is Outcome.DENIED:
        detail = " ".join(("No longer allowed after the approval.", *found.reasons))
        return claims.move(tx, containment, State.DENIED, detail, **document)
    if not _may(tx, containment, found, stands):
        detail = "What was approved has changed since (host, policy or facts), so the approval is void; deciding again."
        return claims.move(tx, containment, State.REQUESTED, detail)
    return claims.move(tx, containment, State.APPROVED, asked.detail, decided_at=clock.now(), **document)


def _may(tx: Transaction, containment: Containment, found: Verdict, stands: Standing) -> bool:
    return found.allowed or (found.outcome is Outcome.ASK and asking.covered(tx, containment, found, stands))


def still_allowed(tx: Transaction, containment: Containment, machine: Machine, seen: Live) -> Containment | None:
    """Decide again about an approved containment that had to wait, or whose policy has changed; None if it is allowed."""
    service.queue(tx, containment.organization_id)
    containment = claims.mine(tx, containment)
    stands = standing(tx, containment, machine)
    found = _judged(tx, containment, machine, seen, stands)
    document = found.document() | {"policy_version": stands.version}
    if _may(tx, containment, found, stands):
        claims.note(tx, containment, verdict=document)
        return None
    if found.outcome is Outcome.NOT_NEEDED:
        return claims.move(
            tx, containment, State.NOT_NEEDED, " ".join(found.reasons), facts=found.facts, verdict=document
        )
    detail = " ".join(("No longer allowed after waiting.", *found.reasons))
    return claims.move(tx, containment, State.DENIED, detail, facts=found.facts, verdict=document)


def decided_by(tx: Transaction, containment: Containment) -> tuple[Policy, bool]:
    """Return the policy that counts for an approved containment now, and whether it was decided by exactly that."""
    stands = policies.standing(tx, containment.organization_id, containment.device_group)
    return stands.effective.policy, (containment.verdict or {}).get("policy_version") == stands.version


def stop(tx: Transaction, containment: Containment) -> Containment:
    """End an approved containment because the kill switch is on; nothing of it was sent."""
    return claims.move(tx, containment, State.DENIED, FROZEN)
