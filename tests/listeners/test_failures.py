from typing import Any

import sqlalchemy as sa

from listening_world import publish, runs_of
from ringfence.listeners.feed import CURSOR, ChangeFeed
from ringfence.playbooks import library
from ringfence.playbooks.library import StoredPlaybook
from ringfence.storage import Database, changes
from ringfence.storage.cursors import position
from ringfence.storage.tables import runs
from run_world import Stage


async def handle(database: Database, stage: Stage) -> list[dict[str, object]]:
    """Handle what has changed, and return the runs that were started by a failure."""
    start = database.run_now(lambda tx: position(tx, CURSOR))
    batch = database.read_now(lambda tx: changes.after(tx, start))
    await ChangeFeed(database).handle(batch)
    return [run for run in runs_of(database) if run["trigger"].get("type") == "error"]


def listener(database: Database, stage: Stage, name: str = "Tell", trigger: str = "{type: error}") -> StoredPlaybook:
    return publish(database, stage.organization_id, name, trigger)


async def test_a_failed_run_starts_the_error_playbook_once_with_what_is_known_of_it(embedded: Database) -> None:
    steps: dict[str, dict[str, Any]] = {
        "facts": {"action": "contoso.pure"},
        "secret": {"action": "contoso.pure", "mask": ["output"]},
        "isolate": {"action": "contoso.write", "after": "facts", "with": {"do": [["refuse"]]}},
    }
    stage = Stage.set(embedded, steps)
    embedded.run_now(lambda tx: position(tx, CURSOR))
    playbook = listener(embedded, stage)
    run_id = stage.request(host="fin-ws-014")
    await stage.carry(run_id)
    (started,) = await handle(embedded, stage)
    assert started["playbook_id"] == playbook.id
    seen = started["trigger"]
    assert isinstance(seen, dict)
    assert (seen["run"]["id"], seen["run"]["playbook"], seen["run"]["version"]) == (run_id, "Example", "1.2")
    assert seen["run"]["error"] == "isolate: Never."
    assert seen["failed"] == [{"step": "isolate", "action": "contoso.write", "error": "Never."}]
    assert seen["steps"] == {"facts": {"step": "facts", "effects": 0}, "isolate": None}
    assert seen["trigger"]["host"] == "fin-ws-014"
    assert len(await handle(embedded, stage)) == 1


async def test_what_did_not_fail_or_failed_in_an_error_playbook_starts_nothing(embedded: Database) -> None:
    stage = Stage.set(embedded, {"one": {"action": "contoso.write", "with": {"do": [["refuse"]]}}})
    embedded.run_now(lambda tx: position(tx, CURSOR))
    listener(embedded, stage, "Other", "{type: error, playbooks: [Nobody]}")
    paused = listener(embedded, stage, "Paused")
    embedded.run_now(lambda tx: library.pause(tx, stage.organization_id, paused.id))
    run_id = stage.request()
    embedded.run_now(
        lambda tx: tx.execute(sa.update(runs).where(runs.c.id == run_id).values(trigger={"type": "error"}))
    )
    listener(embedded, stage)
    await stage.carry(run_id)
    assert [run["id"] for run in await handle(embedded, stage)] == [run_id]


async def test_a_very_large_run_is_told_of_without_what_its_steps_gave(embedded: Database) -> None:
    stage = Stage.set(embedded, {"one": {"action": "contoso.write", "with": {"do": [["refuse"]]}}})
    embedded.run_now(lambda tx: position(tx, CURSOR))
    listener(embedded, stage)
    run_id = stage.request(text="x" * 300_000)
    await stage.carry(run_id)
    (started,) = await handle(embedded, stage)
    assert isinstance(started["trigger"], dict)
    assert set(started["trigger"]["trigger"]) == {"type"}
