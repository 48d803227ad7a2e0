import asyncio

import sqlalchemy as sa

from accounts_samples import an_organization
from listening_world import a_webhook
from ringfence import clock
from ringfence.listeners import refusals
from ringfence.listeners.refusals import Reason, RefusedOnDay
from ringfence.listeners.refusing import MOST_TOGETHER, MOST_UNKNOWN, Refusing
from ringfence.storage import Database
from ringfence.storage.tables import webhook_refusal_days, webhook_refusals


def of(database: Database, hook: str) -> tuple[int, list[RefusedOnDay]]:
    return database.read_now(lambda tx: (len(refusals.newest(tx, hook)), refusals.by_day(tx, hook)))


async def test_a_flood_leaves_a_bounded_number_behind_and_is_counted_whole(embedded: Database) -> None:
    hook, _ = a_webhook(embedded, an_organization(embedded))
    gathered = Refusing(embedded, pause=3600)
    for _ in range(MOST_TOGETHER):
        gathered.note(hook, Reason.TOO_LARGE, address="203.0.113.7", size=10**30)
    for _ in range(10_000):
        gathered.note(hook, Reason.TOO_MANY, address="203.0.113.7", size=None)
    await gathered.flush()
    kept, days = of(embedded, hook)
    assert kept == MOST_TOGETHER
    assert [(each.reason, each.refused, each.dropped) for each in days] == [
        (Reason.TOO_LARGE, MOST_TOGETHER, MOST_TOGETHER),
        (Reason.TOO_MANY, 10_000, 10_000 - MOST_TOGETHER),
    ]


async def test_addresses_that_lead_to_nothing_take_no_room_from_those_that_do(embedded: Database) -> None:
    organization = an_organization(embedded)
    known, unknown, late = (a_webhook(embedded, organization, name)[0] for name in ("known", "unknown", "late"))
    gathered = Refusing(embedded, pause=3600)
    gathered.note(unknown, Reason.TOO_SLOW, address="", size=None)
    gathered.note("x" * 3000, Reason.TOO_SLOW, address="", size=None)
    for _ in range(MOST_UNKNOWN * 2):
        gathered.note(clock.new_id(), Reason.TOO_MANY, address="", size=None)
    gathered.note(late, Reason.TOO_MANY, address="", size=None)
    gathered.note(known, Reason.OFF, address="", size=1, known=True)
    await gathered.flush()
    assert [of(embedded, each)[0] for each in (known, unknown, late)] == [1, 1, 0]
    stored = sa.select(sa.func.count()).select_from(webhook_refusal_days)
    assert embedded.read_now(lambda tx: tx.scalar(stored)) == 2


async def test_what_cannot_be_written_is_written_with_what_comes_later(embedded: Database) -> None:
    hook, _ = a_webhook(embedded, an_organization(embedded))
    gathered = Refusing(embedded, pause=3600)

    def note(reason: Reason, times: int) -> None:
        for _ in range(times):
            gathered.note(hook, reason, address="", size=None, known=True)

    note(Reason.OFF, MOST_TOGETHER + 5)
    embedded.run_now(lambda tx: tx.execute(sa.text("ALTER TABLE webhook_refusals RENAME TO hidden")))
    writing = asyncio.create_task(gathered.flush())
    await asyncio.sleep(0)
    # While it fails, more comes.
    note(Reason.SIGNATURE, MOST_TOGETHER + 3)
    await writing
    embedded.run_now(lambda tx: tx.execute(sa.text("ALTER TABLE hidden RENAME TO webhook_refusals")))
    await gathered.flush()
    kept, days = of(embedded, hook)
    assert (kept, [(each.reason, each.refused, each.dropped) for each in days]) == (
        MOST_TOGETHER,
        [(Reason.OFF, MOST_TOGETHER + 5, MOST_TOGETHER + 5), (Reason.SIGNATURE, MOST_TOGETHER + 3, 3)],
    )


async def test_refusals_are_written_by_themselves_and_then_nothing_runs_on(embedded: Database) -> None:
    hook, _ = a_webhook(embedded, an_organization(embedded))
    gathered, loop, written = Refusing(embedded, pause=0), asyncio.get_running_loop(), asyncio.Event()

    def ring(_: frozenset[str]) -> None:
        loop.call_soon_threadsafe(written.set)

    embedded.on_change(ring)
    before = asyncio.all_tasks()
    gathered.note(hook, Reason.OFF, address="", size=None)
    (task,) = asyncio.all_tasks() - before
    await task
    await written.wait()
    assert embedded.read_now(lambda tx: len(tx.all(sa.select(webhook_refusals)))) == 1
