"""Whether the steps lead to each other in a way that can happen."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import TypeAlias

from ringfence.playbooks.checks.base import Check, Subject, example
from ringfence.playbooks.document import Path
from ringfence.playbooks.graph import DONE, EACH, circles, follows, ordered
from ringfence.playbooks.model import ERROR, SUCCESS, ActionInfo
from ringfence.playbooks.problems import Problem

Facts: TypeAlias = frozenset[tuple[str, str]]
_ANY = "*"


class UnknownStep(Check):
    """`after` or `on_error` names a step that does not exist."""

    code = "unknown-step"
    example = example("one: {action: logic.set, with: {values: {}}, after: two}")

    def find(self, subject: Subject) -> Iterator[Problem]:
        steps = subject.playbook.steps
        for name, step in steps.items():
            named: list[tuple[Path, str]] = []
            named.extend(
                (("steps", name, "after", at), one.step) for at, one in enumerate(follows(subject.playbook, name))
            )
            if step.on_error is not None:
                named.append((("steps", name, "on_error"), step.on_error))
            for path, other in named:
                if other not in steps:
                    near = get_close_matches(other, steps, 1)
                    advice = f"Did you mean {near[0]!r}?" if near else "Name a step of this playbook."
                    yield self.problem(subject, f"There is no step {other[:70]!r}.", path, advice=advice)


class UnknownOutcome(Check):
    """`after` names an outcome that the action of that step does not have."""

    code = "unknown-outcome"
    example = example(
        "one: {action: logic.condition, with: {test: trigger.alert}}\n"
        "two: {action: logic.set, with: {values: {}}, after: one.maybe}"
    )

    def find(self, subject: Subject) -> Iterator[Problem]:
        for name in subject.playbook.steps:
            for at, follow in enumerate(follows(subject.playbook, name)):
                action = subject.actions.get(follow.step)
                if action is None or follow.outcome is None:
                    continue
                outcomes = (*_branches(subject, follow.step, action), *action.outcomes, ERROR)
                if subject.playbook.steps[follow.step].for_each is not None:
                    outcomes = (EACH, DONE, *outcomes)
                if follow.outcome in outcomes:
                    continue
                message = f"{action.id} has no outcome {follow.outcome[:60]!r}."
                advice = f"It has: {', '.join(outcomes)}."
                yield self.problem(subject, message, ("steps", name, "after", at), advice=advice)


def _branches(subject: Subject, step: str, action: ActionInfo) -> tuple[str, ...]:
    """List the outcomes that the step's author made."""
    made = subject.playbook.steps[step].with_.get(action.branches)
    return tuple(made) if isinstance(made, dict) else ()


class Circle(Check):
    """Steps wait for each other, so that none of them can begin."""

    code = "circle"
    example = example(
        "one: {action: logic.set, with: {values: {}}, after: two}\n"
        "two: {action: logic.set, with: {values: {}}, after: one}"
    )

    def find(self, subject: Subject) -> Iterator[Problem]:
        for group in circles(subject.before):
            said = f"{group[0]} waits for itself" if len(group) == 1 else f"{', '.join(group)} wait for each other"
            advice = "Remove one of the `after` or `on_error` entries between them."
            yield self.problem(subject, f"{said}.", ("steps", group[0], "after"), advice=advice)


class UnreachableStep(Check):
    """A step can never run, because it needs two different outcomes of one step at once."""

    code = "unreachable-step"
    example = example(
        "one: {action: logic.condition, with: {test: trigger.alert}}\n"
        "two: {action: logic.set, with: {values: {}}, after: [one.yes, one.no]}"
    )

    def find(self, subject: Subject) -> Iterator[Problem]:
        possible: dict[str, Facts | None] = {}
        order = ordered(subject.before)
        for name in order:
            possible[name] = self._facts(subject, name, possible)
        for name in order:
            above = (possible.get(other) for other in subject.before[name])
            if possible[name] is None and (not subject.before[name] or any(facts is not None for facts in above)):
                advice = "Use `join: any` if one of them is enough."
                message = "This step can never run: what it comes after cannot all happen in one run."
                yield self.problem(subject, message, ("steps", name, "after"), advice=advice)

    def _facts(self, subject: Subject, name: str, possible: dict[str, Facts | None]) -> Facts | None:
        """Give what has certainly happened when the step runs, or None if that cannot be."""
        step = subject.playbook.steps[name]
        ways: list[Facts | None] = []
        edges = [self._edge(subject, one.step, one.outcome, possible) for one in follows(subject.playbook, name)]
        if edges and step.join == "all":
            ways.append(None if None in edges else frozenset().union(*(edge for edge in edges if edge is not None)))
        else:
            ways.extend(edges)
        rescued = [other for other, one in subject.playbook.steps.items() if one.on_error == name]
        ways.extend(self._edge(subject, other, ERROR, possible) for other in rescued)
        if not ways:
            return frozenset()
        open_ways = [facts for facts in ways if facts is not None and not _contradicts(facts)]
        return frozenset.intersection(*open_ways) if open_ways else None

    def _edge(
        self, subject: Subject, step: str, outcome: str | None, possible: dict[str, Facts | None]
    ) -> Facts | None:
        facts = possible.get(step, frozenset())
        action = subject.actions.get(step)
        usual = SUCCESS if action is None or SUCCESS in action.outcomes else _ANY
        loop = step in subject.playbook.steps and subject.playbook.steps[step].for_each is not None
        if loop and outcome in (None, EACH, DONE):
            outcome = _ANY
        return None if facts is None else facts | {(step, outcome or usual)}


def _contradicts(facts: Facts) -> bool:
    outcomes: dict[str, set[str]] = {}
    for step, outcome in facts:
        outcomes.setdefault(step, set()).add(outcome)
    return any(len(found - {_ANY}) > 1 or found >= {_ANY, ERROR} for found in outcomes.values())
