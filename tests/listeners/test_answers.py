import asyncio

from accounts_samples import VAULT, an_organization
from listening_world import a_webhook, publish, runs_of, signed
from ringfence import clock
from ringfence.listeners import webhooks
from ringfence.listeners.answers import Answers, Reply
from ringfence.listeners.receiving import Receipt, Receiver
from ringfence.runs.answering import Caller
from ringfence.storage import Database
from ringfence.storage.tables import runs


async def _receive(database: Database, *, seconds: float, message_id: str = "msg_1") -> tuple[Receiver, Receipt, str]:
    organization = an_organization(database)
    webhook_id, secret = a_webhook(database, organization)
    publish(database, organization, "Fits", "{type: webhook, hook: siem}")
    database.run_now(lambda tx: webhooks.wait_for_answers(tx, organization, "siem", seconds))
    receiver = Receiver(database, VAULT, tolerance=300.0)
    sent = signed(secret, b"{}", message_id=message_id, at=clock.timestamp())
    receipt = await receiver.receive(webhook_id, sent, "application/json", b"{}")
    return receiver, receipt, organization


async def test_a_sender_that_waits_gets_what_the_playbook_answers_at_once(database: Database) -> None:
    receiver, receipt, organization = await _receive(database, seconds=30)
    waiting = asyncio.create_task(receiver.answer(receipt))
    (run,) = runs_of(database)
    caller = Caller(database, organization, run["trigger"])
    assert await caller.answer(status=202, content_type="text/plain", body="taken", key="r:s:0")
    assert await waiting == Reply(202, "text/plain", "taken")
    assert await receiver.answer(receipt) == Reply(202, "text/plain", "taken")


async def test_a_sender_does_not_wait_for_runs_that_ended_without_an_answer(embedded: Database) -> None:
    receiver, receipt, _ = await _receive(embedded, seconds=30)
    embedded.run_now(lambda tx: tx.execute(runs.update().values(status="failed")))
    assert await receiver.answer(receipt) is None


async def test_waiting_is_bounded_and_off_unless_it_is_switched_on(embedded: Database) -> None:
    receiver, receipt, _ = await _receive(embedded, seconds=0.01)
    assert await receiver.answer(receipt) is None
    assert await Answers(embedded).wait(receipt.delivery_id, (), 30) is None
    assert await receiver.answer(Receipt(receipt.delivery_id, False, receipt.runs, 0.0)) is None
