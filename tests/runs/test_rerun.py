"""Runs that are done again: all of them, or from a step on with what was recorded."""

from typing import Any

import pytest
import sqlalchemy as sa

from ringfence import clock
from ringfence.audit.acting import Via, acting
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.runs import rerun
from ringfence.runs.rerun import Rerun
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import playbook_versions, playbooks, runs
from run_world import Stage, source_of

Steps = dict[str, dict[str, Any]]

STEPS: Steps = {
    "read": {"action": "contoso.read"},
    "cut": {"action": "contoso.contain", "after": "read"},
    "tell": {"action": "contoso.write", "after": "cut", "with": {"do": [["refuse"]], "value": "${steps.cut.step}"}},
    "last": {"action": "contoso.write", "after": "tell"},
    "aside": {"action": "contoso.write", "after": "read"},
}
MENDED: Steps = {**STEPS, "tell": {**STEPS["tell"], "with": {"value": "${steps.cut.step}"}}}


def begin(stage: Stage, run_id: str, *steps: str, newest: bool = False, key: str | None = None) -> str:
    with acting("megan.bowen", Via.PAGE, "session 1a2b3c4d"):
        return stage.database.run_now(
            lambda tx: rerun.begin(
                tx,
                stage.organization_id,
                run_id,
                stage.catalogue,
                by="megan.bowen",
                steps=steps,
                newest=newest,
                key=key,
            )
        )


def look(stage: Stage, run_id: str, *steps: str, newest: bool = False) -> Rerun:
    return stage.database.read_now(
        lambda tx: rerun.look(tx, stage.organization_id, run_id, stage.catalogue, steps=steps, newest=newest)
    )


def publish(stage: Stage, steps: Steps) -> None:
    """Publish the next version, which is 1.3."""

    def work(tx: Transaction) -> None:
        version = {"id": clock.new_id(), "playbook_id": stage.playbook_id, "major": 1, "minor": 3}
        more = {"source": source_of(steps), "published_at": clock.now(), "published_by": "megan.bowen"}
        tx.execute(sa.insert(playbook_versions).values(version | more))
        mine = playbooks.c.id == stage.playbook_id
        tx.execute(sa.update(playbooks).where(mine).values(active_version_id=version["id"]))

    stage.database.run_now(work)


async def test_a_run_goes_on_from_a_step_with_what_the_earlier_ones_gave_and_repeats_none_of_their_effects(
    database: Database,
) -> None:
    stage = Stage.set(database, STEPS)
    first = stage.request()
    assert (await stage.carry(first))["status"] == "failed"
    publish(stage, MENDED)
    effects = len(stage.world.effects)
    again = begin(stage, first, "tell", newest=True)
    run = await stage.carry(again)
    assert run["status"] == "succeeded"
    assert [key for key, _ in stage.world.effects[effects:]] == [f"{again}:tell:0", f"{again}:last:0"]
    assert stage.world.inputs["tell"] == "cut"
    kept = stage.steps(again)["cut"]
    assert (kept.output, kept.finished_at) == (stage.steps(first)["cut"].output, stage.steps(first)["cut"].finished_at)
    assert (run["rerun_of"], run["original_id"], run["rerun_from"]) == (first, first, ["tell"])
    assert (run["run_as"], run["run_as_kind"], run["run_via"]) == ("megan.bowen", "person", "page")
    assert run["run_credential"] == "session 1a2b3c4d"
    third = begin(stage, again, "last")
    assert stage.run(third)["original_id"] == first


async def test_a_run_that_is_done_again_as_a_whole_does_everything_once_more_by_its_own_version(
    embedded: Database,
) -> None:
    stage = Stage.set(embedded, STEPS)
    first = stage.request(machine_id="m")
    await stage.carry(first)
    publish(stage, MENDED)
    again = begin(stage, first)
    run = await stage.carry(again)
    assert (run["status"], run["playbook_version_id"], run["rerun_from"]) == ("failed", stage.version_id, None)
    assert run["trigger"] == stage.run(first)["trigger"]
    assert run["machine_id"] == "m"
    assert stage.world.keys().count("cut") == 2


async def test_it_is_said_beforehand_what_would_be_done_again(embedded: Database) -> None:
    stage = Stage.set(embedded, STEPS)
    first = stage.request()
    await stage.carry(first)
    found = look(stage, first, "cut")
    assert [part.name for part in found.again] == ["cut", "tell", "last"]
    assert [part.name for part in found.kept] == ["read", "aside"]
    assert found.sentences == (
        "Example 1.2 (the same version) would do again: "
        "cut (contoso.contain), tell (contoso.write), last (contoso.write).",
        "Kept as recorded, and not done again: read (contoso.read), aside (contoso.write).",
        "These changed something outside already and would do so once more: cut (contoso.contain), tell (contoso.write).",
    )
    whole = look(stage, first)
    assert (len(whole.again), whole.kept, whole.steps) == (5, (), None)


async def test_a_step_that_the_newest_version_does_differently_is_done_again_with_what_follows(
    embedded: Database,
) -> None:
    stage = Stage.set(embedded, STEPS)
    first = stage.request()
    await stage.carry(first)
    publish(stage, {**MENDED, "aside": {"action": "contoso.once", "after": "read"}, "new": {"action": "contoso.write"}})
    assert {part.name for part in look(stage, first, "tell", newest=True).again} == {"tell", "last", "aside", "new"}


