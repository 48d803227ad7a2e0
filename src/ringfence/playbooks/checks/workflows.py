"""Whether the tasks that a document puts on incidents have a place to stand."""

from collections.abc import Iterator
from typing import Final

from ringfence.playbooks.checks.base import Check, Subject, example
from ringfence.playbooks.graph import ancestors
from ringfence.playbooks.model import Playbook
from ringfence.playbooks.problems import Problem, Severity
from ringfence.playbooks.triggers import ChangeTrigger, ManualTrigger

_ASK: Final = "task.ask"
_MAKING: Final = frozenset({"incident.promote", "incident.create"})
_STEP: Final = "ask: {action: task.ask, with: {title: Call the user, form: {reached: {type: boolean}}}}"


class TaskOutsideWorkflow(Check):
    """A playbook asks people by a task with a form, itself or through a component; only a workflow does."""

    code = "task-outside-workflow"
    example = example(_STEP, trigger="{type: manual, on: incident}")

    def find(self, subject: Subject) -> Iterator[Problem]:
        if subject.playbook.kind != "playbook":
            return
        for name in dict.fromkeys(name for name, action in subject.reached if action.id == _ASK):
            message = "Only a workflow puts tasks with forms on incidents."
            advice = "Write `kind: workflow` at the top; `incident.task` adds a task that nobody waits for."
            yield self.problem(subject, message, ("steps", name, "action"), advice=advice)


class TaskWithoutIncident(Check):
    """A workflow asks people by a task, and may not be about any incident on which it could stand."""

    code = "task-without-incident"
    severity = Severity.WARNING
    example = example(_STEP, extra="kind: workflow\n")

    def find(self, subject: Subject) -> Iterator[Problem]:
        if subject.playbook.kind != "workflow" or _about_an_incident(subject.playbook):
            return
        making = {name for name, action in subject.actions.items() if action.id in _MAKING}
        for name, action in subject.actions.items():
            step = subject.playbook.steps[name]
            if action.id != _ASK or step.with_.get("incident") is not None:
                continue
            if not making & ancestors(subject.before, name):
                message = "Nothing makes sure that the run is about an incident, where the task stands."
                advice = (
                    "Use `trigger: {type: manual, on: incident}`, or `incident.promote` or `incident.create` before it."
                )
                yield self.problem(subject, message, ("steps", name), advice=advice, of_key=True)


def _about_an_incident(playbook: Playbook) -> bool:
    trigger = playbook.trigger
    if isinstance(trigger, ManualTrigger):
        return trigger.on == ("incident",)
    return isinstance(trigger, ChangeTrigger) and trigger.of == "incident"
