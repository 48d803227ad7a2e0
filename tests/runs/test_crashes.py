"""Wherever a process ends, another carries the run to the same end, by the same effects."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from databases import Sqlite
from ringfence.runs.model import StepRun
from ringfence.storage.tables import wakes as wakes_table
from run_world import LEASE, Crash, Fragile, Stage

Steps = dict[str, dict[str, Any]]

# Before a call of the database or after its commit; on PostgreSQL the second, from which the first does not differ.
KINDS = [("sqlite", "before"), ("sqlite", "after"), ("postgresql", "after")]

STORY: Steps = {
    "facts": {"action": "contoso.pure", "with": {"value": "${trigger.host}"}},
    "machine": {"action": "contoso.read", "after": "facts", "with": {"value": "${steps.facts.step}"}},
    "risky": {"action": "contoso.pure", "after": "machine", "with": {"do": [["yes"]]}},
    "isolate": {
        "action": "contoso.contain",
        "after": "risky.yes",
        "with": {"do": [["topic case:7", "wait 300", "ok"]], "value": "${steps.machine.step}"},
        "timeout": "2 h",
    },
    "comment": {
        "action": "contoso.write",
        "after": "risky.yes",
        "with": {"do": [["error"], ["wait 5", "error"], ["ok"]]},
        "retry": {"attempts": 3, "backoff": "10 s"},
    },
    "calm": {"action": "contoso.write", "after": "risky.no"},
    "page": {"action": "contoso.write", "after": "isolate", "with": {"do": [["refuse"]]}, "on_error": "call"},
    "call": {"action": "contoso.write", "after": "page.error"},
    "report": {"action": "contoso.pure", "after": ["isolate", "comment", "calm"], "join": "any"},
    "close": {"action": "contoso.write", "after": "report", "if": "steps.report.step == 'report'"},
}
"""Every way in which a step can go, with actions that find their own effect by its key."""


@dataclass(frozen=True)
class Told:
    """What can be seen of a run when it is over."""

    status: str
    error: str
    steps: tuple[tuple[Any, ...], ...]
    effects: frozenset[str]
    first_effects: tuple[str, ...]


def _seen(step: StepRun) -> tuple[Any, ...]:
    return (
        step.step,
        step.iteration,
        step.position,
        step.status,
        step.outcome,
        step.attempt,
        step.input,
        step.output,
        step.error,
    )


@pytest.fixture
def embedded_url(sqlite: Sqlite, tmp_path: Path) -> sa.URL:
    return sqlite.new_url(tmp_path / "data")


@pytest.fixture
def fragile(request: pytest.FixtureRequest, database_url: sa.URL) -> Iterator[Fragile]:
    opened = Fragile(database_url, threads=2)
    yield opened
    opened.close()


LOOP: Steps = {
    "hosts": {"action": "contoso.pure", "with": {"value": 3}},
    "isolate": {
        "action": "contoso.contain",
        "after": "hosts",
        "for_each": [[["topic case:7", "ok"]], [["error"], ["wait 5", "ok"]], [["refuse"]]],
        "parallel": 2,
        "with": {"do": "${item}", "value": "${index}"},
        "retry": {"attempts": 2, "backoff": "10 s", "jitter": 0.5},
        "timeout": "2 h",
        "on_error": "tell",
    },
    "note": {"action": "contoso.write", "after": "isolate.each", "with": {"value": "${steps.isolate.step}"}},
    "sum": {"action": "contoso.pure", "after": "note", "with": {"value": "${index}"}},
    "tell": {"action": "contoso.write", "after": "isolate.error", "with": {"value": "${steps.isolate}"}},
    "never": {"action": "contoso.write", "after": "isolate.done"},
}
"""Items that wait, are tried again, and fail."""


async def test_a_crash_at_any_moment_of_a_loop_changes_nothing_in_the_end(embedded_url: sa.URL) -> None:
    fragile = Fragile(embedded_url, threads=2)
    stage = Stage.set(fragile, LOOP)
    fragile.world, fragile.ends = stage.world, "after"
    whole, _ = await tell(stage, fragile, crash_at=None)
    moments = stage.world.moments
    assert (whole.status, len(whole.steps)) == ("partly_failed", 4 + 3 * 3)
    for crash_at in range(1, moments + 1):
        told, _ = await tell(stage, fragile, crash_at=crash_at)
        assert told.steps == whole.steps, f"crash at {crash_at}"
        assert (told.status, told.error, told.effects) == (whole.status, whole.error, whole.effects), crash_at
    fragile.close()


async def tell(stage: Stage, database: Fragile, *, crash_at: int | None) -> tuple[Told, str]:
    """Carry one run, with a crash if so wished, and tell what became of it."""
    world = stage.world
    world.effects.clear()
    world.moments, world.crash_at = 0, None
    run_id = stage.request(host="fin-ws-014")
    world.crash_at = crash_at
    runner, topics = stage.runner(f"worker {run_id}"), ["case:7"]
    try:
        await stage.carry(run_id, runner, topics=topics)
    except Crash:
        world.crash_at = None
        stage.time.pass_by(LEASE)
        await stage.carry(run_id, stage.runner(f"heir {run_id}"), topics=topics)
    world.crash_at = None
    run = stage.run(run_id)
    keys = [key.removeprefix(run_id) for key, _ in world.effects]
    told = Told(
        run["status"],
        run["error"],
        tuple(_seen(step) for step in stage.rounds(run_id).values()),
        frozenset(keys),
        tuple(dict.fromkeys(keys)),
    )
    assert run["lease_owner"] is None
    assert database.read_now(lambda tx: tx.all(sa.select(wakes_table))) == []
    return told, run_id


@pytest.mark.parametrize(("database_url", "ends"), KINDS, indirect=["database_url"])
async def test_a_crash_at_any_call_of_the_database_or_of_an_action_changes_nothing_in_the_end(
    fragile: Fragile, ends: str
) -> None:
    stage = Stage.set(fragile, STORY)
    fragile.world, fragile.ends = stage.world, ends
    whole, _ = await tell(stage, fragile, crash_at=None)
    moments = stage.world.moments
    assert (whole.status, len(whole.steps)) == ("partly_failed", len(STORY))
    assert moments > 40
    for crash_at in range(1, moments + 1):
        told, _ = await tell(stage, fragile, crash_at=crash_at)
        assert told.steps == whole.steps, f"crash at {crash_at}"
        assert (told.status, told.error, told.effects) == (whole.status, whole.error, whole.effects), crash_at


ONCE: Steps = {
    "first": {"action": "contoso.once", "with": {"do": [["wait 5", "ok"]]}},
    "second": {"action": "contoso.once", "after": "first"},
    "beside": {"action": "contoso.write"},
    "after": {"action": "contoso.pure", "after": "second"},
    "last": {"action": "contoso.write", "after": ["after", "beside"]},
}


@pytest.mark.parametrize(("database_url", "ends"), KINDS, indirect=["database_url"])
async def test_an_effect_that_cannot_be_looked_up_is_had_at_most_once_wherever_the_crash(
    fragile: Fragile, ends: str
) -> None:
    stage = Stage.set(fragile, ONCE)
    fragile.world, fragile.ends = stage.world, ends
    whole, _ = await tell(stage, fragile, crash_at=None)
    assert whole.status == "succeeded"
    unknown = 0
    for crash_at in range(1, stage.world.moments + 1):
        stage.world.calls.clear()
        told, run_id = await tell(stage, fragile, crash_at=crash_at)
        for step, calls in (("first", 2), ("second", 1)):
            had = [key for key, _ in stage.world.effects if key == f"{run_id}:{step}:0"]
            assert len(had) <= calls, f"crash at {crash_at}"
        if told.status == "failed":
            unknown += 1
            assert "it is not known whether its effect took place" in told.error
        else:
            assert told == whole, f"crash at {crash_at}"
    # Only while such a step is at work is it unknown.
    assert 0 < unknown <= 12
