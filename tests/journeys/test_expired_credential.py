"""A credential that ends in the middle of the work: all waits, people are told once, and a new one lets all go on by itself."""

from pathlib import Path

import sqlalchemy as sa

from journey import Journey, ended, journey, names
from journey_processes import WorkerProcess
from ringfence.accounts import records
from ringfence.accounts.model import Account, AccountState
from ringfence.storage import Transaction
from ringfence.storage.tables import account_credentials, accounts, alerts, containments, notices, runs


async def _account(trip: Journey) -> Account:
    return await trip.app.database.read(lambda tx: records.by_name(tx, trip.organization_id, "contoso"))


def _killed(trip: Journey, worker: WorkerProcess) -> None:
    assert worker.wait(timeout=60) == -9, f"the boundary was not reached\n{trip.log()[-4000:]}"


def _told(tx: Transaction) -> bool:
    return bool(tx.scalar(sa.select(notices.c.id).where(notices.c.event == "account_failed")))


def _failed(tx: Transaction) -> bool:
    return bool(tx.scalar(sa.select(accounts.c.state)) == AccountState.FAILED)


async def _polls(trip: Journey) -> int:
    return len(await trip.control.journal(operation="list_alerts"))


async def _pending_and_then_healthy(trip: Journey) -> None:
    """Connect the tenant before its secret is right, and have it tested again when it is."""
    entered, application = trip.entered(), trip.application()
    await trip.control.remove_secret(application.client_id, application.secrets[0].id)
    async with trip.app.connecting() as accounts_:
        await accounts_.add(trip.organization_id, entered, save_anyway=True)
        assert (await _account(trip)).state is AccountState.PENDING
        await trip.control.add_secret(application.client_id, value=entered.secret)
        assert (await accounts_.test(trip.organization_id, "contoso")).ok
    assert (await _account(trip)).state is AccountState.HEALTHY


async def test_all_waits_for_a_new_credential_and_goes_on_by_itself_whenever_the_worker_is_killed(
    tmp_path: Path,
) -> None:
    async with journey(tmp_path / "data", watch="1 s", connect=_pending_and_then_healthy, dead_after=3) as trip:
        application = trip.application()
        # It ends while a host is cut off: what is left to do needs a credential.
        first, second = names(trip, 2)
        await trip.alert(first)
        _killed(trip, trip.start_worker(crash={"change": ["containment", "contained"]}))
        await trip.control.expire_secret(application.client_id, application.secrets[0].id)
        worker = trip.start_worker()
        await trip.until(lambda tx: _failed(tx) and _told(tx))
        assert "expired" in (await _account(trip)).state_reason
        await trip.alert(second)
        polls = await _polls(trip)
        await trip.live_for(1.0)
        assert await _polls(trip) == polls
        assert await trip.asked("unisolate_machine") == []
        assert await trip.app.database.read(lambda tx: tx.scalar(sa.select(runs.c.status))) in ("running", "waiting")
        worker.kill()
        worker.wait()

        fresh = await trip.control.add_secret(application.client_id)
        async with trip.app.connecting() as connected:
            await connected.offer(trip.organization_id, "contoso", fresh["value"], by="megan")
        # It has worked, and is not switched to.
        _killed(trip, trip.start_worker(crash={"reply": ["GET", "/machines"]}))
        assert (await _account(trip)).state is AccountState.FAILED
        # It is switched to, and nothing was done with it.
        _killed(trip, trip.start_worker(crash={"change": ["account", "healthy"]}))
        assert (await _account(trip)).state is AccountState.HEALTHY

        trip.start_worker()
        await trip.until(ended(2))
        machines = [trip.machine(first), trip.machine(second)]
        assert await trip.asked("isolate_machine") == machines
        assert await trip.asked("unisolate_machine") == machines

        def kept(tx: Transaction) -> list[int | None]:
            counted = [sa.select(sa.func.count()).select_from(table) for table in (alerts, runs, containments)]
            return [tx.scalar(each) for each in counted]

        assert await trip.app.database.read(kept) == [2, 2, 2]
        about = sa.select(notices.c.event, notices.c.reminders, notices.c.over_at).where(notices.c.noun == "account")
        await trip.until(lambda tx: tx.all(about)[0]["over_at"] is not None)
        told = await trip.app.database.read(lambda tx: tx.all(about))
        assert [(each["event"], each["reminders"]) for each in told] == [("account_failed", 0)]
        stages = await trip.app.database.read(lambda tx: tx.all(sa.select(account_credentials.c.stage)))
        assert [each["stage"] for each in stages] == ["old"]
