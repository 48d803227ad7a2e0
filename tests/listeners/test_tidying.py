import asyncio

import sqlalchemy as sa

from accounts_samples import VAULT, a_stored_account, an_organization
from listening_world import a_webhook, refused, signed
from ringfence import clock
from ringfence.listeners import refusals, service_events, webhooks
from ringfence.listeners.receiving import Receiver
from ringfence.listeners.refusals import Reason
from ringfence.listeners.service_events import Brought
from ringfence.listeners.tidying import Tidying
from ringfence.storage import Database
from ringfence.storage.tables import service_events as brought
from ringfence.storage.tables import webhook_deliveries, webhook_refusals
from run_world import Time
from service_samples import the_service

_TABLES = (webhook_deliveries, webhook_refusals, brought)


async def test_what_a_webhook_heard_long_ago_goes_also_where_nothing_comes_any_more(embedded: Database) -> None:
    time, (hook, secret) = Time().start(), a_webhook(embedded, an_organization(embedded))
    receiver = Receiver(embedded, VAULT, tolerance=300.0)
    await receiver.receive(hook, signed(secret, b"", at=clock.timestamp()), "", b"")
    embedded.run_now(lambda tx: refusals.write(tx, {hook: refused(Reason.OFF)}))
    service = the_service(embedded, a_stored_account(embedded, an_organization(embedded, "fabrikam")).id)
    embedded.run_now(lambda tx: service_events.write(tx, service, [Brought("1", None, ())]))

    async def left() -> list[int]:
        stop = asyncio.Event()
        tidying = asyncio.create_task(Tidying(embedded).run_forever(stop))
        await asyncio.sleep(0)
        # It has begun, ends what it is at, and then sees that it is to stop.
        stop.set()
        await tidying
        stored = (sa.select(sa.func.count()).select_from(each) for each in _TABLES)
        return [embedded.read_now(lambda tx: int(tx.scalar(each))) for each in stored]  # noqa: B023

    assert await left() == [1, 1, 1]
    time.pass_by(webhooks.KEPT.total_seconds() + 86_400)
    assert await left() == [0, 0, 0]
