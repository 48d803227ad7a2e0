"""What is played: how a run comes about, how steps end that are not carried out, which way is held open. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ringfence.playbooks.mocks import Mock, Unfit, cases_of, mock_of
from ringfence.playbooks.model import ERROR, SUCCESS, DefenderAlertTrigger, Json, Playbook
from ringfence.playbooks.plan import ANY, OVER, REACHED, Plan, PlanStep
from ringfence.playbooks.triggers import ManualTrigger
from ringfence.simulator.documents import EVIDENCE_KEYS

MOST_TESTS: Final = 5
_BY_ITSELF: Final = (SUCCESS, ANY, REACHED, OVER, ERROR)
_MACHINE_ID: Final = re.compile(r"\b[0-9a-fA-F]{40}\b")
_LITERAL: Final = re.compile(r"'([^'`]{1,60})'")
_MOST_LITERALS: Final = 5
_MOST_EVIDENCE: Final = 200
_OF_ROWS: Final = ("type", "account", "alert_id", "version", "alert_version")
"""What a trigger says of rows that the disposable database does not have."""
_ALERT_FIELDS: Final = {
    "title": "title",
    "description": "description",
    "severity": "severity",
    "category": "category",
    "status": "status",
    "detectionSource": "detection_source",
    "investigationState": "investigation_state",
    "threatFamilyName": "threat_family",
    "threatName": "threat_name",
}


@dataclass(frozen=True, slots=True)
class Scene:
    """One way to play a version.

    `alert` are the fields of the alert that is raised, as the simulator takes them; None raises none. `trigger` is what the
    steps see beside it where the run is not started by the alert itself. `mocks` say how steps end that only read or tell,
    `forced` which outcome a decision has.
    """

    name: str
    alert: Mapping[str, Any] | None
    trigger: Mapping[str, Json] = field(default_factory=dict)
    mocks: Mapping[str, Mock] = field(default_factory=dict)
    forced: Mapping[str, str] = field(default_factory=dict)

    def held_open(self, plan: Plan, step: str) -> "Scene | None":
        """Give the scene in which every decision on the way to a step goes the way that leads there; None if it does so."""
        needed = {name: outcome for name, outcome in way_to(plan, step).items() if name not in self.forced}
        if not needed:
            return None
        return replace(self, name=f"{self.name}, the way to {step} held open", forced={**self.forced, **needed})


def scenes(playbook: Playbook, machine_id: str, machine_name: str) -> Iterator[Scene]:
    """Give the scenes of a playbook, the plainest first; machines that they name stand for the one that is played with."""
    pinned = {name: mock for name, step in playbook.steps.items() if (mock := _pinned(step)) is not None}
    trigger = playbook.trigger
    if isinstance(trigger, DefenderAlertTrigger):
        first = Scene("an alert made for its trigger", _made_for(trigger), mocks=pinned)
    else:
        given: dict[str, Json] = {"machine_id": machine_id}
        on: tuple[str, ...] = ()
        if isinstance(trigger, ManualTrigger):
            on = trigger.on
            given["input"] = {name: each.default or machine_name for name, each in trigger.inputs.items()}
        first = Scene("a start by hand", _PLAIN if "machine" not in on else None, trigger=given, mocks=pinned)
    yield first
    try:
        cases = cases_of(playbook)
    except Unfit:
        return
    for case in cases[:MOST_TESTS]:
        document = _with_machine(dict(case.trigger), machine_id, machine_name)
        assert isinstance(document, dict)
        alert = document.pop("alert", None)
        fields = {**(first.alert or _PLAIN), **_fields(alert)} if isinstance(alert, Mapping) else first.alert
        mocks = {
            name: mock.model_copy(update={"output": _with_machine(mock.output, machine_id, machine_name)})
            for name, mock in {**pinned, **case.mocks}.items()
        }
        yield Scene(f"its test {case.name!r}", fields, {**first.trigger, **document}, mocks)


def begun_with(playbook: Playbook, document: Mapping[str, Any], machine_id: str, machine_name: str) -> Scene:
    """Give the scene that begins with a trigger as a person chose it: its alert is raised anew, on the machine of the play."""
    first = next(scenes(playbook, machine_id, machine_name))
    moved = _with_machine(dict(document), machine_id, machine_name)
    assert isinstance(moved, dict)
    alert = moved.pop("alert", None)
    seen = {name: value for name, value in moved.items() if name not in _OF_ROWS}
    if not isinstance(alert, Mapping):
        return replace(first, name="a start that was chosen", trigger={**first.trigger, **seen})
    fields = {**(first.alert or _PLAIN), **_fields(alert), "evidence": _evidence(alert), "mitre": _techniques(alert)}
    return replace(first, name="an alert that was chosen", alert=fields, trigger={**first.trigger, **seen})


def way_to(plan: Plan, step: str) -> dict[str, str]:
    """Return, for the steps before one, the outcomes by which it is reached; the first way of those that there are."""
    every = {each.name: each for each in plan.every}
    needed: dict[str, str] = {}
    waiting, seen = [step], set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in every:
            continue
        seen.add(name)
        for before, outcome in _ways_in(every[name]):
            if outcome not in _BY_ITSELF and needed.setdefault(before, outcome) != outcome:
                continue
            waiting.append(before)
        if "/" in name:
            # What stands in a component is reached by going into it.
            waiting.append(f"{name.rpartition('/')[0]}/(inputs)")
        waiting += [
            each.name for each in plan.every if each.body is not None and name in {inner.name for inner in each.inner}
        ]
    return needed


def _ways_in(step: PlanStep) -> list[tuple[str, str]]:
    edges = [(edge.step, edge.outcome) for edge in (*step.after, *step.rescues)]
    return edges if step.join == "all" else edges[:1]


def _pinned(step: Any) -> Mock | None:
    try:
        return mock_of(step)
    except Unfit:
        return None


_PLAIN: Final[Mapping[str, Any]] = {
    "title": "Ransomware was detected",
    "severity": "High",
    "category": "Ransomware",
    "status": "New",
}


def _made_for(trigger: DefenderAlertTrigger) -> dict[str, Any]:
    made = dict(_PLAIN)
    for name in ("severity", "category", "status"):
        wanted = [str(each) for each in getattr(trigger, name) if str(each) != "All"]
        if wanted and made[name] not in wanted:
            made[name] = wanted[0]
    # What the condition looks for in a text is in the title, where most conditions look.
    found = _LITERAL.findall(trigger.where or "")[:_MOST_LITERALS]
    return made | {"title": " ".join([str(made["title"]), *found])}


def _fields(alert: Mapping[str, Any]) -> dict[str, Any]:
    return {ours: alert[theirs] for theirs, ours in _ALERT_FIELDS.items() if isinstance(alert.get(theirs), str)}


def _evidence(alert: Mapping[str, Any]) -> list[dict[str, str | int]]:
    """Keep of an alert's evidence what the simulator can show."""
    given = alert.get("evidence")
    pieces = [each for each in given if isinstance(each, Mapping)] if isinstance(given, list) else []
    kept = [
        {key: value for key, value in each.items() if key in EVIDENCE_KEYS and isinstance(value, str | int)}
        for each in pieces[:_MOST_EVIDENCE]
    ]
    return [each for each in kept if each.get("entityType")]


def _techniques(alert: Mapping[str, Any]) -> list[str]:
    given = alert.get("mitreTechniques")
    return [each for each in given if isinstance(each, str)][:50] if isinstance(given, list) else []


def _with_machine(value: Any, machine_id: str, machine_name: str) -> Any:
    match value:
        case str():
            return _MACHINE_ID.sub(machine_id, value)
        case Mapping():
            return {
                key: machine_name
                if key in ("computerDnsName", "machine_name")
                else machine_id
                if key in ("machineId", "machine_id")
                else _with_machine(inner, machine_id, machine_name)
                for key, inner in value.items()
            }
        case list() | tuple():
            return [_with_machine(each, machine_id, machine_name) for each in value]
        case _:
            return value
