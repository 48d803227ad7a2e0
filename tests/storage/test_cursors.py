"""A cursor begins at the newest change, is moved with what is done about it, and not at all where that failed."""

import asyncio
from collections.abc import Sequence

import pytest

from ringfence import clock
from ringfence.organizations import service as organizations
from ringfence.storage import Database, Transaction, cursors
from ringfence.storage.changes import Change, after

NAME = "test"


def happen(database: Database, many: int = 1) -> list[Change]:
    """Let changes happen and return all that there are."""
    for number in range(many):
        name = f"Contoso {number} of {clock.new_id()}"
        database.run_now(lambda tx, name=name: organizations.create(tx, name))  # type: ignore[misc]
    return database.read_now(lambda tx: after(tx, 0))


def test_what_was_there_before_is_passed_over_and_the_rest_is_taken_once(database: Database) -> None:
    happen(database)
    database.run_now(lambda tx: cursors.position(tx, NAME))
    batch = happen(database, 2)
    assert [each.id for each in database.run_now(lambda tx: cursors.take(tx, NAME, batch))] == [
        each.id for each in batch[1:]
    ]
    assert database.run_now(lambda tx: cursors.take(tx, NAME, batch)) == []
    assert database.run_now(lambda tx: cursors.position(tx, NAME)) == batch[-1].id
    assert database.run_now(lambda tx: cursors.position(tx, "another")) == batch[-1].id


def test_what_could_not_be_done_is_taken_again(database: Database) -> None:
    database.run_now(lambda tx: cursors.position(tx, NAME))
    batch = happen(database)

    def work(tx: Transaction) -> None:
        cursors.take(tx, NAME, batch)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        database.run_now(work)
    assert database.run_now(lambda tx: cursors.take(tx, NAME, batch)) == batch


async def test_after_a_failure_the_feed_is_followed_from_the_same_place(
    embedded: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cursors, "AFTER_FAILURE", 0.0)
    embedded.run_now(lambda tx: cursors.position(tx, NAME))
    first = happen(embedded)
    handed: list[list[int]] = []
    enough = asyncio.Event()

    async def handle(batch: Sequence[Change]) -> None:
        handed.append([each.id for each in batch])
        if len(handed) == 1:
            raise RuntimeError
        enough.set()

    task = asyncio.create_task(cursors.follow(embedded, NAME, handle))
    await asyncio.wait_for(enough.wait(), 60)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert handed == [[each.id for each in first]] * 2
