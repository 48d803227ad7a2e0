"""What is written of a run, and what of it is kept."""

from typing import Any

import pytest

from ringfence.actions import ActionError, Context, Result, Wait
from ringfence.storage import Database
from run_world import Stage, states

Steps = dict[str, dict[str, Any]]


async def test_hostile_outputs_errors_and_lines_are_kept_or_cut_and_never_stop_a_run(database: Database) -> None:
    evil = "a\x00b\ud800\u202e"
    steps: Steps = {
        "output": {"action": "contoso.read"},
        "wait": {"action": "contoso.read"},
        "error": {"action": "contoso.read", "with": {"value": "${trigger.evil}"}},
        "large": {"action": "contoso.read"},
        "next": {"action": "contoso.read", "after": "output", "with": {"value": "${steps.output.evil}"}},
    }
    stage = Stage.set(database, steps)

    async def output(context: Context) -> Result:
        context.log("info", evil * 10_000, evil=evil)
        context.log("info", "odd", odd=object())  # type: ignore[arg-type]
        return Result(output={"evil": evil})

    async def wait(context: Context) -> Result | Wait:
        return (
            Result() if context.resumed == {"evil": evil} else Wait(topics=(f"case:{evil}", evil), state={"evil": evil})
        )

    async def error(context: Context) -> Result:
        raise ActionError(evil * 100_000, code="evil", permanent=True)

    async def large(context: Context) -> Result:
        return Result(output="x" * 2_000_000)

    stage.world.hooks.update(output=output, wait=wait, error=error, large=large)
    run_id = stage.request(evil=evil)
    await stage.runner().advance(run_id)
    stage.change("case:a\ufffdb?\u202e")
    run = await stage.carry(run_id)
    assert states(stage, run_id) == {
        "output": "succeeded",
        "wait": "succeeded",
        "error": "failed",
        "large": "failed",
        "next": "succeeded",
    }
    assert stage.steps(run_id)["output"].output == {"evil": evil}
    assert stage.world.inputs["next"] == evil
    assert len(stage.steps(run_id)["error"].error) == 2_000
    assert len(run["error"]) <= 2_000
    lines = {message[:3]: message for step, _, message in stage.told(run_id) if step == "output"}
    assert len(lines["a\ufffdb"]) == 4_000
    assert "odd" in lines


@pytest.mark.parametrize(
    ("log_level", "levels"),
    [("error", []), ("warn", ["warn"]), ("info", ["warn", "info"]), ("debug", ["debug", "warn", "debug", "debug", "info"]),
     ("trace", ["debug", "trace", "warn", "debug", "trace", "debug", "info", "trace"])],
)  # fmt: skip
async def test_the_log_keeps_what_the_playbook_s_level_wants(
    database: Database, log_level: str, levels: list[str]
) -> None:
    script = [["error"], ["wait 5", "ok"]]
    step = {"action": "contoso.read", "with": {"do": script}, "retry": {"attempts": 2, "backoff": "1 s"}}
    stage = Stage.set(database, {"one": step}, log_level=log_level)
    run_id = stage.request()
    await stage.carry(run_id)
    assert [level for _, level, _ in stage.told(run_id)] == levels
