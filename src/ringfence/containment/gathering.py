"""Gather what policy judges by: Defender's records of a host, and what this installation has decided and done.

`records` and `live` call Defender; all else are functions of one transaction.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

import sqlalchemy as sa

from ringfence import clock
from ringfence.alerts import queue
from ringfence.containment import brakes, fleet, incident_hosts
from ringfence.containment.handled import handled
from ringfence.containment.model import HELD, Containment, State
from ringfence.containment.policy import Guard, Policy
from ringfence.containment.target import kind_of
from ringfence.containment.verdict import Brake, Facts, Limit, brake_key
from ringfence.defender import DefenderClient
from ringfence.defender.errors import MissingRole, NotFound, WrongAddress
from ringfence.defender.odata import eq, one_of
from ringfence.defender.wire import Machine
from ringfence.errors import RingfenceError
from ringfence.storage import Transaction
from ringfence.storage.tables import containments, drills, playbooks, run_alerts, runs

_HOUR = timedelta(hours=1)
# What is on its way to being cut off counts with what is: a storm would pass the limit before the first is confirmed.
_TAKING = (*HELD, State.APPROVED, State.SUBMITTING, State.PENDING)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for, as far as the verdict depends on it; `id` is empty where nobody has asked yet."""

    organization_id: str
    account_id: str
    id: str = ""
    by_person: bool = False
    forced: bool = False
    playbook_id: str | None = None
    playbook_name: str | None = None
    alert_ids: tuple[str, ...] = ()

    @classmethod
    def of(cls, tx: Transaction, containment: Containment) -> Self:
        """Return what a containment asks for."""
        playbook = playbook_of(tx, containment.run_id)
        return cls(
            organization_id=containment.organization_id,
            account_id=containment.account_id,
            id=containment.id,
            by_person=containment.run_id is None,
            forced=containment.forced,
            playbook_id=playbook["id"] if playbook is not None else None,
            playbook_name=playbook["name"] if playbook is not None else None,
            alert_ids=alerts_of(tx, containment.run_id, containment.alert_id),
        )


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


def facts(tx: Transaction, asked: Asked, machine: Machine, seen: Live) -> Facts:
    """Gather what policy looks at; counts are of the organization's other containments."""
    now = clock.now()
    organization_id, group = asked.organization_id, machine.rbac_group_name
    lift = brakes.lifted(tx, organization_id, other_than=asked.id)
    held = (*_others(asked), containments.c.state.in_([state.value for state in _TAKING]))
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
        decided_last_hour=_count(tx, _decided(asked, Limit.HOUR, group)),
        device_group=group,
        device_value=machine.device_value,
        domain_admin=seen.domain_admin,
        unseen_seconds=(now - machine.last_seen).total_seconds() if machine.last_seen else None,
        by_person=asked.by_person,
        promoted=incident_hosts.promoted(tx, organization_id, asked.id, asked.alert_ids),
        playbook=asked.playbook_name,
        decided_for_playbook=_count(tx, _decided(asked, Limit.PLAYBOOK, group)) if asked.playbook_id else 0,
        decided_in_group=_count(tx, _decided(asked, Limit.GROUP, group)),
        held_now=_count(tx, held),
        fleet=fleet.size(tx, organization_id),
        tripped=tuple(brake_key(each.limit, each.subject) for each in brakes.holding(tx, organization_id)),
        lifted=lift.sentence if lift is not None else "",
        handled=dealt_with(tx, organization_id, asked.alert_ids, machine.id),
        forced=asked.forced,
    )


def opens_at(tx: Transaction, asked: Asked, machine: Machine, policy: Policy, brake: Brake) -> datetime | None:
    """Return when so few of the last hour's decisions are left that a limit is not reached; None if time does not tell."""
    most = {
        Limit.HOUR: policy.max_per_hour,
        Limit.PLAYBOOK: policy.max_per_hour_and_playbook,
        Limit.GROUP: policy.max_per_hour_and_group,
    }.get(brake.limit)
    if not most or policy.brake_until_lifted:
        return None
    decided = containments.c.decided_at
    counted = sa.select(decided).where(*_decided(asked, brake.limit, machine.rbac_group_name))
    last: datetime | None = tx.scalar(counted.order_by(decided.desc()).limit(1).offset(most - 1))
    return last + _HOUR if last is not None else None


Where = tuple[sa.ColumnElement[bool], ...]


def _others(asked: Asked) -> Where:
    # A drill's containments use up no limit: a rehearsal must never stand in the way of what is meant.
    rehearsed = sa.select(drills.c.alert_id).where(drills.c.alert_id.is_not(None))
    meant = sa.or_(containments.c.alert_id.is_(None), containments.c.alert_id.not_in(rehearsed))
    return (containments.c.organization_id == asked.organization_id, containments.c.id != asked.id, meant)


def _decided(asked: Asked, limit: Limit, group: str | None) -> Where:
    """Say which containments of the last hour count against a limit."""
    recent = (
        *_others(asked),
        containments.c.decided_at > clock.now() - _HOUR,
        containments.c.state.not_in(brakes.UNUSED),
    )
    match limit:
        case Limit.PLAYBOOK:
            of_playbook = sa.select(runs.c.id).where(runs.c.playbook_id == asked.playbook_id)
            return (*recent, containments.c.run_id.in_(of_playbook))
        case Limit.GROUP:
            return (*recent, containments.c.device_group.is_not_distinct_from(group))
    return recent


def _count(tx: Transaction, where: Iterable[sa.ColumnElement[bool]]) -> int:
    found: int = tx.scalar(sa.select(sa.func.count()).select_from(containments).where(*where))
    return found


def playbook_of(tx: Transaction, run_id: str | None) -> sa.RowMapping | None:
    """Return the id and name of the playbook of a run, None where there is no run."""
    if run_id is None:
        return None
    joined = sa.select(playbooks.c.id, playbooks.c.name).join(runs, runs.c.playbook_id == playbooks.c.id)
    return tx.one(joined.where(runs.c.id == run_id))


def alerts_of(tx: Transaction, run_id: str | None, alert_id: str | None) -> tuple[str, ...]:
    """Return the alerts that something is about: its own, and those that its run was given besides."""
    given = sa.select(run_alerts.c.alert_id).where(run_alerts.c.run_id == run_id).distinct()
    joined = [row["alert_id"] for row in tx.all(given.order_by(run_alerts.c.alert_id))] if run_id else []
    own = [alert_id] if alert_id else []
    return tuple(dict.fromkeys([*own, *joined]))


def dealt_with(tx: Transaction, organization_id: str, alert_ids: Iterable[str], machine_id: str) -> str:
    """Say what Defender has done, if it has dealt with each of the alerts on this host."""
    said: list[str] = []
    for alert_id in alert_ids:
        try:
            alert = queue.get(tx, organization_id, alert_id)
            said.append(handled(queue.raw(tx, organization_id, alert), machine_id))
        except RingfenceError:
            # What cannot be read is not known to be dealt with.
            return ""
    return " ".join(dict.fromkeys(said)) if said and all(said) else ""
