"""Decide about a requested containment: which machine is meant, who holds it already, and what policy says.

All but `records` are functions of one transaction and need no Defender.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.approvals.model import Approval
from ringfence.approvals.model import State as Answered
from ringfence.containment import asking, claims, policies, service
from ringfence.containment.model import HELD, Containment, State
from ringfence.containment.policies import Standing
from ringfence.containment.policy import Guard, Policy
from ringfence.containment.target import Proof, kind_of
from ringfence.containment.verdict import Facts, Outcome, Verdict, decide
from ringfence.defender import DefenderClient
from ringfence.defender.errors import MissingRole, NotFound, WrongAddress
from ringfence.defender.odata import eq, one_of
from ringfence.defender.wire import Machine
from ringfence.storage import Transaction
from ringfence.storage.tables import containments, playbooks, runs


async def records(client: DefenderClient, target: str) -> list[Machine]:
    """Read every record that Defender has for a target; which of them is meant is for `prove` to say."""
    try:
        match kind_of(target):
            case "machine id":
                return [await client.get_machine(target.lower())]
            case "DNS name":
                # Defender's own comparison may mind letter case. No limit: a twin beyond it would not be seen.
                name = target.removesuffix(".")
                wanted = one_of("computerDnsName", dict.fromkeys((name, name.lower(), name.upper())))
                return [each async for each in client.list_machines(filter=wanted)]
            case "IP address":
                found = [each async for each in client.list_machines(filter=eq("lastIpAddress", target))]
                return found + await client.find_machines_by_ip(target, clock.now())
    except NotFound as error:
        if isinstance(error, WrongAddress):
            raise
    return []


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


@dataclass(frozen=True, slots=True)
class Live:
    """What policy asks about a host beyond its record: whether a domain administrator is logged on, where that matters."""

    domain_admin: bool | None = None


async def live(client: DefenderClient, policy: Policy, machine_id: str) -> Live:
    """Ask Defender what policy wants to know beyond the machine's record; nothing where it wants nothing."""
    if policy.domain_admins is Guard.ALLOW:
        return Live()
    try:
        users = await client.get_machine_logon_users(machine_id)
    except (MissingRole, NotFound):
        # Not known: then policy asks.
        return Live()
    return Live(domain_admin=any(user.is_domain_admin for user in users))


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
            auto_release_after=containment.auto_release_after,
        )
        detail = f"Ringfence holds this host already, by containment {held.id}; this request holds it too."
        return claims.move(tx, containment, State.NOT_NEEDED, detail, joined_id=held.id, decided_at=now, **known)
    stands = standing(tx, containment, machine)
    found = decide(stands.effective.policy, facts(tx, containment, machine, seen))
    if found.outcome is not Outcome.DENIED:
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


_AFTER = {Outcome.ALLOWED: State.APPROVED, Outcome.ASK: State.AWAITING_APPROVAL, Outcome.DENIED: State.DENIED}


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
    found = decide(stands.effective.policy, facts(tx, containment, machine, seen))
    document = {"verdict": found.document() | {"policy_version": stands.version}, "facts": found.facts}
    if found.outcome is Outcome.DENIED:
        detail = " ".join(("No longer allowed after the approval.", *found.reasons))
        return claims.move(tx, containment, State.DENIED, detail, **document)
    if not found.allowed and not asking.covered(tx, containment, found, stands):
        detail = "What was approved has changed since (host, policy or facts), so the approval is void; deciding again."
        return claims.move(tx, containment, State.REQUESTED, detail)
    return claims.move(tx, containment, State.APPROVED, asked.detail, decided_at=clock.now(), **document)


def still_allowed(tx: Transaction, containment: Containment, machine: Machine, seen: Live) -> Containment | None:
    """Decide again about an approved containment that had to wait; None if it is still allowed."""
    service.queue(tx, containment.organization_id)
    containment = claims.mine(tx, containment)
    stands = standing(tx, containment, machine)
    found = decide(stands.effective.policy, facts(tx, containment, machine, seen))
    if found.allowed or (found.outcome is Outcome.ASK and asking.covered(tx, containment, found, stands)):
        return None
    detail = " ".join(("No longer allowed after waiting.", *found.reasons))
    document = found.document() | {"policy_version": stands.version}
    return claims.move(tx, containment, State.DENIED, detail, facts=found.facts, verdict=document)


_UNUSED = tuple(
    state.value for state in (State.DENIED, State.NOT_NEEDED, State.AWAITING_APPROVAL, State.REJECTED, State.EXPIRED)
)


def facts(tx: Transaction, containment: Containment, machine: Machine, seen: Live) -> Facts:
    """Gather what policy looks at; counts are of the organization's other containments."""
    now = clock.now()
    others = (
        containments.c.organization_id == containment.organization_id,
        containments.c.id != containment.id,
    )
    recent = (
        *others,
        containments.c.decided_at > now - timedelta(hours=1),
        containments.c.state.not_in(_UNUSED),
    )

    def count(*where: sa.ColumnElement[bool]) -> int:
        found: int = tx.scalar(sa.select(sa.func.count()).select_from(containments).where(*where))
        return found

    playbook = _playbook(tx, containment)
    of_playbook = sa.select(runs.c.id).where(runs.c.playbook_id == playbook["id"]) if playbook is not None else None
    group = machine.rbac_group_name
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
        decided_last_hour=count(*recent),
        device_group=group,
        device_value=machine.device_value,
        domain_admin=seen.domain_admin,
        unseen_seconds=(now - machine.last_seen).total_seconds() if machine.last_seen else None,
        by_person=containment.run_id is None,
        playbook=playbook["name"] if playbook is not None else None,
        decided_for_playbook=count(*recent, containments.c.run_id.in_(of_playbook)) if of_playbook is not None else 0,
        decided_in_group=count(*recent, containments.c.device_group == group) if group is not None else 0,
        held_now=count(*others, containments.c.state.in_([state.value for state in HELD])),
    )


def _playbook(tx: Transaction, containment: Containment) -> sa.RowMapping | None:
    if containment.run_id is None:
        return None
    joined = sa.select(playbooks.c.id, playbooks.c.name).join(runs, runs.c.playbook_id == playbooks.c.id)
    return tx.one(joined.where(runs.c.id == containment.run_id))
