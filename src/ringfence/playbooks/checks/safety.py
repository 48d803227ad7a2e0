"""What an experienced reviewer asks before a playbook touches a real host."""

from collections.abc import Iterator

from ringfence.playbooks.checks.base import Check, Subject, example
from ringfence.playbooks.graph import ancestors, follows
from ringfence.playbooks.model import DefenderAlertTrigger, Effect
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


class UnansweredQuestion(Check):
    """People are asked, and nothing follows where they say no, or nobody answers."""

    code = "unanswered-question"
    severity = Severity.NOTE
    example = example(
        "one: {action: logic.approval, with: {question: Isolate the host?, timeout: 15 min}}\n"
        "two: {action: logic.set, with: {values: {}}, after: one.approved}"
    )

    def find(self, subject: Subject) -> Iterator[Problem]:
        used: dict[str, set[str | None]] = {}
        for name in subject.playbook.steps:
            for follow in follows(subject.playbook, name):
                used.setdefault(follow.step, set()).add(follow.outcome)
        for name, action in subject.actions.items():
            unused = [each for each in ("rejected", "expired") if each not in used.get(name, set())]
            asks = {"approved", "rejected", "expired"} <= set(action.outcomes)
            if asks and "approved" in used.get(name, set()) and None not in used[name] and unused:
                message = f"Nothing follows where the answer is {' or '.join(unused)}."
                advice = (
                    f"Add a step `after: {name}.{unused[0]}`, such as a comment on the alert, if somebody should know."
                )
                yield self.problem(subject, message, ("steps", name), advice=advice, of_key=True)


class ContainsOnEveryAlert(Check):
    """Every new alert, whatever it says, would start a playbook that contains hosts."""

    code = "contains-on-every-alert"
    severity = Severity.WARNING
    example = example(
        "one: {action: containment.contain, with: {machine: abc, reason: Malware, auto_release: 24 h}}",
        trigger="{type: defender.alert}",
    )

    def find(self, subject: Subject) -> Iterator[Problem]:
        trigger = subject.playbook.trigger
        if not isinstance(trigger, DefenderAlertTrigger) or trigger.where is not None or trigger.category:
            return
        if trigger.severity and "All" not in trigger.severity:
            return
        contains = any(
            action.effect is Effect.CONTAIN and "auto_release" in action.parameters for _, action in subject.reached
        )
        decided = any({"yes", "approved"} & set(action.outcomes) for action in subject.actions.values())
        if contains and not decided:
            message = "Every alert starts this playbook, and it contains hosts without deciding anything first."
            advice = "Narrow the trigger by `severity:`, `category:` or `where:`, or decide with `logic.condition`."
            yield self.problem(subject, message, ("trigger",), advice=advice, of_key=True)


class MayStartItself(Check):
    """The trigger listens to updates of alerts, and a step updates the alert, which is an update again."""

    code = "may-start-itself"
    severity = Severity.WARNING
    example = example(
        "one: {action: defender.update_alert, with: {alert: '${trigger.alert.id}', comment: Seen}}",
        trigger="{type: defender.alert, severity: [High], changes: [updated]}",
    )

    def find(self, subject: Subject) -> Iterator[Problem]:
        trigger = subject.playbook.trigger
        if not isinstance(trigger, DefenderAlertTrigger) or trigger.where is not None:
            return
        for name, step in subject.playbook.steps.items():
            if step.action == "defender.update_alert" and "updated" in trigger.changes:
                message = "This update of the alert may start the playbook again, without an end."
                advice = "Listen to a narrower change, such as `severity_raised`, or add a `where:` that ends it."
                yield self.problem(subject, message, ("steps", name, "action"), advice=advice)
