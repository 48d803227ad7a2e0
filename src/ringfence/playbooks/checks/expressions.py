"""Whether the expressions of a playbook can be read, and look at things that are there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from ringfence.playbooks.checks.base import Check, Subject, example, texts
from ringfence.playbooks.document import Path
from ringfence.playbooks.expressions import ExpressionError, compile_expression, compile_template, references
from ringfence.playbooks.graph import ancestors, bodies
from ringfence.playbooks.loops import ITEM_VARIABLES
from ringfence.playbooks.model import RAW_ALERT, VARIABLES, ParameterKind, Playbook
from ringfence.playbooks.problems import Problem
from ringfence.playbooks.triggers import VARIABLES as PUBLISHED
from ringfence.playbooks.triggers import ManualTrigger, TimerTrigger

TRIGGER_VARIABLES: Final = ("alert", "type", "account", "service", "change", "changes", RAW_ALERT)


@dataclass(frozen=True, slots=True)
class Found:
    """An expression of a step over the run document: where its text stands, and where in the text it starts."""

    step: str
    path: Path
    expression: str
    offset: int


class BadExpression(Check):
    """An expression cannot be read as JMESPath."""

    code = "bad-expression"
    example = example("one: {action: logic.set, with: {values: {a: '${trigger.[}'}}}")

    def find(self, subject: Subject) -> Iterator[Problem]:
        for path, text, is_template in self._all(subject):
            try:
                compile_template(text) if is_template else compile_expression(text)
            except ExpressionError as error:
                yield self.problem(subject, error.message, path, offset=error.offset or 0)

    def _all(self, subject: Subject) -> Iterator[tuple[Path, str, bool]]:
        where = _where(subject.playbook)
        if where is not None:
            yield ("trigger", "where"), where, False
        for name, step in subject.playbook.steps.items():
            if step.if_ is not None and "${" not in step.if_:
                yield ("steps", name, "if"), step.if_, False
            for path, text in texts(step.for_each, ("steps", name, "for_each")):
                yield path, text, True
            for parameter, value in step.with_.items():
                kind = subject.kind(name, parameter)
                for path, text in texts(value, ("steps", name, "with", parameter)):
                    if kind is ParameterKind.VALUE or "${" not in text:
                        yield path, text, kind is ParameterKind.VALUE


class RenderedExpression(Check):
    """`${…}` stands inside a field that is an expression itself, where it would not be replaced."""

    code = "rendered-expression"
    example = example("one: {action: logic.condition, with: {test: \"'${trigger.alert.title}' == 'x'\"}}")

    def find(self, subject: Subject) -> Iterator[Problem]:
        for path, text in self._fields(subject):
            if "${" in text:
                message = "This field is an expression already; `${…}` is not replaced in it."
                advice = "Write the expression alone, e.g. `trigger.alert.severity == 'High'`."
                yield self.problem(subject, message, path, advice=advice, offset=text.find("${"))

    def _fields(self, subject: Subject) -> Iterator[tuple[Path, str]]:
        for name, step in subject.playbook.steps.items():
            if step.if_ is not None:
                yield ("steps", name, "if"), step.if_
            for parameter, value in step.with_.items():
                if subject.kind(name, parameter).is_expression and isinstance(value, str):
                    yield ("steps", name, "with", parameter), value


class UnknownVariable(Check):
    """An expression starts with a name that the run document does not have."""

    code = "unknown-variable"
    example = example("one: {action: logic.set, with: {values: {a: '${alert.title}'}}}")

    def find(self, subject: Subject) -> Iterator[Problem]:
        inside = bodies(subject.playbook)
        for found in over_run_document(subject):
            known = _variables(subject, found, inside)
            for variable in sorted(references(found.expression).variables.difference(known)):
                near = get_close_matches(variable, known, 1)
                advice = f"Did you mean {near[0]}?" if near else f"An expression starts with: {', '.join(known)}."
                if variable in ITEM_VARIABLES:
                    advice = "It is there in `with:` of a step with `for_each`, and in the steps done for each item."
                message = f"There is no variable {variable[:60]!r}."
                yield self.problem(subject, message, found.path, advice=advice, offset=found.offset)


def _variables(subject: Subject, found: Found, inside: Mapping[str, str]) -> tuple[str, ...]:
    """List what an expression may start with; the list of a loop and its `if` are looked up before there is an item."""
    loop = subject.playbook.steps[found.step].for_each is not None
    each = found.path[2] == "with" if loop else found.step in inside
    return (*VARIABLES, *ITEM_VARIABLES) if each else VARIABLES


class UnknownReference(Check):
    """An expression looks at a step that does not exist, or that does not come before it."""

    code = "unknown-reference"
    example = example("one: {action: logic.set, with: {values: {a: '${steps.two.a}'}}}")

    def find(self, subject: Subject) -> Iterator[Problem]:
        steps = subject.playbook.steps
        for found in over_run_document(subject):
            earlier = ancestors(subject.before, found.step)
            for step in sorted(references(found.expression).steps.difference(earlier - {found.step})):
                if step not in steps:
                    near = get_close_matches(step, steps, 1)
                    advice = f"Did you mean steps.{near[0]}?" if near else "Name a step of this playbook."
                    message = f"There is no step {step[:70]!r}."
                else:
                    advice = f"Add `after: {step}`, or let it follow a step that comes after {step}."
                    message = f"Step {step!r} does not come before step {found.step!r}."
                    if step == found.step:
                        advice, message = "Look at an earlier step.", "A step cannot look at its own output."
                yield self.problem(subject, message, found.path, advice=advice, offset=found.offset)


class WhereVariable(Check):
    """The trigger's `where` starts with a name that the trigger does not publish."""

    code = "where-variable"
    example = example(
        "one: {action: logic.set, with: {values: {}}}",
        trigger="{type: defender.alert, where: \"contains(title, 'ransom')\"}",
    )

    def find(self, subject: Subject) -> Iterator[Problem]:
        where, kind = _where(subject.playbook), subject.playbook.trigger.type
        if where is None or not _readable(where):
            return
        published = PUBLISHED.get(kind, TRIGGER_VARIABLES)
        for variable in sorted(references(where).variables.difference(published)):
            message = f"A trigger of type {kind} has no variable {variable[:60]!r}."
            inside = _INSIDE.get(kind)
            advice = f"Write e.g. {inside}.{variable} for a field of the {inside}." if variable.isidentifier() else ""
            yield self.problem(subject, message, ("trigger", "where"), advice=advice)


