"""Whether `mock` and `tests` fit the playbook that they stand in."""

from collections.abc import Iterator
from difflib import get_close_matches

from ringfence.playbooks.checks.base import Check, Subject, example
from ringfence.playbooks.document import Path
from ringfence.playbooks.graph import Follow
from ringfence.playbooks.mocks import Case, Mock, Unfit, cases_of, mock_of
from ringfence.playbooks.model import ERROR, Step
from ringfence.playbooks.problems import Problem, Severity

_SET = "one: {action: logic.set, with: {values: {}}"


class BadMock(Check):
    """A step's `mock` is not written as one, or names an outcome that the step's action does not have."""

    code = "bad-mock"
    example = example(f"{_SET}, mock: {{}}}}")

    def find(self, subject: Subject) -> Iterator[Problem]:
        for name, step in subject.playbook.steps.items():
            path: Path = ("steps", name, "mock")
            try:
                mock = mock_of(step)
            except Unfit as error:
                for below, said in error.faults:
                    yield self.problem(subject, said, (*path, *below), advice=_HOW)
                continue
            if mock is not None:
                yield from _outcome(self, subject, name, mock, path)


_HOW = "Write mock: {output: …}, mock: {outcome: …} or mock: {error: …, code: …}."


class MockedStep(Check):
    """A step has a `mock`. Runs never use it; tests and dry runs do, and show what nobody has seen happen."""

    code = "mocked-step"
    severity = Severity.WARNING
    example = example(f"{_SET}, mock: {{output: {{}}}}}}")

    def find(self, subject: Subject) -> Iterator[Problem]:
        for name, step in subject.playbook.steps.items():
            if step.mock is not None and _is_fit(step):
                message = f"Step {name!r} has a `mock`: rehearsals use it, runs carry the step out."
                advice = "Move it to the `mocks` of a test, or remove it before you publish."
                yield self.problem(subject, message, ("steps", name, "mock"), advice=advice, of_key=True)


def _is_fit(step: Step) -> bool:
    try:
        return mock_of(step) is not None
    except Unfit:
        return False


class BadTest(Check):
    """One of the playbook's `tests` is not written as one, or names a step or an outcome that does not exist."""

    code = "bad-test"
    example = example(f"{_SET}}}", extra="tests: [{name: One, expect: {ran: two}}]\n")

    def find(self, subject: Subject) -> Iterator[Problem]:
        try:
            cases = cases_of(subject.playbook)
        except Unfit as error:
            for below, said in error.faults:
                yield self.problem(subject, said, ("tests", *below), advice="docs/playbooks.md shows a test.")
            return
        seen: set[str] = set()
        for at, case in enumerate(cases):
            if case.name in seen:
                message = f"There are two tests named {case.name[:60]!r}."
                yield self.problem(subject, message, ("tests", at, "name"), advice="Give each a name of its own.")
            seen.add(case.name)
            yield from self._case(subject, case, ("tests", at))

    def _case(self, subject: Subject, case: Case, path: Path) -> Iterator[Problem]:
        for name, mock in case.mocks.items():
            at: Path = (*path, "mocks", name)
            if name in subject.playbook.steps:
                yield from _outcome(self, subject, name, mock, at)
            else:
                yield self._unknown(subject, name, at)
        expect = case.expect
        for field, entries in (("ran", expect.ran), ("skipped", expect.skipped)):
            for entry in entries:
                follow = Follow.parse(entry)
                if follow.step not in subject.playbook.steps:
                    yield self._unknown(subject, follow.step, (*path, "expect", field))
                elif follow.outcome is not None and follow.outcome not in (*_outcomes(subject, follow.step), ERROR):
                    yield self._no_outcome(subject, follow.step, follow.outcome, (*path, "expect", field))
        about = (("attempts", expect.attempts), ("inputs", expect.inputs), ("outputs", expect.outputs))
        for field, named in about:
            for name in named:
                if name not in subject.playbook.steps:
                    yield self._unknown(subject, name, (*path, "expect", field, name))

    def _unknown(self, subject: Subject, name: str, path: Path) -> Problem:
        near = get_close_matches(name, subject.playbook.steps, 1)
        advice = f"Did you mean {near[0]!r}?" if near else "Name a step of this playbook."
        return self.problem(subject, f"There is no step {name[:70]!r}.", path, advice=advice)

    def _no_outcome(self, subject: Subject, step: str, outcome: str, path: Path) -> Problem:
        return _no_outcome(self, subject, step, outcome, path)


def _outcome(check: Check, subject: Subject, step: str, mock: Mock, path: Path) -> Iterator[Problem]:
    if mock.outcome is not None and mock.outcome not in _outcomes(subject, step):
        yield _no_outcome(check, subject, step, mock.outcome, (*path, "outcome"))


def _no_outcome(check: Check, subject: Subject, step: str, outcome: str, path: Path) -> Problem:
    advice = f"It has: {', '.join(_outcomes(subject, step))}."
    return check.problem(subject, f"Step {step!r} has no outcome {outcome[:60]!r}.", path, advice=advice)


def _outcomes(subject: Subject, step: str) -> tuple[str, ...]:
    """List how a step can succeed, with the outcomes that its author made; none where its action is not known."""
    action = subject.actions.get(step)
    if action is None:
        return ()
    made = subject.playbook.steps[step].with_.get(action.branches)
    return (*action.outcomes, *(made if isinstance(made, dict) else ()))
