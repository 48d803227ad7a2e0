"""The tests that a playbook brings along (`tests:`), carried out: no step reaches outside, and waits pass at once.

A step that only computes is carried out. Any other ends as the test's `mocks` or its own `mock` say. Without one, a step that
reads leaves the test undecided, since nobody knows what it would have read; one that acts ends with the outcome that its
action names first and without an output.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from ringfence.actions import Json
from ringfence.alerts.transitions import Change
from ringfence.playbooks.calls import CALL
from ringfence.playbooks.graph import Follow
from ringfence.playbooks.mocks import Case
from ringfence.playbooks.model import ERROR, SUCCESS, DefenderAlertTrigger, Effect
from ringfence.playbooks.triggers import ChangeTrigger, MailboxTrigger, ServiceTrigger, WebhookTrigger
from ringfence.rehearsals.performing import Ended, Turn, carry_out, pinned, unfit
from ringfence.rehearsals.piece import Piece
from ringfence.rehearsals.report import How, Report
from ringfence.rehearsals.scene import rehearsed
from ringfence.rehearsals.walk import walk
from ringfence.triggers import defender
from ringfence.triggers.base import Match
from ringfence.triggers.condition import where

_USUAL_MOMENT: Final = datetime(2026, 1, 5, 12, tzinfo=UTC)
_LONGEST_VALUE: Final = 200


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that was not as expected: `what` it is about, and both sides as texts."""

    what: str
    expected: str
    got: str


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How one test ended: passed if there are no differences and nothing kept it from being decided (`undecided`)."""

    name: str
    number: int
    differences: tuple[Difference, ...] = ()
    undecided: str = ""
    report: Report | None = None

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.differences and not self.undecided


class _Undecided(Exception):
    pass


class _Player:
    """Ends steps as a test says."""

    def __init__(self, piece: Piece) -> None:
        self._mocks = piece.mocks

    async def perform(self, turn: Turn) -> Ended:
        mock = self._mocks.get(turn.planned.name)
        if mock is not None:
            return await pinned(turn, mock)
        if turn.action.id == CALL:
            raise _Undecided(
                f"Step {turn.planned.name} calls a component that is not at hand. Name the component's file too, "
                f"or say what it gives: mocks: {{{turn.planned.name}: {{output: …}}}}."
            )
        if turn.action.effect is Effect.PURE:
            return await carry_out(turn, How.COMPUTED)
        if turn.action.effect is Effect.READ:
            raise _Undecided(
                f"Step {turn.planned.name} would read ({turn.action.id}), and a test reads nothing. "
                f"Say what it finds: mocks: {{{turn.planned.name}: {{output: …}}}}."
            )
        fault = unfit(turn.action, turn.inputs)
        return Ended(How.DESCRIBED, turn.action.outcomes[0], error=fault)


async def play(piece: Piece, case: Case, number: int = 1) -> CaseResult:
    """Carry out one test; raises nothing for what is in it."""
    given = dict(case.trigger)
    wanted = case.expect
    differences: list[Difference] = []
    if wanted.starts is not None:
        match = would_start(piece, given)
        if match.matched is not wanted.starts:
            said = ("starts" if match.matched else "does not start", "to start" if wanted.starts else "not to start")
            differences.append(Difference("the trigger", said[1], f"{said[0]}: {match.reason}"))
        if not wanted.starts:
            return CaseResult(case.name, number, tuple(differences))
    alert = given.pop("alert", None)
    if alert is not None and not isinstance(alert, Mapping):
        return CaseResult(case.name, number, undecided="`trigger.alert` is not a mapping.")
    trigger = {"type": piece.playbook.trigger.type, **given}
    run = rehearsed(piece.plan.name, trigger, now=case.now or _USUAL_MOMENT, alert=alert)
    try:
        piece = piece.pinned(case.mocks)
        report = await walk(piece, run, _Player(piece))
    except _Undecided as error:
        return CaseResult(case.name, number, tuple(differences), str(error))
    differences.extend(_compared(piece, case, report))
    return CaseResult(case.name, number, tuple(differences), report=report)


def would_start(piece: Piece, given: Mapping[str, Any]) -> Match:
    """Ask the trigger whether it starts, given what a test says came; for alerts `changes` defaults to `created`."""
    trigger = piece.playbook.trigger
    if isinstance(trigger, DefenderAlertTrigger):
        alert = given.get("alert")
        changes = tuple(Change(each) for each in _changes(given) if each in tuple(Change)) or (Change.CREATED,)
        account = str(given.get("account") or trigger.account or "contoso")
        services = (trigger.service,) if trigger.service is not None else None
        event = defender.Event(alert if isinstance(alert, Mapping) else {}, changes, account, services=services)
        return defender.match(trigger, event)
    if (
        isinstance(trigger, WebhookTrigger | MailboxTrigger | ServiceTrigger | ChangeTrigger)
        and trigger.where is not None
    ):
        return Match((where(trigger.where, {"type": trigger.type, **given}, "event"),))
    return Match(())


def _changes(given: Mapping[str, Any]) -> list[Any]:
    found = given.get("changes", given.get("change", ()))
    return [found] if isinstance(found, str) else list(found) if isinstance(found, list) else []


def _compared(piece: Piece, case: Case, report: Report) -> Iterator[Difference]:
    wanted = case.expect
    if wanted.status is not None and wanted.status != report.status:
        why = f": {report.error}" if report.error else ""
        yield Difference("the run", wanted.status, f"{report.status}{why}")
    named = {Follow.parse(entry).step for entry in wanted.ran}
    for entry in wanted.ran:
        yield from _ran(piece, Follow.parse(entry), report)
    for name in wanted.skipped:
        if any(step.status != "skipped" for step in report.every(name)):
            yield Difference(f"step {name}", "skipped", _ended(report, name))
    if wanted.only:
        for name in dict.fromkeys(step.step for step in report.steps if step.status != "skipped"):
            if name not in named:
                yield Difference(f"step {name}", "skipped, since `only` the named ones may run", _ended(report, name))
    for name, attempts in wanted.attempts.items():
        tried = [step.attempts for step in report.every(name) if step.status != "skipped"]
        if attempts not in tried:
            got = " or ".join(str(each) for each in dict.fromkeys(tried)) or "the step was skipped"
            yield Difference(f"the attempts of {name}", str(attempts), got)
    for name, inputs in wanted.inputs.items():
        yield from _inputs(report, name, inputs)
    for name, output in wanted.outputs.items():
        found = report.every(name)
        if not any(same(step.output, output) for step in found):
            got = " or ".join(shown(step.output) for step in found[:3]) or "the step was skipped"
            yield Difference(f"the output of {name}", shown(output), got)


def _ran(piece: Piece, follow: Follow, report: Report) -> Iterator[Difference]:
    usual = SUCCESS if SUCCESS in piece.actions[follow.step].outcomes else None
    if piece.playbook.steps[follow.step].for_each is not None:
        usual = None
    outcome = follow.outcome or usual
    found = [step for step in report.every(follow.step) if step.status != "skipped"]
    if not any(outcome is None or step.end == outcome for step in found):
        expected = "run" if outcome is None else "error" if outcome == ERROR else f"run with {outcome}"
        yield Difference(f"step {follow.step}", expected, _ended(report, follow.step))


def _inputs(report: Report, name: str, wanted: Mapping[str, Json]) -> Iterator[Difference]:
    """Compare the inputs of a step; of one that was there several times, those that come closest."""
    found: list[list[Difference]] = []
    for step in report.every(name):
        if isinstance(step.input, dict) and step.status != "skipped":
            found.append(list(_fields(name, wanted, step.input)))
    if not found:
        yield Difference(f"the inputs of {name}", "given", "the step was skipped")
        return
    yield from min(found, key=len)


def _fields(name: str, wanted: Mapping[str, Json], given: Mapping[str, Json]) -> Iterator[Difference]:
    for field, value in wanted.items():
        if field not in given:
            yield Difference(f"the input {field} of {name}", shown(value), "not given")
        elif not same(given[field], value):
            yield Difference(f"the input {field} of {name}", shown(value), shown(given[field]))


def _ended(report: Report, name: str) -> str:
    ends = []
    for step in report.every(name):
        if step.status == "failed":
            ends.append(f"error: {step.error}")
        elif step.status != "skipped":
            ends.append(f"run with {step.outcome}")
    return " and ".join(dict.fromkeys(ends)) or "skipped"


def same(one: Json, other: Json) -> bool:
    """Tell whether two JSON values say the same; true and 1 do not."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def shown(value: Json) -> str:
    """Write a value for people, shortened."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
