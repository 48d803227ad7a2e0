"""Load of a run's rows what a holding needs: of loops that are over no item, but what their steps gave.

A run may have been through thousands of items when something in it wakes. Which of them there were, and how they went, is in the
row of the loop itself; only what the steps of its body gave, item by item, may still be looked at.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from ringfence.actions import Json
from ringfence.playbooks import rounds
from ringfence.playbooks.plan import Plan, PlanStep
from ringfence.playbooks.schedule import StepStatus
from ringfence.runs import rows
from ringfence.runs.model import StepRun
from ringfence.storage import Transaction
from ringfence.storage.tables import step_runs

_MINE = step_runs.c.run_id == sa.bindparam("run")
_OUTER = sa.select(step_runs).where(_MINE, step_runs.c.iteration == 0).order_by(step_runs.c.position)
_OF_ROUNDS = (
    sa.select(step_runs)
    .where(
        _MINE,
        step_runs.c.iteration > 0,
        # What was cut off is named where a run that is cancelled ends, wherever it stood.
        sa.or_(
            step_runs.c.step.not_in(sa.bindparam("over", expanding=True)),
            step_runs.c.status == StepStatus.CANCELLED.value,
        ),
    )
    .order_by(step_runs.c.position, step_runs.c.iteration)
)
_GIVEN = sa.select(step_runs.c.step, step_runs.c.iteration, step_runs.c.output).where(
    _MINE,
    step_runs.c.iteration > 0,
    step_runs.c.step.in_(sa.bindparam("inner", expanding=True)),
    step_runs.c.status == StepStatus.SUCCEEDED.value,
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Rows of steps, and for each loop that is over and whose items are left out what there is to be seen of it, by name."""

    steps: list[StepRun]
    seen: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)


def load(tx: Transaction, run_id: str, plan: Plan) -> Loaded:
    """Return what there is to be known of a run in order to go on with it."""
    if not any(step.loop is not None for step in plan.steps):
        return Loaded(rows.every_step(tx, run_id))
    outer = [StepRun.of(row) for row in tx.connection.execute(_OUTER, {"run": run_id}).mappings()]
    over = {step.step: step for step in outer if _is_over(step, plan)}
    bodies = {name: [inner.name for inner in plan.by_name[name].inner] for name in over}
    inner = [name for names in bodies.values() for name in names]
    values = {"run": run_id, "over": [*over, *inner]}
    found = [StepRun.of(row) for row in tx.connection.execute(_OF_ROUNDS, values).mappings()]
    given: Sequence[sa.RowMapping] = ()
    if inner:
        given = tx.connection.execute(_GIVEN, {"run": run_id, "inner": inner}).mappings().all()
    return Loaded([*outer, *found], {name: _seen(step, bodies[name], given) for name, step in over.items()})


def _is_over(step: StepRun, plan: Plan) -> bool:
    planned = plan.by_name.get(step.step)
    return planned is not None and step.status.final and number_of_items(step) is not None and _is_plain(planned)


def _is_plain(planned: PlanStep) -> bool:
    """Whether a step is a loop with neither loop nor call in it."""
    if planned.loop is None:
        return False
    return all(each.body is None and each.call is None for each in planned.loop.body.steps)


def number_of_items(step: StepRun) -> int | None:
    """Return how many items a loop goes over, None where it has none, or is no loop."""
    found = step.input.get("items") if isinstance(step.input, dict) else None
    return len(found) if isinstance(found, list) else None


def _seen(step: StepRun, body: Iterable[str], given: Sequence[sa.RowMapping]) -> dict[str, Json]:
    """Return what expressions see of a loop that is over beside its output, as `Loop.end` put it together."""
    output: Any = step.output
    if not isinstance(output, dict):
        return {}
    seen: dict[str, Json] = {}
    if output.get("results") is not None:
        lists: dict[str, list[Json]] = {name: [None] * (number_of_items(step) or 0) for name in body}
        for row in given:
            if row["step"] in lists:
                lists[row["step"]][rounds.number_of(row["iteration"]) - 1] = row["output"]
        seen.update(lists)
    if step.status is not StepStatus.SUCCEEDED:
        seen[step.step] = output
    return seen
