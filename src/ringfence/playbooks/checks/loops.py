"""Whether loops go over lists, within bounds, and keep what is done for each item apart from the rest."""

from collections.abc import Iterator
from typing import Final

from ringfence.playbooks.checks.base import Check, Subject, example
from ringfence.playbooks.document import Path
from ringfence.playbooks.expressions import Expression, ExpressionError, compile_template
from ringfence.playbooks.graph import bodies, follows, per_item
from ringfence.playbooks.loops import MAX_ITEMS, MAX_PARALLEL
from ringfence.playbooks.model import Json
from ringfence.playbooks.problems import Problem

_SPLIT: Final = "Let it follow the loop as a whole (`after: {0}` or `{0}.done`), or only what is done for each item."


class BadLoop(Check):
    """A loop does not go over a list, or over too long a one, or works on too many items at once."""

    code = "bad-loop"
    example = example("one: {action: logic.set, with: {values: {}}, for_each: 'trigger.hosts'}")

    def find(self, subject: Subject) -> Iterator[Problem]:
        for name, step in subject.playbook.steps.items():
            if step.for_each is not None and (wrong := _fault(step.for_each)):
                message, advice = wrong
                yield self.problem(subject, message, ("steps", name, "for_each"), advice=advice)
            if step.parallel is None:
                continue
            if step.for_each is None:
                advice = "Add `for_each: ${…}`, or remove `parallel`."
                message = "`parallel` says how many items are at work at once, and this step has no `for_each`."
                yield self.problem(subject, message, ("steps", name, "parallel"), advice=advice, of_key=True)
            elif not 1 <= step.parallel <= MAX_PARALLEL:
                message = f"{step.parallel} items at once are not possible."
                yield self.problem(subject, message, ("steps", name, "parallel"), advice=f"Use 1 to {MAX_PARALLEL}.")


def _fault(values: Json) -> tuple[str, str] | None:
    if isinstance(values, list):
        if len(values) <= MAX_ITEMS:
            return None
        return f"The list has {len(values)} items; a loop goes over {MAX_ITEMS} at most.", "Split it."
    whole = "Write one expression that gives a list, e.g. ${steps.machines.items}, or a list."
    if not isinstance(values, str):
        return "`for_each` is no list.", whole
    try:
        parts = compile_template(values).parts
    except ExpressionError:
        # A check of its own says what is wrong with it.
        return None
    if len(parts) == 1 and isinstance(parts[0], Expression):
        return None
    return "`for_each` is a text and gives no list.", whole


class LoopBorder(Check):
    """A step is done for each item of a loop and belongs elsewhere too, or is a loop inside a loop."""

    code = "loop-border"
    example = example(
        "one: {action: logic.set, with: {values: {}}, for_each: '${trigger.hosts}'}\n"
        "two: {action: logic.set, with: {values: {}}}\n"
        "three: {action: logic.set, with: {values: {}}, after: [one.each, two]}"
    )

    def find(self, subject: Subject) -> Iterator[Problem]:
        playbook = subject.playbook
        inside = bodies(playbook)
        for name, loop in inside.items():
            step = playbook.steps[name]
            if step.for_each is not None:
                message = f"This loop is inside the loop {loop!r}."
                advice = "Put what is done for each item into a component, and call that by playbook.call."
                yield self.problem(subject, message, ("steps", name, "for_each"), advice=advice, of_key=True)
            for at, follow in enumerate(follows(playbook, name)):
                home = follow.step if per_item(playbook, follow) else inside.get(follow.step)
                if follow.step in playbook.steps and home != loop:
                    message = f"This step is done for each item of {loop!r}, and {follow.step!r} is not."
                    advice = _SPLIT.format(loop)
                    yield self.problem(subject, message, ("steps", name, "after", at), advice=advice)
        for name, step in playbook.steps.items():
            # The rescue of a body's step is in the body too; what is left leads into a body from elsewhere.
            path: Path = ("steps", name, "on_error")
            if step.on_error in inside and inside.get(name) != inside[step.on_error]:
                loop = inside[step.on_error]
                message = f"{step.on_error!r} is done for each item of {loop!r}, and this step is not."
                yield self.problem(subject, message, path, advice="Name a step outside the loop.")
