"""A playbook over the stored alerts of the last days: what it would have started, and what that would have led to.

No call leaves: everything is read from rows, in one transaction. Triggers are judged as the poll judges them; the window of
runs that alerts join is taken to be as long as it can be.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from ringfence import clock
from ringfence.actions.catalogue import Catalogue
from ringfence.alerts.transitions import Change
from ringfence.containment.handled import handled
from ringfence.errors import Invalid
from ringfence.organizations.model import Organization
from ringfence.playbooks.durations import Duration
from ringfence.playbooks.model import DefenderAlertTrigger
from ringfence.playbooks.problems import Problem
from ringfence.rehearsals.desk import made_ready
from ringfence.rehearsals.past import Document, Mention, Past
from ringfence.rehearsals.piece import Piece
from ringfence.rehearsals.reaching import Reached, containing, reach
from ringfence.rehearsals.scene import rehearsed
from ringfence.rehearsals.storm import Asked, Host, Storm, Tripped
from ringfence.rehearsals.turns import Turns
from ringfence.storage import Transaction
from ringfence.triggers import defender
from ringfence.triggers.base import Verdict
from ringfence.triggers.needs import missing, needs
from ringfence.triggers.why import reason_for

LONGEST: Final = 366
"""The most days that a backtest goes back."""
SHOWN: Final = 500
_BEFORE_THE_DOCUMENT: Final = frozenset({Verdict.LATE, Verdict.OWN, Verdict.ACCOUNT, Verdict.CHANGES})


@dataclass(frozen=True, slots=True)
class Start:
    """A run that would have been started, by which version of which alert; `joined` others would have joined it."""

    at: datetime
    alert_id: str
    name: str
    title: str
    machine: str | None
    version: int
    why: str
    awaited: bool
    joined: int = 0


@dataclass(slots=True)
class NotStarted:
    """Why versions would have started nothing: the verdict, as the ledger names it, with one alert as an example."""

    verdict: str
    condition: str | None
    count: int
    example: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class Backtest:
    """What would have come of it; lists hold the newest SHOWN starts and the first SHOWN hosts, counts are of all.

    `contained` counts hosts that policy would have let be cut off at once, `asked` those about which people would have
    been asked.
    """

    playbook: str
    since: datetime
    until: datetime
    alerts: int
    versions: int
    started: int
    joined: int
    starts: tuple[Start, ...]
    not_started: tuple[NotStarted, ...]
    contained: int
    asked: int
    denied: int
    unknown: int
    hosts: tuple[Host, ...]
    brakes: tuple[Tripped, ...]
    notes: tuple[str, ...]
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class _Run:
    mention: Mention
    machine: str | None
    awaited: bool
    joined: int = 0


@dataclass(slots=True)
class _Told:
    """What came of the versions, one after the other."""

    runs: list[_Run] = field(default_factory=list)
    joined: int = 0
    reasons: dict[Verdict, NotStarted] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)


Watch = Callable[[int, int], None]
"""Told how many of how many versions are judged; what it raises breaks the backtest off."""
_OFTEN: Final = 100


def checked(
    tx: Transaction, organization_id: str, text: str, catalogue: Catalogue, *, days: int, path: str = "playbook"
) -> tuple[Piece, DefenderAlertTrigger, tuple[Problem, ...]]:
    """Make a playbook ready to be tested; Invalid for one with errors, or one that no alert starts."""
    if not 1 <= days <= LONGEST:
        raise Invalid(f"A backtest cannot go back {days} days.", advice=f"Take from 1 to {LONGEST} days.")
    piece, problems = made_ready(tx, organization_id, text, catalogue, path)
    trigger = piece.playbook.trigger
    if not isinstance(trigger, DefenderAlertTrigger):
        raise Invalid(
            f"A backtest goes over stored alerts, and this playbook is started by {trigger.type}.",
            advice="Try it with `ringfence playbook dry-run --document FILE`, or by its `tests`.",
        )
    return piece, trigger, problems


def backtest(
    tx: Transaction,
    organization: Organization,
    text: str,
    catalogue: Catalogue,
    *,
    days: int,
    path: str = "playbook",
    watch: Watch = lambda done, total: None,
) -> Backtest:
    """Go over the last `days`; Invalid for a playbook with errors, or one that no alert starts."""
    piece, trigger, problems = checked(tx, organization.id, text, catalogue, days=days, path=path)
    until = clock.now()
    since = until - timedelta(days=days)
    past = Past(tx, organization.id)
    mentions = past.versions(since)
    turns = Turns(piece.plan.limits, past.usual_length(piece.playbook.name) if piece.plan.limits else None)
    told = asyncio.run(_Tester(past, piece, trigger, organization, turns, watch).test(mentions))
    storm = Storm(past.policy, past.hosts(), playbook=piece.playbook.name, fleet=past.fleet)
    for asked in sorted(told.asked, key=lambda one: one.at):
        storm.ask(asked)
    hosts = storm.hosts
    return Backtest(
        playbook=piece.playbook.name,
        since=since,
        until=until,
        alerts=len({each.alert_id for each in mentions}),
        versions=len(mentions),
        started=len(told.runs),
        joined=told.joined,
        starts=tuple(_start(each, trigger) for each in reversed(told.runs[-SHOWN:])),
        not_started=tuple(sorted(told.reasons.values(), key=lambda each: -each.count)),
        contained=sum("allowed" in host.outcomes for host in hosts),
        asked=sum("ask" in host.outcomes and "allowed" not in host.outcomes for host in hosts),
        denied=sum(host.outcomes.get("denied", 0) for host in hosts),
        unknown=sum(host.outcomes.get("unknown", 0) for host in hosts),
        hosts=tuple(hosts[:SHOWN]),
        brakes=tuple(storm.brakes),
        notes=(*_notes(piece, hosts), *turns.notes()),
        problems=problems,
    )


class _Tester:
    def __init__(
        self,
        past: Past,
        piece: Piece,
        trigger: DefenderAlertTrigger,
        organization: Organization,
        turns: Turns,
        watch: Watch,
    ) -> None:
        self._turns = turns
        self._watch = watch
        self._past = past
        self._piece = piece
        self._trigger = trigger
        self._plain = trigger.model_copy(update={"where": None})
        self._organization = organization
        self._goals = containing(piece.plan)
        self._needed = needs(piece.playbook)
        self._windows: dict[str, _Run] = {}
        self._told = _Told()

    async def test(self, mentions: list[Mention]) -> _Told:
        wanted: list[Mention] = []
        for each in mentions:
            # Most are out for what is known without the document, which is what costs.
            services = self._past.services(each)
            bare = defender.Event(each.named or {}, each.changes, each.account, each.standing, services=services)
            verdict = defender.decide(self._plain, bare)
            if verdict in _BEFORE_THE_DOCUMENT or (each.named is not None and verdict is not Verdict.STARTED):
                self._not_started(each, verdict, bare)
            else:
                wanted.append(each)
        done = len(mentions) - len(wanted)
        for number, (each, document) in enumerate(self._past.documents(wanted)):
            if number % _OFTEN == 0:
                self._watch(done + number, len(mentions))
            event = defender.Event(
                document.form, each.changes, each.account, each.standing, document.raw, self._past.services(each)
            )
            verdict = defender.decide(self._trigger, event)
            if verdict is not Verdict.STARTED:
                self._not_started(each, verdict, event)
            elif not self._joins(each, document):
                begin = self._turns.take(each.seen_at, document.form.get("machineId"))
                if begin is not None:
                    await self._reach(each, document, begin)
        return self._told

    def _joins(self, mention: Mention, document: Document) -> bool:
        shared = defender.folds_by(self._trigger, document.form)
        key = f"{mention.account_id}:{shared}" if shared is not None else None
        run = self._windows.get(key) if key is not None else None
        if run is not None and mention.seen_at < run.mention.seen_at + self._trigger.window.timedelta:
            run.joined += 1
            self._told.joined += 1
            return True
        machine = document.form.get("computerDnsName") or document.form.get("machineId")
        awaited = Change.CREATED in mention.changes and bool(missing(self._needed, document.form))
        made = _Run(mention, machine if isinstance(machine, str) else None, awaited)
        self._told.runs.append(made)
        if key is not None:
            self._windows[key] = made
        return False

    def _not_started(self, mention: Mention, verdict: Verdict, event: defender.Event) -> None:
        known = self._told.reasons.get(verdict)
        if known is not None:
            known.count += 1
            return
        reason = reason_for(verdict, defender.match(self._trigger, event), self._trigger)
        self._told.reasons[verdict] = NotStarted(verdict.word, verdict.field, 1, mention.name, mention.title, reason)

    async def _reach(self, mention: Mention, document: Document, begin: datetime) -> None:
        """Keep the containments that a run which began then would have come to."""
        trigger = self._trigger
        run = rehearsed(
            self._piece.playbook.name,
            {
                "type": trigger.type,
                "account": mention.account,
                "service": trigger.service,
                "change": defender.chosen(trigger, mention.changes).value,
                "changes": [change.value for change in mention.changes],
                "alert_id": mention.alert_id,
                "version": mention.version,
            },
            now=begin,
            organization_id=self._organization.id,
            organization_name=self._organization.name,
            account_id=mention.account_id,
            alert=document.raw,
            alert_source=document.source,
            alert_id=mention.alert_id,
        )
        for goal in self._goals:
            for reached in await reach(self._piece, run, goal):
                self._told.asked.append(_wish(self._past, mention, document.form, reached))


def _wish(past: Past, mention: Mention, form: Mapping[str, Any], reached: Reached) -> Asked:
    machine = reached.machine
    own = machine is not None and machine.casefold() in (
        str(form.get("machineId") or "").casefold(),
        str(form.get("computerDnsName") or "").casefold(),
    )
    machine_id = str(form.get("machineId") or machine) if own else machine
    name, group = (form.get("computerDnsName"), form.get("rbacGroupName")) if own else (machine, None)
    device_group = group if isinstance(group, str) else None
    return Asked(
        at=reached.at,
        machine=machine_id,
        name=name if isinstance(name, str) else None,
        device_group=device_group,
        alert_id=mention.alert_id,
        step=reached.step,
        conditions=reached.conditions,
        auto_release=_seconds(reached.inputs.get("auto_release")),
        handled=handled(form, machine_id) if machine_id is not None else "",
        promoted=past.policy(device_group).incident_required and past.promoted(mention.alert_id),
    )


def _seconds(given: object) -> float | None:
    try:
        return Duration.parse(given).seconds if isinstance(given, str) else None
    except ValueError:
        return None


def _start(run: _Run, trigger: DefenderAlertTrigger) -> Start:
    mention = run.mention
    return Start(
        at=mention.seen_at,
        alert_id=mention.alert_id,
        name=mention.name,
        title=mention.title,
        machine=run.machine,
        version=mention.version,
        why=f"It was {defender.spoken(defender.chosen(trigger, mention.changes))}, and every condition holds.",
        awaited=run.awaited,
        joined=run.joined,
    )


def _notes(piece: Piece, hosts: list[Host]) -> Iterator[str]:
    if not containing(piece.plan):
        yield "The playbook contains no host."
    if any(host.assumed for host in hosts):
        yield (
            "Of some hosts nothing is stored but the alert: they count as ordinary, onboarded workstations without tags. "
            "Marked in the list; policy may say otherwise about them."
        )
    if any(host.conditions for host in hosts):
        yield "What steps would have read, and people would have said, is not known: hosts are listed with what had to come true."
    if any(host.outcome == "unknown" for host in hosts):
        yield "Some containments name a host that only a run would have known."
    if hosts:
        yield "Limits count the containments of this backtest alone, by the policy of today."
