"""Decide about a requested containment: which machine is meant, who holds it already, and what policy says.

All but `records` are functions of one transaction and need no Defender.
"""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.containment import service
from ringfence.containment.model import Containment, State
from ringfence.containment.policy import Facts, Policy, Verdict, decide
from ringfence.containment.target import Proof, kind_of
from ringfence.defender import DefenderClient
from ringfence.defender.errors import NotFound, WrongAddress
from ringfence.defender.odata import eq, one_of
from ringfence.defender.wire import Machine
from ringfence.storage import Transaction
from ringfence.storage.tables import containments


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
    fresh = service.mine(tx, containment)
    wanted = fresh.release_requested_at is None
    if fresh.state in (State.REQUESTED, State.APPROVED) and fresh.submitted_at is None:
        if not wanted:
            return service.move(tx, fresh, State.CANCELLED, "Cancelled before anything was sent to Defender.")
        if clock.now() >= fresh.deadline_at:
            detail = "The decision's deadline passed before it could be sent to Defender."
            return service.move(tx, fresh, State.WITHDRAWN, detail)
    if fresh.state == State.CONTAINED:
        if not wanted:
            return service.move(tx, fresh, State.RELEASING, "Nobody holds the host any more.")
        if fresh.auto_release_at is not None and clock.now() >= fresh.auto_release_at:
            service.let_go(tx, fresh.id, by="the timer", reason="Auto-release is due.")
            return service.move(tx, fresh, State.RELEASING, "The auto-release timer ran out.")
    return None


def verdict(tx: Transaction, containment: Containment, proof: Proof) -> Containment | None:
    """Write the verdict on a requested containment; None while the machine's containment before it is being released."""
    # Deciders queue here, so that the limit of the hour is counted rightly and a machine has one live containment.
    organization = service.queue(tx, containment.organization_id)
    if over := without_defender(tx, containment):
        return over
    containment = service.mine(tx, containment)
    now = clock.now()
    if proof.machine is None:
        denial = Verdict(False, (proof.problem,), {"candidates": list(proof.candidates)})
        detail = " ".join((proof.problem, *(f"Candidate: {each}." for each in proof.candidates)))
        return service.move(tx, containment, State.DENIED, detail, verdict=denial.document(), decided_at=now)
    machine = proof.machine
    known: dict[str, Any] = {"machine_id": machine.id.lower(), "machine_name": machine.computer_dns_name}
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
        return service.move(tx, containment, State.NOT_NEEDED, detail, joined_id=held.id, decided_at=now, **known)
    found = decide(Policy.read(organization["policy"]), facts(tx, containment, machine))
    if found.allowed:
        known["live_key"] = service.live_key_of(containment.account_id, machine.id)
    return service.move(
        tx,
        containment,
        State.APPROVED if found.allowed else State.DENIED,
        " ".join(found.reasons),
        facts=found.facts,
        verdict=found.document() | {"policy_version": organization["policy_version"]},
        decided_at=now,
        **known,
    )


def still_allowed(tx: Transaction, containment: Containment, machine: Machine) -> Containment | None:
    """Decide again about an approved containment that had to wait; None if it is still allowed."""
    organization = service.queue(tx, containment.organization_id)
    containment = service.mine(tx, containment)
    found = decide(Policy.read(organization["policy"]), facts(tx, containment, machine))
    if found.allowed:
        return None
    detail = " ".join(("No longer allowed after waiting.", *found.reasons))
    document = found.document() | {"policy_version": organization["policy_version"]}
    return service.move(tx, containment, State.DENIED, detail, facts=found.facts, verdict=document)


def facts(tx: Transaction, containment: Containment, machine: Machine) -> Facts:
    """Gather what policy looks at; `decided_last_hour` counts the organization's other containments."""
    decided = tx.scalar(
        sa.select(sa.func.count()).where(
            containments.c.organization_id == containment.organization_id,
            containments.c.id != containment.id,
            containments.c.decided_at > clock.now() - timedelta(hours=1),
            containments.c.state.not_in([State.DENIED.value, State.NOT_NEEDED.value]),
        )
    )
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
        decided_last_hour=decided,
    )
