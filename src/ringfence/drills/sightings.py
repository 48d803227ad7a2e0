"""What rows and records show of a drill: its alert, what that has led to, and how policy judges hosts that it must refuse."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

import httpx
import sqlalchemy as sa

from ringfence import clock
from ringfence.accounts import records as accounts
from ringfence.alerts import queue
from ringfence.approvals import service as approvals
from ringfence.approvals.model import Subject
from ringfence.containment import gathering, policies, service
from ringfence.containment.model import Containment
from ringfence.containment.policy import Policy
from ringfence.containment.verdict import Outcome, decide, is_server, unfit
from ringfence.defender.clouds import is_loopback
from ringfence.defender.wire import Machine
from ringfence.drills.model import Drill, Mark, Step, is_test_alert
from ringfence.storage import Transaction
from ringfence.storage.tables import alerts, containments, drills, playbooks, runs

REFUSED: Final = "protected host refused"
_PROTECTED: Final = frozenset(tag.casefold() for tag in Policy().protected_tags)


def line(name: str, mark: Mark, detail: str, seconds: float | None = None) -> Step:
    """Return a line of the scorecard, written now."""
    return Step(name, mark, detail, clock.iso(clock.now()), None if seconds is None else max(seconds, 0.0))


def is_simulated(tx: Transaction, account_id: str) -> bool:
    """Whether an account leads to a simulator, into which a test alert can be put."""
    address = accounts.by_id(tx, account_id).api_url
    return is_loopback(httpx.URL(address).host) if address else False


def looks_protected(machine: Machine) -> bool:
    """Whether a host is one that no sound policy lets a playbook cut off: by a well-known tag, or a server of high value."""
    tagged = any(tag.casefold() in _PROTECTED for tag in machine.machine_tags)
    return tagged or (machine.device_value == "High" and is_server(machine.os_platform) is True)


def unready(tx: Transaction, drill: Drill, machine: Machine, seen: gathering.Live) -> str:
    """Say why a drill cannot begin with its device and the policy as they are; empty where it can."""
    held = service.live_on(tx, drill.account_id, machine.id)
    if held is not None:
        return f"{drill.machine_name} is held by containment {held.id} already; a drill begins with a free device."
    asked = gathering.Asked(organization_id=drill.organization_id, account_id=drill.account_id)
    facts = replace(gathering.facts(tx, asked, machine, seen), promoted=True)
    found = decide(policies.standing(tx, drill.organization_id, machine.rbac_group_name).effective.policy, facts)
    if found.outcome is not Outcome.DENIED:
        return ""
    said = (
        f"Policy would not let a playbook contain {drill.machine_name}, so nothing was tried. {' '.join(found.reasons)}"
    )
    return " ".join(unfit(facts)) or said


def judged(tx: Transaction, drill: Drill, machines: Iterable[Machine]) -> Step:
    """Show what policy says of hosts that must not be cut off. Nothing is asked for: a hole in it must not cost a host."""
    asked = gathering.Asked(organization_id=drill.organization_id, account_id=drill.account_id)
    refused: list[str] = []
    people: list[str] = []
    for machine in machines:
        stands = policies.standing(tx, drill.organization_id, machine.rbac_group_name)
        # Only what speaks for this host counts: a limit or the kill switch would refuse any other as well.
        policy = stands.effective.policy.model_copy(update={"frozen": False})
        facts = gathering.facts(tx, asked, machine, gathering.Live())
        found = decide(policy, replace(facts, promoted=True, lifted="This is only a question."))
        name, reasons = machine.computer_dns_name or machine.id, " ".join(found.reasons)
        match found.outcome:
            case Outcome.ALLOWED:
                said = f"{name} looks like a host that must not be cut off, and policy would not refuse it. {reasons}"
                return line(REFUSED, Mark.FAILED, said)
            case Outcome.ASK:
                people.append(f"{name} would be cut off only if people agree. {reasons}")
            case _:
                refused.append(f"{name} would be refused. {reasons}")
    if refused:
        return line(REFUSED, Mark.DONE, refused[0])
    if people:
        return line(REFUSED, Mark.WARNING, people[0])
    said = "No other host carries a protected tag or is a server of high value, so nothing was shown."
    return line(REFUSED, Mark.WARNING, said)


def alert_of(tx: Transaction, drill: Drill) -> tuple[str, datetime | None, datetime] | None:
    """Return the row's id of the test alert, and when Defender made it and we read it."""
    fresh = (
        alerts.c.organization_id == drill.organization_id,
        alerts.c.account_id == drill.account_id,
        alerts.c.machine_id == drill.machine_id,
        alerts.c.ingested_at >= drill.started_at,
        sa.or_(alerts.c.created_at.is_(None), alerts.c.created_at >= drill.started_at),
    )
    for row in tx.all(sa.select(alerts).where(*fresh).order_by(alerts.c.ingested_at, alerts.c.id)):
        alert = queue.get(tx, drill.organization_id, row["id"])
        document = {**queue.raw(tx, drill.organization_id, alert), "machineId": alert.machine_id, "title": alert.title}
        if is_test_alert(drill, document):
            return row["id"], row["created_at"], row["ingested_at"]
    return None


