"""Components inside a plan: how the steps of a called component stand in the caller's plan, and what they see. Pure.

A step `look` that calls a component becomes, in the caller's own plan:

    look/(inputs)     goes in when the turn of `look` has come; its output is the inputs of the component
    look/machine …    the component's steps, under the name of the call; expressions in them see only their own component
    look              comes back when all of these are over, with the component's outputs, or failed if the component has

So a component needs no run of its own: its steps are rows of the caller's run, and are as durable as any others. A call that
may be tried again, or has a time of its own, stands in the plan once, as a loop does: these steps are then what is done in
each of its tries (PlanTries).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ringfence.errors import Invalid
from ringfence.playbooks.bounded import plain
from ringfence.playbooks.calls import CALL, MAX_DEPTH, called
from ringfence.playbooks.compiler import compile_playbook
from ringfence.playbooks.expressions import render
from ringfence.playbooks.installation import Called
from ringfence.playbooks.interface import faults, filled, unfit
from ringfence.playbooks.model import SUCCESS, Catalogue, Effect, Json, Playbook
from ringfence.playbooks.plan import ONCE, OVER, REACHED, Edge, Plan, PlanCall, PlanLoop, PlanStep, PlanTries
from ringfence.playbooks.rounds import DEEPEST
from ringfence.playbooks.schedule import StepState, StepStatus

MAX_STEPS: Final = 500
"""How many steps a playbook has at most, those of its components with it."""

ENTRY: Final = "(inputs)"
"""What the step that goes into a component is called, behind the name of the call; no step of a document can be called so."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """What came of going into a component or coming back: an output, or why that failed, and the steps because of which."""

    input: Json
    output: Json = None
    error: str = ""
    failed: tuple[str, ...] = ()


def compile_whole(
    playbook: Playbook, catalogue: Catalogue, components: Mapping[Called, Playbook], *, path: tuple[str, ...] = ()
) -> Plan:
    """Make the plan of a playbook with the steps of all components that it calls; `path` are the callers above.

    Invalid if one of its steps cannot be planned, a component is missing, or there are too many steps or levels.
    """
    path = (*path, playbook.name)
    if len(path) - 1 > MAX_DEPTH or playbook.name in path[:-1]:
        raise Invalid(
            f"Components call each other in a circle, or more than {MAX_DEPTH} deep: {' ▸ '.join(path)}.",
            advice="Publish the playbook again, with fewer levels of components.",
        )
    plan = compile_playbook(playbook, catalogue)
    steps = _with_components(plan.steps, playbook, catalogue, components, path)
    whole = Plan(**{name: getattr(plan, name) for name in Plan.model_fields if name != "steps"}, steps=steps)
    levels = max((depth for _, depth in whole.at), default=0)
    if levels > DEEPEST:
        raise Invalid(
            f"In {playbook.name!r}, loops and calls that may be tried again stand {levels} deep in each other; "
            f"{DEEPEST} levels are the most.",
            advice="Take a loop out of a component, or the `retry` or `timeout` off a call.",
        )
    if len(whole.every) > MAX_STEPS:
        raise Invalid(
            f"{playbook.name!r} has {len(whole.every)} steps with those of its components; {MAX_STEPS} are the most.",
            advice="Call fewer components, or smaller ones.",
        )
    return whole


def _with_components(
    steps: tuple[PlanStep, ...],
    playbook: Playbook,
    catalogue: Catalogue,
    components: Mapping[Called, Playbook],
    path: tuple[str, ...],
) -> tuple[PlanStep, ...]:
    found: list[PlanStep] = []
    for step in steps:
        if step.loop is not None:
            inner = _with_components(step.loop.body.steps, playbook, catalogue, components, path)
            found.append(step.model_copy(update={"loop": _loop_of(step.loop, inner)}))
        elif step.action == CALL:
            wanted = called(playbook.steps[step.name])
            component = components.get(wanted) if wanted is not None else None
            if wanted is None or component is None:
                raise Invalid(
                    f"Step {step.name} calls a component that is not published here.",
                    advice="Publish the component, then the playbook again.",
                )
            inner_plan = compile_whole(component, catalogue, components, path=path)
            found += expanded(step, component, wanted[1], inner_plan)
        else:
            found.append(step)
    return tuple(found)


def expanded(step: PlanStep, component: Playbook, version: str, inner: Plan) -> tuple[PlanStep, ...]:
    """Give the steps that stand for a call, in an order in which each comes after all that lead to it."""
    prefix, entry = f"{step.name}/", f"{step.name}/{ENTRY}"
    steps = tuple(_moved(each, prefix, entry) for each in inner.steps)
    call = PlanCall(
        part="enter",
        component=component.name,
        version=version,
        within=prefix,
        inputs=component.inputs,
        outputs=component.outputs,
        steps=(entry, *(each.name for each in steps)),
    )
    again = step.retry.attempts > 1 or step.timeout is not None
    alone: dict[str, object] = {"after": (), "rescues": (), "join": "all", "condition": None} if again else {}
    bare = {"call": call, "effect": Effect.PURE, "on_error": None, "retry": ONCE, "timeout": None}
    enter = step.model_copy(update={"name": entry, **bare, **alone})
    edges = (Edge(step=entry, outcome=REACHED), *(Edge(step=name, outcome=OVER) for name in call.steps))
    leave = PlanStep(
        name=step.name,
        action=step.action,
        effect=Effect.PURE,
        values={},
        after=edges,
        on_error=None if again else step.on_error,
        scope=step.scope,
        call=call.model_copy(update={"part": "leave"}),
    )
    if not again:
        return enter, *steps, leave
    tries = PlanTries(body=Plan(name=inner.name, log_level=inner.log_level, steps=(enter, *steps, leave)))
    return (step.model_copy(update={"effect": Effect.PURE, "tries": tries}),)


def _loop_of(loop: PlanLoop, steps: tuple[PlanStep, ...]) -> PlanLoop:
    # Not a copy of the body: that would keep what it has worked out from its steps.
    body = Plan(name=loop.body.name, log_level=loop.body.log_level, steps=steps)
    return PlanLoop(values=loop.values, parallel=loop.parallel, body=body)


def _moved(step: PlanStep, prefix: str, entry: str | None) -> PlanStep:
    """Put a step of a component below the name of the call; without an entry, it belongs to a loop in there."""
    changed: dict[str, object] = {
        "name": prefix + step.name,
        "after": _edges(step.after, prefix),
        "rescues": _edges(step.rescues, prefix),
        "on_error": prefix + step.on_error if step.on_error else None,
        "scope": prefix + step.scope,
    }
    if entry is not None and not step.after and not step.rescues:
        changed["after"] = (Edge(step=entry, outcome=SUCCESS),)
    if step.call is not None:
        names = tuple(prefix + name for name in step.call.steps)
        changed["call"] = step.call.model_copy(update={"within": prefix + step.call.within, "steps": names})
    moved = tuple(_moved(each, prefix, None) for each in step.body.steps) if step.body is not None else ()
    if step.loop is not None:
        changed["loop"] = _loop_of(step.loop, moved)
    if step.tries is not None:
        body = step.tries.body
        changed["tries"] = PlanTries(body=Plan(name=body.name, log_level=body.log_level, steps=moved))
    return step.model_copy(update=changed)


def _edges(edges: tuple[Edge, ...], prefix: str) -> tuple[Edge, ...]:
    return tuple(Edge(step=prefix + edge.step, outcome=edge.outcome) for edge in edges)


def narrowed(document: Mapping[str, Json], scope: str) -> Mapping[str, Json]:
    """Give what a step in a component sees of a run document: its component's inputs and steps instead of the caller's."""
    if not scope:
        return document
    steps = document["steps"]
    assert isinstance(steps, dict)
    own: dict[str, Json] = {}
    for name, output in steps.items():
        inner = name.removeprefix(scope)
        if inner != name and "/" not in inner and inner != ENTRY:
            own[inner] = output
    return {**document, "steps": own, "inputs": steps.get(scope + ENTRY)}


def crossed(
    planned: PlanStep,
    plan: Plan,
    document: Mapping[str, Json],
    states: Mapping[str, StepState],
    errors: Mapping[str, str],
) -> Crossing:
    """Go into a component, or come back from it; `document` is the whole one, `errors` are those of failed steps by name.

    ExpressionError if an input or output cannot be evaluated.
    """
    assert planned.call is not None
    if planned.call.part == "enter":
        return _entered(planned, planned.call, narrowed(document, planned.scope))
    return _left(planned, planned.call, plan, document, states, errors)


def _entered(planned: PlanStep, call: PlanCall, document: Mapping[str, Json]) -> Crossing:
    given = planned.inputs(document).get("inputs") or {}
    if not isinstance(given, dict):
        return Crossing(given, error="The inputs of a component are an object.")
    wrong = faults(call.inputs, given)
    if wrong:
        return Crossing(given, error=f"{call.component} {call.version}: {' '.join(said for _, said in wrong)}")
    return Crossing(given, dict(filled(call.inputs, given)))


def _left(
    planned: PlanStep,
    call: PlanCall,
    plan: Plan,
    document: Mapping[str, Json],
    states: Mapping[str, StepState],
    errors: Mapping[str, str],
) -> Crossing:
    steps = document["steps"]
    assert isinstance(steps, dict)
    given = steps.get(call.within + ENTRY)
    failed = [name for name in call.steps if _unhandled(name, planned.name, plan, states)]
    if failed:
        said = (f"{_short(name, call)}{errors.get(name, '')}" for name in failed)
        return Crossing(given, error="; ".join(said), failed=tuple(failed))
    inside = narrowed(document, call.within)
    outputs: dict[str, Json] = {}
    for name, output in call.outputs.items():
        outputs[name] = render(output.value, inside)
        wrong = unfit(name, output, outputs[name])
        if wrong:
            return Crossing(given, error=f"{call.component} {call.version}: {wrong}")
    try:
        return Crossing(given, plain(outputs))
    except ValueError as error:
        return Crossing(given, error=f"The outputs of {call.component} cannot be kept: {error}")


def _short(name: str, call: PlanCall) -> str:
    inner = name.removeprefix(call.within)
    return "" if inner == ENTRY else f"{inner}: "


def _unhandled(name: str, leave: str, plan: Plan, states: Mapping[str, StepState]) -> bool:
    if states[name].status is not StepStatus.FAILED:
        return False
    # The way back from a component around this one follows too, and its turn has not come.
    others = (states[other].status for other in plan.rescuers[name] if other != leave and other in states)
    return not any(status.final and status is not StepStatus.SKIPPED for status in others)
