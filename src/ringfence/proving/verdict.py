"""Say what a scene proves of a step that cuts a host off. Pure."""

from collections.abc import Mapping
from typing import Final

from ringfence.playbooks.plan import Plan
from ringfence.playbooks.proof import StepProof
from ringfence.proving.play import Played

_RELEASE: Final[Mapping[str, str]] = {
    "containment.contain": "unisolate_machine",
    "defender.restrict_code_execution": "unrestrict_code_execution",
}
"""What the simulator must have been asked, by the action that cuts off."""

_ADVICE: Final = "Give the step `auto_release: 24 h`, or let a step with `action: {undo}` follow it."


def judge(step: str, action: str, undo: str, plan: Plan, played: Played) -> StepProof:
    """Say whether a scene showed that what a step cuts off is confirmed, and is let go again and confirmed."""
    status, outcome, error = played.steps.get(step, ("pending", None, ""))
    made = [each for each in played.holds if each.step == step]
    confirmed = [each for each in made if each.confirmed is not None]

    def unproven(why: str, advice: str) -> StepProof:
        seen = made[0].seen if made else ()
        return StepProof(
            step=step,
            action=action,
            proven=False,
            scene=played.scene.name,
            why=why,
            advice=advice,
            seen=seen,
            notes=played.notes,
        )

    if not confirmed:
        if status == "failed":
            return unproven(f"The step failed: {error}", "Correct it, or write a test whose mocks lead to it.")
        if made:
            return unproven(f"Nothing was cut off: {made[0].state.replace('_', ' ')}. {made[0].detail}", _TEST)
        return unproven(_unreached(step, status, outcome, plan, played), _TEST)
    for each in confirmed:
        asked = played.carried_out.get(_RELEASE[action], [])
        if each.released is None or not asked:
            said = f"{each.machine} was cut off after {_time(each.confirmed)} and never let go."
            return unproven(f"{said} {played.unfinished}".strip(), _ADVICE.format(undo=undo))
    first = confirmed[0]
    return StepProof(
        step=step,
        action=action,
        proven=True,
        scene=played.scene.name,
        by="step" if _let_go_by_step(undo, plan, played) else "timer",
        seen=first.seen,
        notes=played.notes,
    )


_TEST: Final = "Write a test (`tests:`) whose trigger and mocks lead to this step; the proof plays it."


def _unreached(step: str, status: str, outcome: str | None, plan: Plan, played: Played) -> str:
    if outcome is not None:
        return f"The step ended in {outcome}, and nothing was cut off."
    failed = [f"{name} failed: {error}" for name, (state, _, error) in played.steps.items() if state == "failed"]
    found = next((each for each in plan.every if each.name == step), None)
    why = " Its `if` did not hold." if found is not None and found.condition and status == "skipped" else ""
    return f"The step was not reached.{why} {' '.join(failed[:2])}".strip()


def _let_go_by_step(undo: str, plan: Plan, played: Played) -> bool:
    undoing = [each.name for each in plan.every if each.action == undo]
    return any(played.steps.get(name, ("", None, ""))[:2] == ("succeeded", "success") for name in undoing)


def _time(seconds: float | None) -> str:
    return f"{seconds or 0.0:g} s"


def better(one: StepProof | None, other: StepProof) -> StepProof:
    """Choose the proof that says more: one that is proven, else one in which the step was reached, else the later one."""
    if one is None or other.proven:
        return other
    return one if one.proven or (one.seen and not other.seen) else other