def containment(tx: Transaction, drill: Drill) -> Containment | None:
    """Return the containment that the drill's alert or run has led to: the one that is not over, else the newest."""
    every = _led_to(tx, drill)
    return next((each for each in every if not each.final), every[0] if every else None)


def stragglers(tx: Transaction, drill: Drill) -> list[Containment]:
    """Return the containments that the drill's alert has led to and that nobody has asked to release yet."""
    return [each for each in _led_to(tx, drill) if not each.final and each.release_requested_at is None]


def _led_to(tx: Transaction, drill: Drill) -> list[Containment]:
    alert_id = drill.alert_id
    if alert_id is None:
        found = alert_of(tx, drill)
        if found is None:
            return []
        alert_id = found[0]
    of_alert = sa.select(runs.c.id).where(runs.c.alert_id == alert_id)
    led_to = [containments.c.alert_id == alert_id, containments.c.run_id.in_(of_alert)]
    if drill.run_id is not None:
        led_to.append(containments.c.run_id == drill.run_id)
    query = (
        sa.select(containments.c.id)
        .where(containments.c.organization_id == drill.organization_id, sa.or_(*led_to))
        .where(sa.or_(containments.c.machine_id.is_(None), containments.c.machine_id == drill.machine_id))
        .order_by(containments.c.requested_at.desc(), containments.c.id.desc())
    )
    return [service.current(tx, row["id"]) for row in tx.all(query)]


def started(tx: Transaction, drill: Drill) -> bool:
    """Whether a run of the drill's playbook was started on its alert."""
    mine = (runs.c.alert_id == drill.alert_id, runs.c.organization_id == drill.organization_id)
    of_playbook = runs.c.playbook_id.in_(
        sa.select(playbooks.c.id).where(
            playbooks.c.organization_id == drill.organization_id, playbooks.c.name == drill.playbook
        )
    )
    return tx.one(sa.select(runs.c.id).where(*mine, of_playbook)) is not None


def succeeded(tx: Transaction, drill: Drill) -> bool:
    """Whether a later drill has begun on the device, whose business it is from then on."""
    later = (
        drills.c.organization_id == drill.organization_id,
        drills.c.machine_id == drill.machine_id,
        drills.c.started_at > drill.started_at,
    )
    return tx.one(sa.select(drills.c.id).where(*later)) is not None


def answered(tx: Transaction, found: Containment) -> str:
    """Return who has agreed to a containment, empty where nobody was asked."""
    asked = approvals.latest_for(tx, Subject.CONTAINMENT, found.id)
    return "" if asked is None else ", ".join(f"{each.by} ({each.via})" for each in asked.answers if each.yes)


def clocks(found: Containment) -> list[Step]:
    """Return the lines of a confirmed containment, each with the seconds since the one before."""

    def between(first: datetime | None, last: datetime | None) -> float | None:
        return (last - first).total_seconds() if first is not None and last is not None else None

    return [
        line("decided", Mark.DONE, "Policy allowed it.", between(found.requested_at, found.decided_at)),
        line("accepted", Mark.DONE, "Defender accepted it.", between(found.decided_at, found.accepted_at)),
        line("confirmed", Mark.DONE, "Defender confirmed it.", between(found.accepted_at, found.confirmed_at)),
    ]
