from datetime import timedelta

import pytest
import sqlalchemy as sa

from accounts_samples import a_stored_account, an_organization
from alert_samples import NOON
from ringfence.services.heartbeats import Heartbeats
from ringfence.storage import Database
from service_samples import the_service


async def test_what_is_noted_is_written_once_with_the_latest_times(database: Database) -> None:
    account = a_stored_account(database, an_organization(database))
    service, beats = the_service(database, account.id), Heartbeats(database)
    for minute in range(3):
        beats.note(service.id, NOON + timedelta(minutes=minute), NOON + timedelta(minutes=minute + 1))
    assert await beats.write() == 1
    assert await beats.write() == 0
    row = the_service(database, account.id)
    assert (row.polls, row.polled_at) == (3, NOON + timedelta(minutes=2))
    assert row.next_poll_at == NOON + timedelta(minutes=3)


async def test_what_cannot_be_written_is_written_later(embedded: Database) -> None:
    account = a_stored_account(embedded, an_organization(embedded))
    service, beats = the_service(embedded, account.id), Heartbeats(embedded)
    beats.note(service.id, NOON, NOON)
    embedded.run_now(lambda tx: tx.execute(sa.text("ALTER TABLE trigger_services RENAME TO elsewhere")))
    with pytest.raises(sa.exc.OperationalError):
        await beats.write()
    embedded.run_now(lambda tx: tx.execute(sa.text("ALTER TABLE elsewhere RENAME TO trigger_services")))
    beats.note(service.id, NOON, NOON)
    assert await beats.write() == 1
    assert the_service(embedded, account.id).polls == 2
