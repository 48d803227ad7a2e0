"""Who waits for a change is found by whoever sees it, and by the sweep if nobody did."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from ringfence.playbooks.schedule import StepStatus
from ringfence.runs import rows, wakes
from ringfence.runs.model import Awaited, Run, RunStatus, StepRun
from ringfence.storage import Database, Transaction, changes
from ringfence.storage.tables import runs
from ringfence.storage.tables import wakes as wakes_table
from run_world import LEASE, NOON, Stage

STEPS: dict[str, dict[str, Any]] = {"one": {"action": "contoso.pure"}}


@pytest.fixture
def stage(database: Database) -> Stage:
    return Stage.set(database, STEPS)


def park(stage: Stage, *topics: str, step: str = "one", wake_at: Any = None, since: int | None = None) -> Run:
    """Park a new run whose step waits for the topics."""
    run_id = stage.request()

    def work(tx: Transaction) -> Run:
        run = rows.claim(tx, run_id, owner="first", lease=LEASE)
        assert run is not None
        one = StepRun(run.id, step, 0, "contoso.pure", StepStatus.WAITING, state=1, wake_at=wake_at)
        awaited = [Awaited(one, topics, run.newest_change if since is None else since)]
        assert rows.let_go(tx, run, RunStatus.WAITING, steps=[one], awaited=awaited if topics else [])
        return run

    return stage.database.run_now(work)


def topics(stage: Stage) -> list[str]:
    query = sa.select(wakes_table.c.topic).order_by(wakes_table.c.topic)
    return list(stage.database.read_now(lambda tx: tx.execute(query).scalars().all()))


def test_a_change_makes_due_who_waits_for_it_and_nobody_else(stage: Stage) -> None:
    one, two = park(stage, "case:7", "case:8"), park(stage, "case:8", wake_at=NOON + timedelta(hours=1))
    park(stage, "case:9")
    assert stage.change("case:8") == [(one.id, stage.organization_id, 1), (two.id, stage.organization_id, 1)]
    assert stage.steps(one.id)["one"].wake_at == stage.steps(two.id)["one"].wake_at == NOON
    assert (stage.run(one.id)["nudges"], stage.run(two.id)["nudges"]) == (1, 1)
    # Who was woken already is not woken again.
    assert stage.change("case:7") == []
    assert stage.change("other:9") == []


def test_a_run_that_gathers_is_taken_by_nobody_before_its_time(stage: Stage) -> None:
    run_id = stage.request()
    later = sa.update(runs).where(runs.c.id == run_id).values(not_before=NOON + timedelta(seconds=30))
    stage.database.run_now(lambda tx: tx.execute(later))

    def taken() -> Run | None:
        return stage.database.run_now(lambda tx: rows.claim(tx, run_id, owner="first", lease=LEASE))

    def found() -> list[str]:
        asked = stage.database.read_now(lambda tx: wakes.addresses(tx, [run_id]))
        swept = stage.database.read_now(lambda tx: wakes.stranded(tx, older_than=timedelta(seconds=2)))
        return [each[0] for each in (*asked, *swept)]

    stage.time.pass_by(29)
    assert (taken(), found()) == (None, [])
    stage.time.pass_by(1)
    assert found() == [run_id, run_id]
    assert taken() is not None


def test_whether_anybody_waits_is_asked_without_writing(stage: Stage) -> None:
    park(stage, "case:7")
    assert stage.database.read_now(lambda tx: wakes.waited_for(tx, ["case:1", "case:7"]))
    assert not stage.database.read_now(lambda tx: wakes.waited_for(tx, ["case:1"]))


def test_a_change_that_nobody_saw_is_found_later_and_one_from_before_is_not(stage: Stage) -> None:
    stage.change("case:7", wake=False)
    run = park(stage, "case:7")
    assert stage.database.run_now(wakes.wake_missed) == []
    stage.change("case:70", wake=False)
    stage.change("cas:e7", wake=False)
    assert stage.database.run_now(wakes.wake_missed) == []
    stage.change("case:7", wake=False)
    assert stage.database.run_now(wakes.wake_missed) == [(run.id, stage.organization_id, 1)]
    assert stage.database.run_now(wakes.wake_missed) == []


def test_what_a_containment_passes_on_its_way_is_no_change_that_anybody_missed(stage: Stage) -> None:
    run, moments = park(stage, "containment:c", since=0), []
    for kind in ("requested", "approved", "submitting", "pending", "detail", "contained"):
        stage.change("containment:c", wake=False, kind=kind)
        moments.append(len(stage.database.read_now(wakes.missed)))
    assert moments == [0, 0, 0, 0, 0, 1]
    one = stage.steps(run.id)["one"]
    number = stage.database.read_now(changes.latest)
    assert not stage.database.run_now(lambda tx: wakes.note(tx, run, [Awaited(one, ("containment:c",), number)]))
    assert stage.database.run_now(lambda tx: wakes.note(tx, run, [Awaited(one, ("containment:c",), 0)]))


def test_a_topic_may_have_colons_none_or_characters_that_a_database_refuses(stage: Stage) -> None:
    runs = [park(stage, topic) for topic in ("case:a:b", "bare", "case:\x00\ud800")]
    assert topics(stage) == ["bare:", "case:a:b", "case:\ufffd?"]
    for topic in ("case:a:b", "bare:", "case:\ufffd?"):
        stage.change(topic, wake=False)
    assert {run_id for run_id, _, _ in stage.database.run_now(wakes.wake_missed)} == {run.id for run in runs}


def test_who_waits_anew_waits_for_the_new_topics_only(stage: Stage) -> None:
    run = park(stage, "case:7", "case:8")
    one = stage.steps(run.id)["one"]
    stage.database.run_now(lambda tx: wakes.note(tx, run, [Awaited(one, ("case:9", "case:9"), 0)]))
    assert topics(stage) == ["case:9"]
    stage.database.run_now(lambda tx: wakes.note(tx, run, [Awaited(one)]))
    assert topics(stage) == []


def test_a_change_since_the_call_makes_the_step_due_at_once(stage: Stage) -> None:
    run = park(stage, "case:7")
    one = stage.steps(run.id)["one"]
    stage.change("case:8")
    number = stage.database.read_now(changes.latest)
    assert not stage.database.run_now(lambda tx: wakes.note(tx, run, [Awaited(one, ("case:8",), number)]))
    assert one.wake_at is None
    assert stage.database.run_now(lambda tx: wakes.note(tx, run, [Awaited(one, ("case:8",), number - 1)]))
    assert one.wake_at == NOON


def test_a_run_that_is_over_is_not_woken(stage: Stage) -> None:
    run = park(stage, "case:7")
    stage.database.run_now(lambda tx: tx.execute(sa.text("UPDATE runs SET status = 'cancelled'")))
    assert stage.change("case:7") == []
    assert stage.run(run.id)["nudges"] == 0


def test_what_nobody_carries_is_found_the_oldest_first(stage: Stage) -> None:
    requested = stage.request()
    overdue = park(stage, wake_at=NOON + timedelta(seconds=10))
    later = park(stage, wake_at=NOON + timedelta(hours=1))
    stage.time.pass_by(1)
    cut_off = stage.request()
    assert stage.database.run_now(lambda tx: rows.claim(tx, cut_off, owner="first", lease=5)) is not None
    carried = stage.request()
    assert stage.database.run_now(lambda tx: rows.claim(tx, carried, owner="first", lease=600)) is not None

    def stranded(limit: int = 200) -> list[str]:
        found = stage.database.read_now(lambda tx: wakes.stranded(tx, older_than=timedelta(seconds=2), limit=limit))
        return [run_id for run_id, _, _ in found]

    assert stranded() == []
    stage.time.pass_by(1)
    assert stranded() == [requested]
    stage.time.pass_by(4)
    assert stranded() == [requested, cut_off]
    stage.time.pass_by(6)
    assert stranded() == [requested, overdue.id, cut_off]
    assert stranded(limit=2) == [requested, overdue.id]
    stage.time.pass_by(600)
    assert stranded() == [requested, overdue.id, cut_off, carried]
    stage.time.pass_by(3600)
    assert stranded() == [requested, overdue.id, later.id, cut_off, carried]


def test_addresses_leave_out_what_is_over(stage: Stage) -> None:
    one, two = stage.request(), stage.request()
    stage.database.run_now(lambda tx: tx.execute(sa.text(f"UPDATE runs SET status = 'failed' WHERE id = '{two}'")))
    found = stage.database.read_now(lambda tx: wakes.addresses(tx, [two, one]))
    assert found == [(one, stage.organization_id, 0)]


def test_what_is_overdue_is_found_by_the_time_at_which_it_is_due_and_not_by_way_of_all_that_waits(
    embedded: Database,
) -> None:
    def plan(tx: Transaction) -> list[str]:
        made = wakes._STRANDED.compile(dialect=tx.connection.dialect, compile_kwargs={"render_postcompile": True})
        values = made.construct_params({"now": NOON, "past": NOON, "most": 1})
        given = tuple(str(values[name]) for name in made.positiontup or ())
        return [row[3] for row in tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {made}", given)]

    found = embedded.read_now(plan)
    assert any("step_runs USING INDEX ix_step_runs_wake_at" in each for each in found), found
