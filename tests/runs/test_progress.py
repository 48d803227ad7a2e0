from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from contoso import NOW, Contoso, seed
from ringfence import clock
from ringfence.errors import NotFound
from ringfence.playbooks import rounds
from ringfence.runs import progress
from ringfence.security.crypto import Vault
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import playbook_versions, run_logs, step_runs

VAULT = Vault(bytes(32))


@pytest.fixture
def contoso(database: Database) -> Contoso:
    clock.replace(NOW.timestamp)
    return database.run_now(seed)


def loop(tx: Transaction, contoso: Contoso, step: str, **statuses: int) -> None:
    number = 0
    for status, many in statuses.items():
        for _ in range(many):
            number += 1
            over = status in ("succeeded", "failed")
            values: dict[str, Any] = {"run_id": contoso.live_run_id, "step": step, "iteration": number, "position": 9}
            values |= {"action": "defender.get_machine", "status": status, "attempt": number}
            values |= {"input": {"machine": f"ws-{number}"}, "error": "Gone." if status == "failed" else ""}
            values |= {"started_at": NOW, "finished_at": NOW + timedelta(seconds=number) if over else None}
            tx.execute(sa.insert(step_runs).values(values))


def read(database: Database, contoso: Contoso) -> progress.Progress:
    return database.read_now(lambda tx: progress.progress(tx, contoso.organization_id, contoso.live_run_id, VAULT))


def close(database: Database, contoso: Contoso, step: str, number: int | None = None) -> progress.CloseUp:
    return database.read_now(
        lambda tx: progress.close_up(tx, contoso.organization_id, contoso.live_run_id, VAULT, step, number)
    )


def test_each_step_says_how_it_stands_and_a_loop_how_many_items_stand_how(database: Database, contoso: Contoso) -> None:
    database.run_now(lambda tx: loop(tx, contoso, "look", succeeded=3, failed=1))
    database.run_now(lambda tx: loop(tx, contoso, "known", started=1, succeeded=2))
    found = read(database, contoso)
    assert (found.row.playbook_name, found.source[:1]) == ("Contain ransomware", "#")
    assert (found.steps["wait"].status, found.steps["wait"].wake_at) == ("waiting", NOW + timedelta(minutes=4))
    look = found.steps["look"]
    assert (look.status, dict(look.items), look.attempt) == ("failed", {"succeeded": 3, "failed": 1}, 4)
    assert (look.started_at, look.finished_at) == (NOW, NOW + timedelta(seconds=4))
    # A step with a row of its own stands as that says, whatever its items do.
    known = found.steps["known"]
    assert (known.status, known.outcome, dict(known.items)) == ("succeeded", "yes", {"started": 1, "succeeded": 2})


def test_of_a_call_that_was_tried_again_the_newest_try_counts(database: Database, contoso: Contoso) -> None:
    first, second = rounds.of_try(0, 1), rounds.of_try(0, 2)
    in_loop = [rounds.of_try(rounds.of_item(0, item), number) for item, number in ((1, 1), (1, 2), (2, 1))]

    def write(tx: Transaction) -> None:
        for step, iteration, status in (
            ("call/once", first, "failed"),
            ("call/once", second, "succeeded"),
            ("call/each", rounds.of_item(first, 1), "failed"),
            ("call/each", rounds.of_item(second, 1), "succeeded"),
            ("call/each", rounds.of_item(second, 2), "started"),
            ("each/call", in_loop[0], "failed"),
            ("each/call", in_loop[1], "succeeded"),
            ("each/call", in_loop[2], "failed"),
        ):
            values = {"run_id": contoso.live_run_id, "step": step, "iteration": iteration, "position": 9, "attempt": 1}
            tx.execute(sa.insert(step_runs).values(values | {"action": "logic.set", "status": status, "error": ""}))

    database.run_now(write)
    steps = read(database, contoso).steps
    assert (steps["call/once"].status, dict(steps["call/once"].items)) == ("succeeded", {})
    assert (steps["call/each"].status, dict(steps["call/each"].items)) == ("started", {"succeeded": 1, "started": 1})
    assert (steps["each/call"].status, dict(steps["each/call"].items)) == ("failed", {"succeeded": 1, "failed": 1})


def test_one_step_comes_close_up_with_the_item_that_is_asked_for_or_the_first_that_failed(
    database: Database, contoso: Contoso
) -> None:
    def write(tx: Transaction) -> None:
        loop(tx, contoso, "look", succeeded=3, failed=1, started=1)
        row = {"run_id": contoso.live_run_id, "at": NOW, "level": "info", "fields": {}, "step": "look"}
        tx.execute(sa.insert(run_logs), [row | {"message": f"line {number}"} for number in range(250)])

    database.run_now(write)
    found = close(database, contoso, "look")
    assert (found.step.iteration, found.step.input, found.item_count) == (4, {"machine": "ws-4"}, 5)
    assert [(each.number, each.error) for each in found.items[:2]] == [(4, "Gone."), (1, "")]
    assert found.items[-1].took == timedelta(0)
    assert (len(found.lines), found.lines[-1].message) == (progress.LINES, "line 249")
    assert close(database, contoso, "look", 2).step.input == {"machine": "ws-2"}
    alone = close(database, contoso, "machine")
    assert (alone.step.iteration, alone.items, alone.step.output["healthStatus"]) == (0, (), "Active")


def test_what_there_is_not_is_said(database: Database, contoso: Contoso) -> None:
    for step, number in (("nothing", None), ("machine", 7)):
        with pytest.raises(NotFound):
            close(database, contoso, step, number)
    with pytest.raises(NotFound):
        database.read_now(lambda tx: progress.progress(tx, "other", contoso.live_run_id, VAULT))
    with pytest.raises(NotFound):
        database.read_now(lambda tx: progress.close_up(tx, "other", contoso.live_run_id, VAULT, "machine"))


def test_what_a_playbook_masks_is_shown_neither_in_a_step_nor_in_what_it_says(
    database: Database, contoso: Contoso
) -> None:
    def spoil(tx: Transaction) -> None:
        source = tx.scalar(sa.select(playbook_versions.c.source)) or ""
        masked = source.replace("  machine:\n", "  machine:\n    mask: [output.healthStatus]\n", 1)
        tx.execute(sa.update(playbook_versions).values(source=masked))
        own = (step_runs.c.run_id == contoso.live_run_id) & (step_runs.c.step == "wait")
        tx.execute(sa.update(step_runs).where(own).values(error="It is Sleeping-Beauty."))
        own = (step_runs.c.run_id == contoso.live_run_id) & (step_runs.c.step == "machine")
        tx.execute(sa.update(step_runs).where(own).values(output={"healthStatus": "Sleeping-Beauty"}))

    database.run_now(spoil)
    assert "Sleeping-Beauty" not in read(database, contoso).steps["wait"].error
    assert "Sleeping-Beauty" not in str(close(database, contoso, "machine"))
