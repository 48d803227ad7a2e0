"""Whether the actions of a playbook exist and get what they need."""

from collections.abc import Iterator
from difflib import get_close_matches

from ringfence.playbooks.checks.base import Check, Subject, example, texts
from ringfence.playbooks.problems import Problem


class UnknownAction(Check):
    """A step uses an action that is not installed."""

    code = "unknown-action"
    example = example("one: {action: logic.sett, with: {values: {}}}")

    def find(self, subject: Subject) -> Iterator[Problem]:
        for name, step in subject.playbook.steps.items():
            if name in subject.actions:
                continue
            near = get_close_matches(step.action, subject.catalogue.ids(), 1)
            advice = f"Did you mean {near[0]}?" if near else "Look up the actions in the catalogue."
            message = f"There is no action {step.action[:80]!r}."
            yield self.problem(subject, message, ("steps", name, "action"), advice=advice)


class UnknownParameter(Check):
    """A step gives an action a parameter that it does not have."""

    code = "unknown-parameter"
    example = example("one: {action: logic.delay, with: {duration: 10 s, durration: 5 s}}")

    def find(self, subject: Subject) -> Iterator[Problem]:
        for name, action in subject.actions.items():
            for parameter in subject.playbook.steps[name].with_:
                if parameter in action.parameters:
                    continue
                near = get_close_matches(parameter, action.parameters, 1)
                known = ", ".join(action.parameters) or "none"
                advice = f"Did you mean {near[0]!r}?" if near else f"It has: {known}."
                message = f"{action.id} has no parameter {parameter[:60]!r}."
                path = ("steps", name, "with", parameter)
                yield self.problem(subject, message, path, advice=advice, of_key=True)


class MissingParameter(Check):
    """A step leaves out a parameter that its action cannot do without."""

    code = "missing-parameter"
    example = example("one: {action: logic.delay}")

    def find(self, subject: Subject) -> Iterator[Problem]:
        for name, action in subject.actions.items():
            given = subject.playbook.steps[name].with_
            for parameter in action.parameters.values():
                if parameter.required and given.get(parameter.name) is None:
                    message = f"{action.id} needs the parameter {parameter.name!r}."
                    advice = f"Add it under `with:`; see `{action.id}` in the catalogue."
                    yield self.problem(subject, message, ("steps", name, "with", parameter.name), advice=advice)


class WrongParameter(Check):
    """A step gives a parameter a value that its action cannot take; values with `${…}` are known only in a run."""

    code = "wrong-parameter"
    example = example("one: {action: logic.delay, with: {duration: soon}}")

    def find(self, subject: Subject) -> Iterator[Problem]:
        for name, action in subject.actions.items():
            for key, value in subject.playbook.steps[name].with_.items():
                parameter = action.parameters.get(key)
                if parameter is None or value is None or any("${" in text for _, text in texts(value, ())):
                    continue
                if parameter.kind.is_expression and isinstance(value, str):
                    continue
                fault = parameter.fault(value)
                if fault:
                    message = f"{key!r} of {action.id} does not fit: {fault}"
                    yield self.problem(subject, message, ("steps", name, "with", key))