async def test_items_of_a_loop_are_kept_with_it_and_done_again_with_it(embedded: Database) -> None:
    steps: Steps = {
        "each": {"action": "contoso.write", "for_each": [1, 2], "with": {"value": "${item}"}},
        "inner": {"action": "contoso.write", "after": "each.each"},
        "after": {"action": "contoso.write", "after": "each"},
    }
    stage = Stage.set(embedded, steps)
    first = stage.request()
    assert (await stage.carry(first))["status"] == "succeeded"
    kept = begin(stage, first, "after")
    assert (await stage.carry(kept))["status"] == "succeeded"
    assert stage.world.keys().count("inner") == 2
    assert set(stage.rounds(kept)) == set(stage.rounds(first))
    anew = begin(stage, first, "each")
    assert (await stage.carry(anew))["status"] == "succeeded"
    assert stage.world.keys().count("inner") == 4
    with pytest.raises(Invalid, match="no step 'inner'"):
        look(stage, first, "inner")


async def test_one_item_of_a_loop_is_done_again_alone_and_what_follows_the_loop_with_it(embedded: Database) -> None:
    steps: Steps = {
        "each": {"action": "contoso.write", "for_each": [1, 2, 3], "with": {"value": "${item}"}},
        "inner": {"action": "contoso.write", "after": "each.each", "with": {"value": "${item}"}},
        "after": {"action": "contoso.write", "after": "each", "with": {"value": "${length(steps.each.results)}"}},
    }
    stage = Stage.set(embedded, steps)
    first = stage.request()
    assert (await stage.carry(first))["status"] == "succeeded"
    said = look(stage, first, "each[2]")
    assert [(part.name, part.effect) for part in said.again] == [("each[2]", "write"), ("after", "write")]
    again = begin(stage, first, "each[2]")
    assert (await stage.carry(again))["status"] == "succeeded"
    assert set(stage.rounds(again)) == set(stage.rounds(first))
    names = stage.world.keys()
    assert {name: names.count(name) for name in ("each", "inner", "after")} == {"each": 4, "inner": 4, "after": 2}
    whole = look(stage, first, "each", "each[2]")
    assert [part.name for part in whole.again] == ["each", "after"]
    for wrong, why in (("each[4]", "has no item 4"), ("after[1]", "went over no items"), ("gone[1]", "no step 'gone'")):
        with pytest.raises(Invalid, match=why):
            look(stage, first, wrong)


async def test_what_a_stop_cut_off_is_done_again(embedded: Database) -> None:
    steps: Steps = {
        "one": {"action": "contoso.write"},
        "halt": {"action": "contoso.read", "with": {"do": [["stopped_failed"]]}, "after": "one"},
        "rest": {"action": "contoso.write", "after": "one"},
    }
    stage = Stage.set(embedded, steps)
    first = stage.request()
    await stage.carry(first)
    assert {part.name for part in look(stage, first, "rest").again} >= {"halt", "rest"}


async def test_the_same_key_gives_the_same_run(embedded: Database) -> None:
    stage = Stage.set(embedded, STEPS)
    first = stage.request()
    await stage.carry(first)
    assert begin(stage, first, "tell", key="k") == begin(stage, first, "tell", key="k") != begin(stage, first, "tell")
    with pytest.raises(Invalid, match="idempotency"):
        begin(stage, first, key="")


async def test_what_cannot_be_done_again_is_refused_with_what_to_do(embedded: Database) -> None:
    stage = Stage.set(embedded, STEPS)
    first = stage.request()
    with pytest.raises(Conflict, match="under way"):
        look(stage, first)
    await stage.carry(first)
    with pytest.raises(Invalid, match="no step 'none'"):
        look(stage, first, "none")
    with pytest.raises(NotFound):
        stage.database.read_now(lambda tx: rerun.look(tx, "another", first, stage.catalogue))
    mine = sa.update(playbooks).where(playbooks.c.id == stage.playbook_id)
    embedded.run_now(lambda tx: tx.execute(mine.values(state="paused")))
    with pytest.raises(Conflict, match="paused"):
        begin(stage, first)
    versions = sa.update(playbook_versions).values(source="name: [")
    embedded.run_now(lambda tx: (tx.execute(versions), tx.execute(mine.values(state="active"))))
    with pytest.raises(Invalid, match="cannot be read"):
        look(stage, first)


async def test_a_success_spares_time_once_however_often_it_is_done_again(database: Database) -> None:
    stage = Stage.set(database, {"one": {"action": "contoso.write"}})
    minutes = sa.update(playbook_versions).values(minutes_saved=12.5)
    database.run_now(lambda tx: tx.execute(minutes))
    first = stage.request()
    assert (await stage.carry(first))["minutes_saved"] == 12.5
    assert (await stage.carry(begin(stage, first)))["minutes_saved"] is None
    failed = stage.request()
    await stage.carry(failed)
    database.run_now(lambda tx: tx.execute(sa.update(runs).where(runs.c.id == failed).values(minutes_saved=None)))
    mended = begin(stage, failed)
    assert (await stage.carry(mended))["minutes_saved"] == 12.5
    assert (await stage.carry(begin(stage, mended, "one")))["minutes_saved"] is None
