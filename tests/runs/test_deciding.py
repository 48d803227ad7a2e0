"""Which steps have their turn, and how a run ends."""

from typing import Any

import pytest

from ringfence.actions import Context, Result
from ringfence.storage import Database
from run_world import Stage, states

Steps = dict[str, dict[str, Any]]


async def test_conditions_skip_and_joins_meet(database: Database) -> None:
    steps: Steps = {
        "risky": {"action": "contoso.pure", "with": {"do": [["yes"]]}},
        "isolate": {"action": "contoso.contain", "after": "risky.yes"},
        "leave": {"action": "contoso.write", "after": "risky.no"},
        "after_leave": {"action": "contoso.write", "after": "leave"},
        "never": {"action": "contoso.write", "after": "isolate", "if": "steps.isolate.step == 'other'"},
        "tell": {"action": "contoso.write", "after": ["isolate", "leave"], "join": "any"},
        "both": {"action": "contoso.write", "after": ["isolate", "leave"]},
    }
    stage = Stage.set(database, steps)
    run_id = stage.request()
    run = await stage.carry(run_id)
    assert run["status"] == "succeeded"
    assert states(stage, run_id) == {
        "risky": "succeeded",
        "isolate": "succeeded",
        "leave": "skipped",
        "after_leave": "skipped",
        "never": "skipped",
        "tell": "succeeded",
        "both": "skipped",
    }
    assert stage.world.keys() == ["isolate", "tell"]
    skipped = stage.steps(run_id)["never"]
    assert (skipped.started_at, skipped.finished_at) == (None, None)


@pytest.mark.parametrize("handled", [True, False])
async def test_a_failure_is_the_run_s_unless_a_step_handles_it(database: Database, handled: bool) -> None:
    steps: Steps = {"isolate": {"action": "contoso.contain", "with": {"do": [["refuse"]]}}}
    if handled:
        steps["isolate"]["on_error"] = "tell"
        steps["tell"] = {"action": "contoso.write"}
    stage = Stage.set(database, steps)
    run_id = stage.request()
    run = await stage.carry(run_id)
    assert run["status"] == ("partly_failed" if handled else "failed")
    assert run["error"] == "isolate: Never."
    assert stage.world.keys() == ["isolate", "tell"][: 1 + handled]


async def test_a_step_can_end_the_run_while_others_wait_or_are_at_work(embedded: Database) -> None:
    steps: Steps = {
        "asks": {"action": "contoso.read", "with": {"do": [["wait 600", "ok"]]}},
        "slow": {"action": "contoso.write"},
        "halt": {"action": "contoso.read", "with": {"do": [["stopped_failed"]]}},
        "more": {"action": "contoso.write", "after": "slow"},
    }
    stage = Stage.set(embedded, steps)
    gate = stage.world.gate("slow")

    async def say(context: Context) -> Result:
        await stage.world.begun["slow"].wait()
        gate.set()
        return Result("stopped_failed", {"reason": "Enough."})

    stage.world.hooks["halt"] = say
    run_id = stage.request()
    run = await stage.carry(run_id)
    assert (run["status"], run["error"]) == ("failed", "Enough.")
    assert states(stage, run_id) == {"asks": "skipped", "slow": "succeeded", "halt": "succeeded", "more": "skipped"}
    assert stage.world.keys() == ["slow"]
