"""Limits of a playbook: who begins, who waits for whom, and who is dropped."""

import asyncio
from typing import Any

import sqlalchemy as sa

from ringfence.playbooks.plan import PlanLimits
from ringfence.runs import cancelling, limits, wakes
from ringfence.storage import Database
from ringfence.storage.tables import runs
from run_world import LEASE, Stage

WAITS: dict[str, dict[str, Any]] = {"one": {"action": "contoso.write", "with": {"do": [["wait 600", "ok"]]}}}


def request(stage: Stage, machine: str | None = None) -> str:
    run_id = stage.request()
    stage.time.pass_by(1)
    own = runs.c.id == run_id
    stage.database.run_now(lambda tx: tx.execute(sa.update(runs).where(own).values(machine_id=machine)))
    return run_id


async def begin(stage: Stage, *run_ids: str) -> list[tuple[str, str]]:
    """Try to begin runs; returns where each stands and why."""
    for run_id in run_ids:
        await stage.runner().advance(run_id)
    return [(stage.run(run_id)["status"], stage.run(run_id)["error"]) for run_id in run_ids]


def line(stage: Stage, *ended: str) -> list[str]:
    return [address[0] for address in stage.database.read_now(lambda tx: limits.next_in_line(tx, ended))]


async def test_no_more_runs_are_under_way_than_may_be_and_the_next_begins_when_one_ends(database: Database) -> None:
    stage = Stage.set(database, WAITS, limits={"concurrent": 2})
    first, second, third, fourth = (request(stage) for _ in range(4))
    said = "Waits for its turn: 2 runs of this playbook are under way, and no more than 2 may be."
    assert await begin(stage, first, second, third, fourth) == [("waiting", "")] * 2 + [("requested", said)] * 2
    assert stage.run(third)["started_at"] is None
    assert line(stage, first) == [third, fourth]
    await stage.carry(first)
    assert await begin(stage, third, fourth) == [("waiting", ""), ("requested", said)]
    assert (await stage.carry(third))["status"] == "succeeded"
    assert stage.run(third)["held_since"] is None
    assert line(stage, third) == [fourth]


async def test_one_machine_has_one_run_at_a_time(embedded: Database) -> None:
    stage = Stage.set(embedded, WAITS, limits={"one_per_machine": True})
    first, same, other, none, no = (request(stage, machine) for machine in ("m1", "m1", "m2", None, None))
    said = f"Waits for its turn: Run {first} of this playbook is at work on the same machine."
    found = await begin(stage, first, same, other, none, no)
    assert found == [("waiting", ""), ("requested", said), *[("waiting", "")] * 3]
    await stage.carry(first)
    assert line(stage, first) == [same]
    assert await begin(stage, same) == [("waiting", "")]


async def test_what_is_too_many_may_be_dropped_and_says_so(embedded: Database) -> None:
    stage = Stage.set(embedded, WAITS, limits={"concurrent": 1, "excess": "drop"})
    first, second = request(stage), request(stage)
    said = "Dropped: 1 run of this playbook is under way, and no more than 1 may be."
    assert await begin(stage, first, second) == [("waiting", ""), ("cancelled", said)]
    assert stage.run(second)["finished_at"] is not None


async def test_a_run_that_was_let_in_is_never_stopped_by_a_limit(embedded: Database) -> None:
    stage = Stage.set(embedded, WAITS, limits={"concurrent": 1})
    first, second = request(stage), request(stage)
    await begin(stage, first, second)
    stage.time.pass_by(600 + LEASE)
    assert await begin(stage, second, first) == [("requested", stage.run(second)["error"]), ("succeeded", "")]


async def test_a_run_that_waits_for_its_turn_is_looked_at_each_minute_and_not_by_every_sweep(
    embedded: Database,
) -> None:
    stage = Stage.set(embedded, WAITS, limits={"concurrent": 1})
    first, second = request(stage), request(stage)
    await begin(stage, first, second)

    def found() -> tuple[list[str], list[str]]:
        swept = embedded.read_now(lambda tx: wakes.stranded(tx, older_than=stage.time.now - stage.time.now))
        return [each[0] for each in swept], [each[0] for each in embedded.read_now(limits.overlooked)]

    assert found() == ([], [])
    stage.time.pass_by(60)
    assert found() == ([], [second])
    await begin(stage, second)
    assert found() == ([], [])


async def test_a_run_that_waits_for_its_turn_can_be_cancelled(embedded: Database) -> None:
    stage = Stage.set(embedded, WAITS, limits={"concurrent": 1})
    first, second = request(stage), request(stage)
    await begin(stage, first, second)
    embedded.run_now(lambda tx: cancelling.request(tx, stage.organization_id, second, by="megan.bowen"))
    assert await begin(stage, second) == [("cancelled", "Cancelled by megan.bowen.")]
    assert line(stage, first) == []


async def test_many_at_once_never_take_more_places_than_there_are(database: Database) -> None:
    stage = Stage.set(database, WAITS, limits={"concurrent": 3})
    run_ids = [request(stage) for _ in range(8)]
    runners = [stage.runner(f"worker {number}") for number in range(8)]
    await asyncio.gather(*(runner.advance(run_id) for runner, run_id in zip(runners, run_ids, strict=True)))
    assert sorted(stage.run(run_id)["status"] for run_id in run_ids) == ["requested"] * 5 + ["waiting"] * 3


async def test_what_would_become_of_a_run_now_is_foreseen(embedded: Database) -> None:
    stage = Stage.set(embedded, WAITS, limits={"concurrent": 1})

    def ahead(excess: str, playbook: str = "Example") -> str:
        asked = PlanLimits.model_validate({"concurrent": 1, "excess": excess})
        return embedded.read_now(lambda tx: limits.foreseen(tx, stage.organization_id, playbook, asked, None))

    assert ahead("wait") == ""
    await begin(stage, request(stage))
    reason = "now: 1 run of this playbook is under way, and no more than 1 may be."
    assert ahead("wait") == f"A run would wait for its turn {reason}"
    assert ahead("drop") == f"A run would be dropped {reason}"
    assert ahead("drop", "Another") == ""
