import pytest

from accounts_samples import VAULT, an_organization
from listening_world import a_webhook, publish, runs_of, signed
from ringfence import clock
from ringfence.actions import ActionError
from ringfence.listeners import webhooks
from ringfence.listeners.receiving import Receiver
from ringfence.runs.answering import Caller
from ringfence.storage import Database


async def test_a_message_is_answered_once_by_one_step(embedded: Database) -> None:
    organization = an_organization(embedded)
    webhook_id, secret = a_webhook(embedded, organization)
    publish(embedded, organization, "Fits", "{type: webhook, hook: siem}")
    sent = signed(secret, b"{}", message_id="m", at=clock.timestamp())
    await Receiver(embedded, VAULT, tolerance=300.0).receive(webhook_id, sent, "", b"{}")
    (run,) = runs_of(embedded)
    caller = Caller(embedded, organization, run["trigger"])
    assert await caller.answer(status=200, content_type="text/plain", body="a", key="k") is False
    embedded.run_now(lambda tx: webhooks.wait_for_answers(tx, organization, "siem", 5))
    assert await caller.answer(status=500, content_type="text/plain", body="b", key="k") is True
    with pytest.raises(ActionError, match="answered already"):
        await caller.answer(status=200, content_type="text/plain", body="a", key="other")


@pytest.mark.parametrize("trigger", [{}, {"type": "manual"}, {"type": "webhook", "hook": "siem", "message_id": "none"}])
async def test_a_run_that_no_message_started_answers_nobody(embedded: Database, trigger: dict[str, str]) -> None:
    with pytest.raises(ActionError, match="No message"):
        await Caller(embedded, "o", trigger).answer(status=200, content_type="text/plain", body="", key="k")
