"""What is loaded of a run: enough to go on as if all of it had been."""

from typing import Any

from ringfence.playbooks.components import compile_whole
from ringfence.playbooks.document import read
from ringfence.runs import rows
from ringfence.runs.loading import load
from ringfence.runs.scopes import Course
from ringfence.storage import Database
from run_world import Stage, source_of

ITEMS = [{"n": 1, "do": [["wait 60", "ok"]]}, {"n": 2, "do": [["refuse"]]}, {"n": 3, "do": [["ok"]]}]
STEPS: dict[str, dict[str, Any]] = {
    "first": {
        "action": "contoso.write",
        "for_each": "${trigger.items}",
        "with": {"do": "${item.do}"},
        "on_error": "mend",
    },
    "note": {"action": "contoso.write", "after": "first.each", "with": {"value": "${index}"}},
    "mend": {"action": "contoso.pure", "with": {"value": "${[steps.first.failed, steps.note]}"}},
    "second": {
        "action": "contoso.write",
        "for_each": "${trigger.items}",
        "parallel": 3,
        "after": "mend",
        "with": {"do": [["wait 60", "wait 60", "ok"]]},
    },
    "third": {"action": "contoso.write", "after": "second.each", "with": {"do": [["wait 60", "ok"]]}},
    "last": {"action": "contoso.pure", "after": "second.done", "with": {"value": "${[steps.note, steps.third]}"}},
    "side": {"action": "contoso.write", "with": {"do": [["wait 6000", "ok"]]}},
}


def _put(course: Course) -> Any:
    return [
        (scope.iteration, scope.steps, list(scope.frames), scope.gathered, scope.decide()) for scope in course.scopes()
    ]


async def test_a_run_goes_on_from_what_is_loaded_as_from_all_its_rows(database: Database) -> None:
    stage = Stage.set(database, STEPS)
    run_id, runner = stage.request(items=ITEMS), stage.runner()
    playbook = read(source_of(STEPS)).playbook
    assert playbook is not None
    plan = compile_whole(playbook, stage.catalogue, {})
    loaded_of_items: list[set[str]] = []
    while stage.run(run_id)["status"] in ("requested", "running", "waiting"):
        await runner.advance(run_id)
        everything = database.read_now(lambda tx: rows.every_step(tx, run_id))
        found = database.read_now(lambda tx: load(tx, run_id, plan))
        assert _put(Course.restored(plan, found.steps, found.seen)) == _put(Course.restored(plan, everything))
        loaded_of_items.append({step.step for step in found.steps if step.iteration})
        stage.time.pass_by(60)
    assert stage.run(run_id)["status"] == "partly_failed"
    assert [each for at, each in enumerate(loaded_of_items) if each != loaded_of_items[at - 1]] == [
        {"first"},
        {"second"},
        {"second", "third"},
        set(),
    ]


async def test_what_was_cut_off_in_a_loop_is_loaded_still(embedded: Database) -> None:
    steps = {
        "wait": {"action": "contoso.write", "for_each": [1, 2], "parallel": 2, "with": {"do": [["wait 60", "ok"]]}}
    }
    stage = Stage.set(embedded, steps)
    run_id = stage.request()
    await stage.runner().advance(run_id)
    found = embedded.read_now(lambda tx: rows.every_step(tx, run_id))
    playbook = read(source_of(steps)).playbook
    assert playbook is not None
    plan = compile_whole(playbook, stage.catalogue, {})
    for step in found:
        step.status = type(step.status).CANCELLED
    embedded.run_now(lambda tx: rows._write_rows(tx, found, ()))
    assert len(embedded.read_now(lambda tx: load(tx, run_id, plan)).steps) == 3
