"""Ending a run before its time: what is skipped, what is waited for, and what is named."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from ringfence.errors import Conflict, NotFound
from ringfence.runs import cancelling
from ringfence.runs.model import RunStatus
from ringfence.storage import Database
from ringfence.storage.tables import audit_entries, wakes
from run_world import LEASE, Crash, Stage

Steps = dict[str, dict[str, Any]]
STEPS: Steps = {
    "first": {"action": "contoso.write"},
    "ask": {"action": "contoso.write", "after": "first", "with": {"do": [["topic case:7", "ok"]]}, "on_error": "help"},
    "again": {"action": "contoso.write", "after": "first", "with": {"do": [["error"], ["ok"]]}, "retry": {}},
    "last": {"action": "contoso.write", "after": "ask"},
    "help": {"action": "contoso.write"},
}


@pytest.fixture
def database(embedded: Database) -> Database:
    return embedded


def cancel(stage: Stage, run_id: str, reason: str = "A false alarm") -> RunStatus:
    return stage.database.run_now(
        lambda tx: cancelling.request(tx, stage.organization_id, run_id, by="megan.bowen", reason=reason)
    )


async def test_a_run_that_waits_begins_nothing_more_and_says_who_ended_it(database: Database) -> None:
    stage = Stage.set(database, STEPS)
    run_id = stage.request()
    await stage.runner().advance(run_id)
    assert cancel(stage, run_id) is RunStatus.WAITING
    assert cancel(stage, run_id) is RunStatus.WAITING
    run = await stage.carry(run_id)
    assert (run["status"], run["error"]) == ("cancelled", "Cancelled by megan.bowen: A false alarm.")
    assert {name: (str(row.status), row.error) for name, row in stage.steps(run_id).items()} == {
        "first": ("succeeded", ""),
        "ask": ("cancelled", "Cancelled by megan.bowen while it waited."),
        "again": ("cancelled", "Cancelled by megan.bowen while it waited."),
        "last": ("skipped", ""),
        "help": ("skipped", ""),
    }
    assert database.read_now(lambda tx: tx.all(sa.select(wakes))) == []
    told = database.read_now(lambda tx: tx.all(sa.select(audit_entries.c.event, audit_entries.c.actor)))
    assert [(row["event"], row["actor"]) for row in told] == [("run:cancelled", "megan.bowen")]


async def test_a_run_that_nobody_has_begun_ends_at_once(database: Database) -> None:
    stage = Stage.set(database, STEPS)
    run_id = stage.request()
    assert cancel(stage, run_id, "") is RunStatus.CANCELLED
    assert await stage.runner().advance(run_id) is None
    run = stage.run(run_id)
    assert (run["status"], run["error"], stage.world.calls) == ("cancelled", "Cancelled by megan.bowen.", [])


async def test_a_run_that_is_over_or_somebody_else_s_is_not_cancelled(database: Database) -> None:
    stage = Stage.set(database, {"one": {"action": "contoso.pure"}})
    run_id = stage.request()
    await stage.carry(run_id)
    with pytest.raises(Conflict, match="ended already: succeeded"):
        cancel(stage, run_id)
    with pytest.raises(NotFound):
        database.run_now(lambda tx: cancelling.request(tx, "fabrikam", run_id, by="x"))


@pytest.mark.parametrize(("kind", "ended"), [("read", "cancelled"), ("write", "succeeded")])
async def test_a_call_that_may_have_an_effect_is_waited_for_and_one_that_only_asks_is_not(
    database: Database, kind: str, ended: str
) -> None:
    stage = Stage.set(
        database, {"one": {"action": f"contoso.{kind}"}, "two": {"action": "contoso.write", "after": "one"}}
    )
    gate = stage.world.gate("one")
    run_id = stage.request()
    carrying = asyncio.create_task(stage.runner().advance(run_id))
    await stage.world.begun["one"].wait()
    cancel(stage, run_id)
    if kind == "write":
        gate.set()
    await carrying
    run, rows = stage.run(run_id), stage.steps(run_id)
    assert (run["status"], str(rows["one"].status), str(rows["two"].status)) == ("cancelled", ended, "skipped")


async def test_what_was_at_work_when_the_server_stopped_is_named_and_not_done_again(database: Database) -> None:
    stage = Stage.set(database, {"one": {"action": "contoso.write"}})
    run_id = stage.request()
    stage.world.crash_at = 2
    with pytest.raises(Crash):
        await stage.runner().advance(run_id)
    cancel(stage, run_id)
    stage.time.pass_by(LEASE)
    run = await stage.carry(run_id, stage.runner("second"))
    one = stage.steps(run_id)["one"]
    assert (run["status"], one.status, len(stage.world.calls)) == ("cancelled", "cancelled", 1)
    assert "it is not known whether its effect took place" in one.error


async def test_a_loop_that_is_cancelled_says_how_many_items_were_begun(database: Database) -> None:
    steps: Steps = {"one": {"action": "contoso.write", "for_each": [1, 2, 3], "with": {"do": [["wait 60", "ok"]]}}}
    stage = Stage.set(database, steps)
    run_id = stage.request()
    await stage.runner().advance(run_id)
    cancel(stage, run_id)
    await stage.carry(run_id)
    rounds = stage.rounds(run_id)
    assert (rounds["one", 0].status, rounds["one", 1].status) == ("cancelled", "cancelled")
    assert rounds["one", 0].error == "Cancelled by megan.bowen: 1 of 3 items were begun."
    assert ("one", 2) not in rounds


async def test_a_run_of_which_nothing_was_left_to_cut_off_ends_as_it_would_have(database: Database) -> None:
    stage = Stage.set(database, {"one": {"action": "contoso.write"}})
    gate = stage.world.gate("one")
    run_id = stage.request()
    carrying = asyncio.create_task(stage.runner().advance(run_id))
    await stage.world.begun["one"].wait()
    cancel(stage, run_id)
    gate.set()
    await carrying
    assert stage.run(run_id)["status"] == "succeeded"
