"""Whether components are called as they want to be, and give what they promise."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from ringfence.errors import Invalid
from ringfence.playbooks.calls import CALL, called
from ringfence.playbooks.checks.base import Check, Subject, example, texts
from ringfence.playbooks.components import compile_whole
from ringfence.playbooks.document import Path, read
from ringfence.playbooks.expressions import ExpressionError, compile_template, references
from ringfence.playbooks.graph import ordered
from ringfence.playbooks.installation import Called, Installation
from ringfence.playbooks.interface import faults
from ringfence.playbooks.model import VARIABLES, Json, ParameterKind, Playbook
from ringfence.playbooks.problems import Problem

_LOOK: Final = """\
ringfence: 1
kind: component
name: Look up a host
inputs:
  machine: {type: string, required: true}
outputs:
  risk: {type: string, value: "${steps.machine.riskScore}"}
steps:
  machine: {action: defender.get_machine, with: {machine: "${inputs.machine}"}}
"""


def _installed(*texts: str) -> Installation:
    found: dict[Called, Playbook] = {}
    for text in texts:
        component = read(text).playbook
        assert component is not None
        found[component.name, "1.0"] = component
    return Installation(components=found)


def _calling(inputs: str, rest: str = "") -> str:
    call = f'with: {{component: Look up a host, version: "1.0", inputs: {inputs}}}'
    return example(f"look: {{action: playbook.call, {call}{rest}}}")


def _calls(subject: Subject) -> Iterator[tuple[str, Called, Playbook | None]]:
    """Give each step that calls what can be known before a run: its name, what it calls, and that where it is there."""
    assert subject.installation is not None
    for name, step in subject.playbook.steps.items():
        wanted = called(step)
        if wanted is not None:
            yield name, wanted, subject.installation.components.get(wanted)


class UnknownComponent(Check):
    """A step calls a component, or a version of one, that is not published here."""

    code = "unknown-component"
    example = example('look: {action: playbook.call, with: {component: Look up a hots, version: "1.0"}}')
    installation = _installed()

    def find(self, subject: Subject) -> Iterator[Problem]:
        if subject.installation is None:
            return
        for name, (component, version), found in _calls(subject):
            path = ("steps", name, "with", "component")
            shown = f"{component[:80]!r} {version}".strip()
            if found is None:
                advice = "Publish it first, or look at the list of playbooks for its name and versions."
                yield self.problem(subject, f"There is no component {shown}.", path, advice=advice)
            elif found.kind != "component":
                advice = "Only a document with `kind: component` is called."
                yield self.problem(subject, f"{shown} is a {found.kind}.", path, advice=advice)


class CallOfNobody(Check):
    """What a step calls is looked up in the run, where nobody could have checked it."""

    code = "call-of-nobody"
    example = example("look: {action: playbook.call, with: {component: '${trigger.input.component}'}}")

    def find(self, subject: Subject) -> Iterator[Problem]:
        for name, step in subject.playbook.steps.items():
            for key in ("component", "version"):
                value = step.with_.get(key)
                if step.action == CALL and isinstance(value, str) and "${" in value:
                    advice = "Write it out; `logic.switch` chooses between several calls."
                    message = f"{key!r} of a call cannot be looked up in the run."
                    yield self.problem(subject, message, ("steps", name, "with", key), advice=advice)


class WrongCall(Check):
    """A call gives a component what it does not take, or leaves out what it needs; looked-up values show in a run only."""

    code = "wrong-call"
    example = _calling("{machin: abc}")
    installation = _installed(_LOOK)

    def find(self, subject: Subject) -> Iterator[Problem]:
        if subject.installation is None:
            return
        for name, _, component in _calls(subject):
            given = subject.playbook.steps[name].with_.get("inputs")
            if component is None or not (given is None or isinstance(given, dict)):
                continue
            known = {key: value for key, value in (given or {}).items() if not _looked_up(value)}
            there = component.inputs.keys() - (given or {}).keys()
            asked = {key: wanted for key, wanted in component.inputs.items() if key in known or key in there}
            for key, said in faults(asked, known):
                near = get_close_matches(key, component.inputs, 1)
                unknown = key not in component.inputs
                advice = f"Did you mean {near[0]!r}?" if unknown and near else f"See the inputs of {component.name!r}."
                path = ("steps", name, "with", "inputs", key)
                yield self.problem(subject, said, path, advice=advice, of_key=unknown)
            for key in (given or {}).keys() - known.keys() - component.inputs.keys():
                near = get_close_matches(key, component.inputs, 1)
                advice = f"Did you mean {near[0]!r}?" if near else f"See the inputs of {component.name!r}."
                message = f"There is no input {key[:60]!r}; there are: {', '.join(component.inputs) or 'none'}."
                path = ("steps", name, "with", "inputs", key)
                yield self.problem(subject, message, path, advice=advice, of_key=True)


def _looked_up(value: Json) -> bool:
    return any("${" in text for _, text in texts(value, ()))


class DeepCall(Check):
    """Components call each other in a circle, too deeply, with too many steps, or with too many loops in each other."""

    code = "deep-call"
    example = example(
        'look: {action: playbook.call, with: {component: Look up a host, version: "1.0", inputs: {machine: abc}}}',
        name="Look up a host",
    )
    installation = _installed(_LOOK)

    def find(self, subject: Subject) -> Iterator[Problem]:
        here = subject.installation
        if here is None or len(ordered(subject.before)) < len(subject.playbook.steps):
            return
        if len(subject.actions) < len(subject.playbook.steps) or any(each is None for _, _, each in _calls(subject)):
            return
        if any(step.action == CALL and called(step) is None for step in subject.playbook.steps.values()):
            return
        try:
            compile_whole(subject.playbook, subject.catalogue, here.components)
        except Invalid as error:
            name = next((name for name, _, _ in _calls(subject)), None)
            if name is not None:
                path = ("steps", name, "with", "component")
                yield self.problem(subject, error.message, path, advice="Call fewer levels, or smaller components.")


class UnknownInput(Check):
    """An expression looks at an input that the component does not have; a playbook has none at all."""

    code = "unknown-input"
    example = example("one: {action: logic.set, with: {values: {a: '${inputs.machine}'}}}")

    def find(self, subject: Subject) -> Iterator[Problem]:
        inputs = subject.playbook.inputs
        for path, text, offset in _expressions(subject):
            try:
                found = references(text)
            except ExpressionError:
                continue
            for name in sorted(found.inputs - inputs.keys()):
                near = get_close_matches(name, inputs, 1)
                advice = f"Did you mean inputs.{near[0]}?" if near else "Declare it under `inputs:`."
                message = f"There is no input {name[:60]!r}."
                if subject.playbook.kind != "component":
                    message = f"A {subject.playbook.kind} has no `inputs`."
                    advice = f"Write trigger.input.{name} for what a person gave at the start."
                yield self.problem(subject, message, path, advice=advice, offset=offset)


class BadOutput(Check):
    """The value of an output cannot be looked up: its expression is wrong, or names what the component does not have."""

    code = "bad-output"
    example = _LOOK.replace("steps.machine.riskScore", "steps.machin.riskScore")

    def find(self, subject: Subject) -> Iterator[Problem]:
        steps = subject.playbook.steps
        for name, output in subject.playbook.outputs.items():
            for path, text in texts(output.value, ("outputs", name, "value")):
                try:
                    template = compile_template(text)
                except ExpressionError as error:
                    yield self.problem(subject, error.message, path, offset=error.offset or 0)
                    continue
                for expression, offset in zip(template.expressions, template.offsets, strict=True):
                    found = references(expression.text)
                    for step in sorted(found.steps - steps.keys()):
                        near = get_close_matches(step, steps, 1)
                        advice = f"Did you mean steps.{near[0]}?" if near else "Name a step of this component."
                        yield self.problem(
                            subject, f"There is no step {step[:70]!r}.", path, advice=advice, offset=offset
                        )
                    for variable in sorted(found.variables.difference(VARIABLES)):
                        advice = f"An expression starts with: {', '.join(VARIABLES)}."
                        message = f"There is no variable {variable[:60]!r}."
                        yield self.problem(subject, message, path, advice=advice, offset=offset)


def _expressions(subject: Subject) -> Iterator[tuple[Path, str, int]]:
    """Give every expression over the run document with its path and its offset in the text there."""
    for name, step in subject.playbook.steps.items():
        if step.if_ is not None:
            yield ("steps", name, "if"), step.if_, 0
        for key, value in (*step.with_.items(), ("for_each", step.for_each)):
            at: Path = ("steps", name, "for_each") if key == "for_each" else ("steps", name, "with", key)
            kind = subject.kind(name, key)
            for path, text in texts(value, at):
                if kind is ParameterKind.RUN_EXPRESSION:
                    yield path, text, 0
                elif kind is ParameterKind.VALUE:
                    yield from _inside(path, text)
    for name, output in subject.playbook.outputs.items():
        for path, text in texts(output.value, ("outputs", name, "value")):
            yield from _inside(path, text)


def _inside(path: Path, text: str) -> Iterator[tuple[Path, str, int]]:
    try:
        template = compile_template(text)
    except ExpressionError:
        return
    for expression, offset in zip(template.expressions, template.offsets, strict=True):
        yield path, expression.text, offset
