import asyncio

from ringfence.organizations import service as organizations
from ringfence.storage import Database, Transaction
from ringfence.storage.bell import bell


async def test_a_commit_that_wrote_changes_rings_and_a_read_does_not(embedded: Database) -> None:
    with bell(embedded) as rung:
        await embedded.read(lambda tx: organizations.every(tx))
        await asyncio.sleep(0)
        assert not rung.is_set()
        await embedded.run(lambda tx: organizations.create(tx, "Contoso"))
        async with asyncio.timeout(60):
            await rung.wait()


async def test_a_bell_for_some_nouns_is_silent_at_changes_of_others(embedded: Database) -> None:
    with bell(embedded, ("alert", "containment")) as rung, bell(embedded) as any_rung:
        await embedded.run(lambda tx: tx.changed("o", "run", "1", "progress"))
        async with asyncio.timeout(60):
            await any_rung.wait()
        assert not rung.is_set()

        def work(tx: Transaction) -> None:
            tx.changed("o", "run", "1", "progress")
            tx.changed("o", "alert", "1", "created")

        await embedded.run(work)
        async with asyncio.timeout(60):
            await rung.wait()


def test_a_bell_whose_loop_is_over_is_silent(embedded: Database) -> None:
    async def hang() -> object:
        held = bell(embedded)
        held.__enter__()
        return held

    held = asyncio.run(hang())
    embedded.run_now(lambda tx: organizations.create(tx, "Contoso"))
    held.__exit__(None, None, None)  # type: ignore[attr-defined]
