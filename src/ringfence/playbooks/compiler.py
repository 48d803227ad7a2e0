"""From a playbook to the plan that the runtime carries out. Pure."""

from collections.abc import Mapping
from typing import Any

from ringfence.errors import Invalid
from ringfence.playbooks.graph import EACH, Follow, bodies, follows, ordered, predecessors
from ringfence.playbooks.model import (
    ERROR,
    SUCCESS,
    ActionInfo,
    Catalogue,
    Effect,
    ParameterKind,
    Playbook,
    Retry,
    Step,
)
from ringfence.playbooks.plan import ANY, LONGEST_PAUSE, ONCE, Edge, Plan, PlanLimits, PlanLoop, PlanRetry, PlanStep


def compile_playbook(playbook: Playbook, catalogue: Catalogue) -> Plan:
    """Make the plan of a playbook that passed its checks; Invalid if one of its steps cannot be planned."""
    order = ordered(predecessors(playbook))
    inside = bodies(playbook)
    actions = {name: _action(name, step, catalogue) for name, step in playbook.steps.items()}
    if len(order) < len(playbook.steps):
        stuck = ", ".join(name for name in playbook.steps if name not in order)
        raise Invalid(f"These steps wait for each other: {stuck}.", advice="Run `ringfence playbook check`.")
    planned = {name: _plan_step(name, playbook, actions) for name in order}
    named = {"name": playbook.name, "log_level": playbook.log_level}
    for name, step in playbook.steps.items():
        if step.for_each is not None:
            body = tuple(planned[other] for other in order if inside.get(other) == name)
            planned[name] = _loop(step, planned[name], body, named)
    limits = playbook.limits
    return Plan(
        **named,
        timeout=playbook.timeout.seconds if playbook.timeout else None,
        limits=PlanLimits.model_validate(limits.model_dump()) if limits else None,
        steps=tuple(planned[name] for name in order if name not in inside),
    )


def _loop(step: Step, planned: PlanStep, body: tuple[PlanStep, ...], named: Mapping[str, Any]) -> PlanStep:
    """Take what belongs to the loop apart from what belongs to each of its items."""
    of_loop = {"after": (), "rescues": (), "condition": None, "on_error": None, "join": "all"}
    first = planned.model_copy(update=of_loop)
    loop = PlanLoop(values=step.for_each, parallel=step.parallel or 1, body=Plan(**named, steps=(first, *body)))
    return planned.model_copy(update={"loop": loop, "retry": ONCE, "timeout": None, "effect": Effect.PURE})


def _action(name: str, step: Step, catalogue: Catalogue) -> ActionInfo:
    found = catalogue.find(step.action)
    if found is None:
        raise Invalid(f"Step {name} uses the action {step.action}, which does not exist.", advice=_CHECK)
    return found


_CHECK = "Run `ringfence playbook check` on the playbook."


def _plan_step(name: str, playbook: Playbook, actions: Mapping[str, ActionInfo]) -> PlanStep:
    step, action = playbook.steps[name], actions[name]
    after: list[Edge] = []
    for follow in follows(playbook, name):
        if follow.step not in actions:
            raise Invalid(f"Step {name} comes after {follow.step}, which does not exist.", advice=_CHECK)
        after.append(Edge(step=follow.step, outcome=_outcome(playbook, follow, actions[follow.step])))
    rescued = (other for other, candidate in playbook.steps.items() if candidate.on_error == name)
    kinds = ((parameter, info.kind) for parameter, info in action.parameters.items())
    retry = step.retry
    return PlanStep(
        name=name,
        action=step.action,
        effect=action.effect,
        values=step.with_,
        raw=tuple(parameter for parameter, kind in kinds if kind is not ParameterKind.VALUE),
        after=tuple(after),
        rescues=tuple(Edge(step=other, outcome=ERROR) for other in rescued),
        join=step.join,
        condition=step.if_,
        retry=_retry(retry) if retry else ONCE,
        timeout=step.timeout.seconds if step.timeout else None,
        on_error=step.on_error,
    )


def _retry(retry: Retry) -> PlanRetry:
    return PlanRetry(
        attempts=retry.attempts,
        backoff=retry.backoff.seconds,
        most=retry.max_backoff.seconds if retry.max_backoff else LONGEST_PAUSE,
        jitter=retry.jitter,
        errors=tuple(code.casefold() for code in retry.errors),
    )


def _outcome(playbook: Playbook, follow: Follow, action: ActionInfo) -> str:
    """Say which outcome of the step before an edge wants."""
    if playbook.steps[follow.step].for_each is not None and follow.outcome in (None, EACH):
        return ANY
    return follow.outcome or (SUCCESS if SUCCESS in action.outcomes else ANY)
