"""What policy would have said about containments of the past, one after the other, with the brakes that would have tripped.

Pure but for the policies, which are asked for by device group. Counts are of the backtest's own containments only. A host of
which nothing is known counts as an ordinary, onboarded workstation, and is marked.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from ringfence.containment.policy import Policy
from ringfence.containment.verdict import Facts, Outcome, Verdict, decide

_HOUR: Final = timedelta(hours=1)
JOINED: Final = "joined"
UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Asked:
    """A containment that a run would have asked for; `machine` is None where only the run would have known the host."""

    at: datetime
    machine: str | None
    name: str | None
    device_group: str | None
    alert_id: str
    step: str
    conditions: tuple[str, ...]
    auto_release: float | None
    handled: str = ""
    promoted: bool = False


@dataclass(slots=True)
class Host:
    """What would have become of one host: `outcomes` counts verdicts, `joined` where it was held already.

    `outcome` and `reasons` are those of the first time, `conditions` what had to come true for it. `assumed`: nothing was
    known of it, and it counted as an ordinary workstation.
    """

    machine: str | None
    name: str | None
    device_group: str | None
    first_at: datetime
    alert_id: str
    step: str
    outcome: str
    reasons: tuple[str, ...]
    conditions: tuple[str, ...]
    assumed: bool
    outcomes: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Tripped:
    """A limit that would have been reached: when, in which words, how many containments it would have refused, until when."""

    limit: str
    subject: str
    at: datetime
    sentence: str
    refused: int = 0
    until: datetime | None = None


class Storm:
    """Judges containments in the order of time."""

    def __init__(
        self,
        policy: Callable[[str | None], Policy],
        known: Mapping[str, Mapping[str, Any]],
        *,
        playbook: str,
        fleet: int | None,
    ) -> None:
        self._policy = policy
        self._known = known
        self._playbook = playbook
        self._fleet = fleet
        self._decided: deque[tuple[datetime, str | None]] = deque()
        self._held: dict[str, datetime | None] = {}
        self._brakes: dict[str, Tripped] = {}
        self._hosts: dict[str, Host] = {}
        self.brakes: list[Tripped] = []

    @property
    def hosts(self) -> list[Host]:
        """The hosts in the order in which they were first asked for."""
        return list(self._hosts.values())

    def ask(self, asked: Asked) -> None:
        """Judge one containment; those before it must have been earlier."""
        if asked.machine is None:
            self._note(asked, UNKNOWN, ("Only a run would have known the host.",), assumed=False)
            return
        machine, at = asked.machine.casefold(), asked.at
        self._pass(at)
        if machine in self._held:
            self._note(asked, JOINED, (), assumed=False)
            return
        facts, assumed = self._facts(asked, machine)
        policy = self._policy(facts.device_group)
        verdict = decide(policy, facts)
        self._brake(verdict, at)
        if verdict.outcome in (Outcome.ALLOWED, Outcome.ASK):
            self._decided.append((at, facts.device_group))
            hold = policy.hold_for(asked.auto_release)
            self._held[machine] = at + timedelta(seconds=hold) if hold is not None else None
        self._note(asked, verdict.outcome.value, verdict.reasons, assumed=assumed)

    def _pass(self, at: datetime) -> None:
        while self._decided and self._decided[0][0] <= at - _HOUR:
            self._decided.popleft()
        for machine in [each for each, until in self._held.items() if until is not None and until <= at]:
            del self._held[machine]

    def _facts(self, asked: Asked, machine: str) -> tuple[Facts, bool]:
        known = self._known.get(machine)
        seen: Mapping[str, Any] = known or {}
        group = asked.device_group or seen.get("device_group")
        tags = seen.get("tags")
        facts = Facts(
            machine_id=machine,
            name=asked.name or seen.get("name"),
            tags=tuple(tags) if isinstance(tags, list) else (),
            os_platform=seen.get("os_platform") or _ORDINARY,
            onboarding_status=seen.get("onboarding_status") or "Onboarded",
            health_status=None,
            last_seen=None,
            excluded=bool(seen.get("excluded")),
            merged_into=None,
            decided_last_hour=len(self._decided),
            device_group=group,
            device_value=seen.get("device_value"),
            domain_admin=bool(seen.get("domain_admin")),
            unseen_seconds=0.0,
            promoted=asked.promoted,
            playbook=self._playbook,
            decided_for_playbook=len(self._decided),
            decided_in_group=sum(each == group for _, each in self._decided),
            held_now=len(self._held),
            fleet=self._fleet,
            tripped=tuple(self._brakes),
            handled=asked.handled,
        )
        return facts, known is None

    def _brake(self, verdict: Verdict, at: datetime) -> None:
        for each in verdict.brakes:
            tripped = self._brakes.get(each.key)
            if tripped is None:
                tripped = self._brakes[each.key] = Tripped(each.limit.value, each.subject, at, each.sentence)
                self.brakes.append(tripped)
            tripped.refused += 1
        if verdict.outcome in (Outcome.ALLOWED, Outcome.ASK):
            # What passes shows that no limit holds any more.
            for tripped in self._brakes.values():
                tripped.until = at
            self._brakes.clear()

    def _note(self, asked: Asked, outcome: str, reasons: tuple[str, ...], *, assumed: bool) -> None:
        key = asked.machine.casefold() if asked.machine is not None else ""
        host = self._hosts.get(key)
        if host is None:
            host = self._hosts[key] = Host(
                asked.machine,
                asked.name if asked.machine is not None else None,
                asked.device_group,
                asked.at,
                asked.alert_id,
                asked.step,
                outcome,
                reasons,
                asked.conditions,
                assumed,
            )
        host.outcomes[outcome] = host.outcomes.get(outcome, 0) + 1


_ORDINARY: Final = "Windows11"