_INSIDE: Final = {
    "defender.alert": "alert",
    "webhook": "body",
    "mailbox": "message",
    "service": "event",
    "change": "change",
    "error": "run",
}


def _where(playbook: Playbook) -> str | None:
    trigger = playbook.trigger
    return None if isinstance(trigger, TimerTrigger | ManualTrigger) else trigger.where


def _readable(expression: str) -> bool:
    try:
        compile_expression(expression)
    except ExpressionError:
        return False
    return True


def over_run_document(subject: Subject) -> Iterator[Found]:
    """Give every readable expression of the steps that is evaluated over the run document."""
    for name, step in subject.playbook.steps.items():
        if step.if_ is not None and _readable(step.if_):
            yield Found(name, ("steps", name, "if"), step.if_, 0)
        for path, text in texts(step.for_each, ("steps", name, "for_each")):
            yield from _in_template(name, path, text)
        for parameter, value in step.with_.items():
            kind = subject.kind(name, parameter)
            for path, text in texts(value, ("steps", name, "with", parameter)):
                if kind is ParameterKind.RUN_EXPRESSION and _readable(text):
                    yield Found(name, path, text, 0)
                if kind is ParameterKind.VALUE:
                    yield from _in_template(name, path, text)


def _in_template(step: str, path: Path, text: str) -> Iterator[Found]:
    try:
        template = compile_template(text)
    except ExpressionError:
        return
    for expression, offset in zip(template.expressions, template.offsets, strict=True):
        yield Found(step, path, expression.text, offset)
