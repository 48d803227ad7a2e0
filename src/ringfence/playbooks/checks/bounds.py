"""Whether names, numbers and times are within reason."""

from collections.abc import Iterator
from typing import Final

from ringfence.playbooks.checks.base import Check, Subject, example
from ringfence.playbooks.document import Path
from ringfence.playbooks.durations import Duration
from ringfence.playbooks.plan import LONGEST_PAUSE
from ringfence.playbooks.problems import Problem

MAX_ATTEMPTS: Final = 20
MAX_BACKOFF: Final = 3_600.0
MAX_TIMEOUT: Final = 30 * 86_400.0


class EmptyName(Check):
    """The playbook has no name, or one that is longer than 200 characters."""

    code = "empty-name"
    example = example("one: {action: logic.set, with: {values: {}}}", name=" ")

    def find(self, subject: Subject) -> Iterator[Problem]:
        name = subject.playbook.name
        if not name.strip():
            yield self.problem(subject, "The playbook has no name.", ("name",), advice="Say what it does.")
        elif len(name) > 200:
            advice = "Put the rest into `description:`."
            yield self.problem(subject, "The name is longer than 200 characters.", ("name",), advice=advice)


class BadName(Check):
    """The playbook's name has characters that cannot be seen, or blanks around it."""

    code = "bad-name"
    example = example("one: {action: logic.set, with: {values: {}}}", name=" Example")

    def find(self, subject: Subject) -> Iterator[Problem]:
        name = subject.playbook.name
        if name.strip() and (not name.isprintable() or name != name.strip()):
            message = "This cannot be a playbook's name."
            advice = "Use characters that can be seen, without blanks around them."
            yield self.problem(subject, message, ("name",), advice=advice)


class NoSteps(Check):
    """The playbook does nothing."""

    code = "no-steps"
    example = example()

    def find(self, subject: Subject) -> Iterator[Problem]:
        if not subject.playbook.steps:
            yield self.problem(subject, "The playbook has no steps.", ("steps",), advice="Add at least one step.")


class RetryBounds(Check):
    """A step is retried never, too often or too slowly: 1 to 20 attempts, first pause at most 1 h."""

    code = "retry-bounds"
    example = example("one: {action: logic.set, with: {values: {}}, retry: {attempts: 0}}")

    def find(self, subject: Subject) -> Iterator[Problem]:
        for name, step in subject.playbook.steps.items():
            if step.retry is None:
                continue
            if not 1 <= step.retry.attempts <= MAX_ATTEMPTS:
                message = f"{step.retry.attempts} attempts are not possible."
                advice = f"Use 1 to {MAX_ATTEMPTS}; the first try counts as one."
                yield self.problem(subject, message, ("steps", name, "retry", "attempts"), advice=advice)
            if step.retry.backoff.seconds > MAX_BACKOFF:
                message = f"A first pause of {step.retry.backoff} is too long."
                advice = "Use at most 1 h; each further pause is twice as long."
                yield self.problem(subject, message, ("steps", name, "retry", "backoff"), advice=advice)
            most = step.retry.max_backoff
            if most is not None and not step.retry.backoff.seconds <= most.seconds <= LONGEST_PAUSE:
                message = f"A longest pause of {most} is not possible."
                advice = f"Use at least the first pause, {step.retry.backoff}, and at most 24 h."
                yield self.problem(subject, message, ("steps", name, "retry", "max_backoff"), advice=advice)


class TimeoutBounds(Check):
    """A step or the whole playbook has a timeout of nothing, or of more than 30 days."""

    code = "timeout-bounds"
    example = example("one: {action: logic.set, with: {values: {}}, timeout: 31 d}")

    def find(self, subject: Subject) -> Iterator[Problem]:
        timeouts: list[tuple[Path, Duration | None]] = [(("timeout",), subject.playbook.timeout)]
        timeouts += [(("steps", name, "timeout"), step.timeout) for name, step in subject.playbook.steps.items()]
        for path, timeout in timeouts:
            if timeout is not None and not 0 < timeout.seconds <= MAX_TIMEOUT:
                message = f"A timeout of {timeout} is not possible."
                yield self.problem(subject, message, path, advice="Use more than nothing and at most 30 d.")
