"""Loops: what is done for each item, in which order, and what becomes of it."""

from typing import Any

import pytest

from ringfence.runs import rows
from ringfence.runs.model import StepRun
from ringfence.storage import Database
from run_world import Stage

Steps = dict[str, dict[str, Any]]


@pytest.fixture
def database(embedded: Database) -> Database:
    return embedded


def items(stage: Stage, run_id: str) -> dict[tuple[str, int], StepRun]:
    found = stage.database.read_now(lambda tx: rows.every_step(tx, run_id))
    return {(step.step, step.iteration): step for step in found}


async def test_a_loop_does_its_action_for_each_item_and_keeps_the_results_in_order(database: Database) -> None:
    steps: Steps = {
        "scan": {
            "action": "contoso.write",
            "for_each": "${trigger.hosts}",
            "parallel": 2,
            "with": {"value": {"host": "${item}", "at": "${index}"}},
        },
        "tell": {"action": "contoso.pure", "after": "scan", "with": {"value": "${steps.scan}"}},
    }
    stage = Stage.set(database, steps)
    run_id = stage.request(hosts=["fin-ws-014", "fin-ws-015", "fin-ws-016"])
    assert (await stage.carry(run_id))["status"] == "succeeded"
    found = items(stage, run_id)
    given = [found["scan", number].input["value"] for number in (1, 2, 3)]
    assert given == [{"host": f"fin-ws-01{4 + at}", "at": at} for at in range(3)]
    assert (found["scan", 0].status, found["scan", 0].outcome) == ("succeeded", "done")
    result = {"step": "scan", "effects": 0}
    assert found["tell", 0].input["value"] == {"count": 3, "results": [result] * 3, "failed": []}
    assert [key for key, _ in stage.world.effects] == [f"{run_id}:scan:{number}" for number in (1, 2, 3)]
