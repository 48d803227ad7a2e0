"""What policy says about one host at this moment, with every reason and fact; changes nothing and asks nobody."""

from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.alerts import queue
from ringfence.containment import gathering, policies, service
from ringfence.containment.gathering import Asked, Live
from ringfence.containment.target import Proof, kind_of, prove
from ringfence.containment.verdict import Outcome, Verdict, decide, lastingly
from ringfence.defender import DefenderClient
from ringfence.defender.wire import Machine
from ringfence.errors import Invalid, NotFound
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import containments, playbooks


@dataclass(frozen=True, slots=True)
class Question:
    """What would be asked for: which host, of which account, by a person or by a playbook, about which alert.

    In a `drill` the alert is in an incident before anybody asks.
    """

    organization_id: str
    account_id: str
    target: str
    by_person: bool = False
    playbook: str | None = None
    alert: str | None = None
    drill: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    """The verdict that would be given now.

    Where the host is not known for certain, `machine_id` is None, the verdict a denial, and `candidates` are those that came
    close. `approvers` empty with `needed` above 0 means everybody who may contain. `held_by` is the containment that has the
    host already, `overruled` what a lower layer of policy said in vain. `lasting` are the reasons against that lie in the host
    itself: not the kill switch, nor limits, nor what is said of the alert.
    """

    target: str
    machine_id: str | None
    machine_name: str | None
    device_group: str | None
    outcome: Outcome
    reasons: tuple[str, ...]
    facts: dict[str, Any]
    candidates: tuple[str, ...]
    approvers: tuple[str, ...]
    needed: int
    policy_version: str
    overruled: tuple[str, ...]
    held_by: str | None
    at: str
    lasting: tuple[str, ...] = ()


async def explain(database: Database, client: DefenderClient, question: Question) -> Explanation:
    """Look the host up in Defender and give the verdict; DefenderError where Defender cannot be asked."""
    if kind_of(question.target) is None:
        raise Invalid(
            f"{question.target[:300]!r} is not a machine id, a DNS name or the IP address of one host.",
            advice="Give one of these, whole and exact.",
        )
    asked = await database.read(lambda tx: _asked(tx, question))
    proof = prove(question.target, await gathering.records(client, question.target), clock.now())
    machine = proof.machine
    if machine is None:
        return await database.read(lambda tx: _unproven(tx, question, proof))
    stands = await database.read(lambda tx: policies.standing(tx, question.organization_id, machine.rbac_group_name))
    seen = await gathering.live(client, stands.effective.policy, machine.id)
    return await database.read(lambda tx: _judged(tx, question, asked, machine, seen))


def _asked(tx: Transaction, question: Question) -> Asked:
    playbook = None
    if question.playbook is not None:
        wanted = (playbooks.c.organization_id == question.organization_id, playbooks.c.name == question.playbook)
        playbook = tx.one(sa.select(playbooks.c.id, playbooks.c.name).where(*wanted))
        if playbook is None:
            raise NotFound(
                f"There is no playbook {question.playbook[:100]!r}.", advice="List them: `ringfence playbook list`."
            )
    alert = queue.get(tx, question.organization_id, question.alert) if question.alert is not None else None
    return Asked(
        organization_id=question.organization_id,
        account_id=question.account_id,
        by_person=question.by_person,
        playbook_id=playbook["id"] if playbook is not None else None,
        playbook_name=playbook["name"] if playbook is not None else None,
        alert_ids=(alert.id,) if alert is not None else (),
    )


def _unproven(tx: Transaction, question: Question, proof: Proof) -> Explanation:
    stands = policies.standing(tx, question.organization_id)
    denied = Verdict(Outcome.DENIED, (proof.problem,))
    return _made(question, denied, stands, candidates=proof.candidates)


def _judged(tx: Transaction, question: Question, asked: Asked, machine: Machine, seen: Live) -> Explanation:
    stands = policies.standing(tx, question.organization_id, machine.rbac_group_name)
    policy, facts = stands.effective.policy, gathering.facts(tx, asked, machine, seen)
    if question.drill:
        facts = replace(facts, promoted=True)
    found = decide(policy, facts)
    lasting = lastingly(policy, facts)
    key = service.live_key_of(question.account_id, machine.id)
    held_by: str | None = tx.scalar(sa.select(containments.c.id).where(containments.c.live_key == key))
    return _made(question, found, stands, machine=machine, held_by=held_by, lasting=lasting)


def _made(
    question: Question,
    found: Verdict,
    stands: policies.Standing,
    *,
    machine: Machine | None = None,
    candidates: tuple[str, ...] = (),
    held_by: str | None = None,
    lasting: tuple[str, ...] = (),
) -> Explanation:
    wanted = stands.effective.policy.approvals
    asks = found.outcome is Outcome.ASK
    return Explanation(
        target=question.target,
        machine_id=machine.id if machine is not None else None,
        machine_name=machine.computer_dns_name if machine is not None else None,
        device_group=machine.rbac_group_name if machine is not None else None,
        outcome=found.outcome,
        reasons=found.reasons,
        facts=found.facts,
        candidates=candidates,
        approvers=wanted.approvers if asks else (),
        needed=wanted.count if asks else 0,
        policy_version=stands.version,
        overruled=stands.effective.overruled,
        held_by=held_by,
        at=clock.iso(clock.now()),
        lasting=lasting,
    )
