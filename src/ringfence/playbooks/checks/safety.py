"""What an experienced reviewer asks before a playbook touches a real host."""

from collections.abc import Iterator

from ringfence.playbooks.checks.base import Check, Subject, example
from ringfence.playbooks.graph import ancestors
from ringfence.playbooks.model import Effect
from ringfence.playbooks.problems import Problem, Severity


class ApprovalWithoutTimeout(Check):
    """A step asks people without saying how long they have; they have 1 h."""

    code = "approval-without-timeout"
    severity = Severity.WARNING
    example = example("one: {action: logic.approval, with: {question: Isolate the host?}}")

    def find(self, subject: Subject) -> Iterator[Problem]:
        for name, action in subject.actions.items():
            asks = {"approved", "rejected", "expired"} <= set(action.outcomes)
            if asks and subject.playbook.steps[name].with_.get("timeout") is None:
                message = "Nothing says how long people have to answer; they have 1 h."
                advice = "Add `timeout: 15 min`, or how long it may take."
                yield self.problem(subject, message, ("steps", name), advice=advice, of_key=True)


class ContainmentWithoutRelease(Check):
    """A host is contained, and nothing in the playbook lets it go: neither `auto_release` nor a later release step."""

    code = "containment-without-release"
    severity = Severity.WARNING
    example = example("one: {action: containment.contain, with: {machine: abc, reason: Ransomware}}")

    def find(self, subject: Subject) -> Iterator[Problem]:
        for name, action in subject.actions.items():
            # Letting go is an effect of the same kind; only the action that cuts off offers to let go by itself.
            if action.effect is not Effect.CONTAIN or "auto_release" not in action.parameters:
                continue
            if subject.playbook.steps[name].with_.get("auto_release") is not None:
                continue
            undone = any(
                step.action == action.undo and name in ancestors(subject.before, other)
                for other, step in subject.playbook.steps.items()
            )
            if not undone:
                advice = f"Add `auto_release: 24 h`, or a step with `action: {action.undo}` after it."
                message = "Nothing in this playbook lets the host go again."
                yield self.problem(subject, message, ("steps", name), advice=advice, of_key=True)
