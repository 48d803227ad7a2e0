import asyncio
import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from accounts_samples import VAULT, an_organization
from listening_world import a_webhook, publish, runs_of, signed
from ringfence import clock
from ringfence.errors import Conflict, Invalid, RingfenceError, Unavailable
from ringfence.listeners import refusals, webhooks
from ringfence.listeners.receiving import Receipt, Receiver, Unproven
from ringfence.playbooks import library
from ringfence.storage import Database
from ringfence.storage.tables import webhook_deliveries, webhook_refusals, webhook_secrets
from ringfence.triggers.webhook import Signed
from run_world import Time

BODY = b'{"severity": "high"}'


class Sender:
    """Somebody who knows the secret of one webhook."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.organization = an_organization(database)
        self.webhook_id, self.secret = a_webhook(database, self.organization)
        self.receiver = Receiver(database, VAULT, tolerance=300.0)

    async def send(
        self, body: bytes = BODY, message_id: str = "msg_1", *, secret: str = "", late: float = 0
    ) -> Receipt:
        sent = signed(secret or self.secret, body, message_id=message_id, at=clock.timestamp() - late)
        return await self.receiver.receive(self.webhook_id, sent, "application/json", body)

    def came(self) -> list[webhooks.Delivery]:
        return self.database.read_now(
            lambda tx: webhooks.deliveries(tx, webhooks.by_name(tx, self.organization, "siem"))
        )


async def test_a_message_starts_each_playbook_that_it_fits_once(database: Database) -> None:
    sender = Sender(database)
    a_webhook(database, sender.organization, "other")
    fits = publish(database, sender.organization, "Fits", "{type: webhook, hook: siem, where: body.severity == 'high'}")
    publish(database, sender.organization, "Low", "{type: webhook, hook: siem, where: body.severity == 'low'}")
    publish(database, sender.organization, "Elsewhere", "{type: webhook, hook: other}")
    publish(database, sender.organization, "Paused", "{type: webhook, hook: siem}")
    database.run_now(lambda tx: library.pause(tx, sender.organization, "Paused"))
    receipt = await sender.send()
    assert receipt.duplicate is False
    (run,) = runs_of(database)
    assert run["playbook_id"] == fits.id
    assert run["trigger"]["body"] == {"severity": "high"}
    (delivery,) = sender.came()
    assert (delivery.id, delivery.message_id, delivery.size) == (receipt.delivery_id, "msg_1", len(BODY))
    assert [(each.playbook, each.run_id, each.reason) for each in delivery.outcomes] == [
        ("Fits", run["id"], "The message came to siem. The condition `where` is true for this message."),
        ("Low", None, "The condition `where` is not true for this message."),
        ("Paused", None, "The playbook is paused."),
    ]


async def test_a_repeated_message_is_answered_alike_and_starts_nothing(database: Database) -> None:
    time, sender = Time().start(), Sender(database)
    publish(database, sender.organization, "Fits", "{type: webhook, hook: siem}")
    first = await sender.send()
    time.pass_by(3600)
    again = await sender.send()
    assert again == Receipt(first.delivery_id, duplicate=True)
    assert len(runs_of(database)) == 1
    with pytest.raises(Conflict, match="Another message with this id"):
        await sender.send(b"{}")
    time.pass_by(webhooks.KEPT.total_seconds() + 1)
    await sender.send(b"{}", "msg_2")
    assert [each.message_id for each in sender.came()] == ["msg_2"]
    # Forgotten by now, and still no second run: the run itself remembers its cause.
    await sender.send()
    assert len(runs_of(database)) == 2


async def test_the_same_message_at_two_doors_at_once_starts_one_run(database: Database) -> None:
    sender = Sender(database)
    publish(database, sender.organization, "Fits", "{type: webhook, hook: siem}")
    second = Receiver(database, VAULT, tolerance=300.0)
    sent = signed(sender.secret, BODY, at=clock.timestamp())
    doors = (sender.receiver, second, sender.receiver, second)
    found = await asyncio.gather(*(door.receive(sender.webhook_id, sent, "", BODY) for door in doors))
    assert sorted(each.duplicate for each in found) == [False, True, True, True]
    assert len({each.delivery_id for each in found}) == 1
    assert len(runs_of(database)) == 1


async def test_an_unknown_webhook_one_that_is_off_and_a_wrong_signature_are_told_alike(embedded: Database) -> None:
    sender, told = Sender(embedded), []
    off, known = a_webhook(embedded, sender.organization, "off")
    embedded.run_now(lambda tx: webhooks.switch(tx, sender.organization, "off", enabled=False))
    deaf, _ = a_webhook(embedded, sender.organization, "deaf")
    embedded.run_now(lambda tx: tx.execute(sa.delete(webhook_secrets).where(webhook_secrets.c.webhook_id == deaf)))
    wrong, decoy = "whsec_" + "B" * 44, "whsec_" + "A" * 44
    for webhook_id, secret in (
        (sender.webhook_id, wrong),
        (off, known),
        (off, wrong),
        (deaf, decoy),
        (clock.new_id(), sender.secret),
        (clock.new_id(), decoy),
        ("\x00\udcff", wrong),
    ):
        with pytest.raises(Unproven) as caught:
            await sender.receiver.receive(webhook_id, signed(secret, BODY, at=clock.timestamp()), "", BODY)
        told.append((str(caught.value), caught.value.code, caught.value.status))
    assert len(set(told)) == 1
    assert sender.came() == []


async def test_what_was_accepted_before_a_webhook_was_switched_off_is_known_when_it_is_on_again(
    embedded: Database,
) -> None:
    sender = Sender(embedded)
    publish(embedded, sender.organization, "Fits", "{type: webhook, hook: siem}")
    first = await sender.send()
    embedded.run_now(lambda tx: webhooks.switch(tx, sender.organization, "siem", enabled=False))
    with pytest.raises(Unproven):
        await sender.send()
    assert ([each.id for each in sender.came()], len(runs_of(embedded))) == ([first.delivery_id], 1)
    embedded.run_now(lambda tx: webhooks.switch(tx, sender.organization, "siem", enabled=True))
    assert await sender.send() == Receipt(first.delivery_id, duplicate=True)
    await sender.send(message_id="msg_2")
    assert len(runs_of(embedded)) == 2


async def test_a_message_from_another_time_is_refused_even_if_well_signed(embedded: Database) -> None:
    sender = Sender(embedded)
    for late in (302, -302):
        with pytest.raises(Invalid, match="more than 300 seconds"):
            await sender.send(late=late)
    assert sender.came() == []
    with pytest.raises(Unproven):
        await sender.send(secret="whsec_" + "B" * 44, late=302)


async def test_why_a_message_was_refused_is_noted_and_nothing_of_what_was_in_it(embedded: Database) -> None:
    sender = Sender(embedded)
    hook, at = sender.webhook_id, clock.timestamp()
    hidden, known = b'{"password": "hunter2hunter2"}', signed(sender.secret, BODY, at=at)
    off, other = a_webhook(embedded, sender.organization, "off")
    embedded.run_now(lambda tx: webhooks.switch(tx, sender.organization, "off", enabled=False))
    deaf, _ = a_webhook(embedded, sender.organization, "deaf")
    embedded.run_now(lambda tx: tx.execute(sa.delete(webhook_secrets).where(webhook_secrets.c.webhook_id == deaf)))
    await sender.send()
    for webhook_id, sent in (
        (hook, signed(sender.secret, BODY, at=at)),
        (hook, Signed("", "", "")),
        (hook, replace(known, signature="v1,AAAA")),
        (hook, signed(sender.secret, hidden, message_id="old", at=at - 400)),
        (hook, signed(sender.secret, hidden, at=at)),
        (off, signed(other, hidden, at=at)),
        (off, known),
        (deaf, known),
        (clock.new_id(), known),
    ):
        with suppress(RingfenceError):
            await sender.receiver.receive(webhook_id, sent, "", hidden, sender="203.0.113.7")
    await sender.receiver.refusing.flush()
    found = {
        each: [one.reason.value for one in reversed(embedded.read_now(lambda tx: refusals.newest(tx, each)))]  # noqa: B023
        for each in (hook, off, deaf)
    }
    assert found == {
        hook: ["signature", "unsigned", "signature", "timestamp", "other_body"],
        off: ["off", "signature"],
        deaf: ["no_secret"],
    }
    stored = str(embedded.read_now(lambda tx: tx.all(sa.select(webhook_refusals))))
    assert ("203.0.113.7" in stored, "hunter2" in stored, "v1," in stored) == (True, False, False)


async def test_both_secrets_are_good_while_one_takes_over(embedded: Database) -> None:
    time, sender = Time().start(), Sender(embedded)
    _, new, _ = embedded.run_now(
        lambda tx: webhooks.rotate(tx, VAULT, sender.organization, "siem", keep=timedelta(hours=1))
    )
    await sender.send(message_id="old")
    await sender.send(message_id="new", secret=new)
    time.pass_by(3600)
    with pytest.raises(Unproven):
        await sender.send(message_id="old again")
    await sender.send(message_id="new-again", secret=new)


async def test_nothing_is_stored_of_a_message_whose_runs_cannot_be_requested(embedded: Database) -> None:
    sender = Sender(embedded)
    publish(embedded, sender.organization, "Fits", "{type: webhook, hook: siem}")
    embedded.run_now(lambda tx: tx.execute(sa.text("ALTER TABLE runs RENAME TO hidden")))
    with pytest.raises(Unavailable):
        await sender.send()
    assert sender.came() == []
    embedded.run_now(lambda tx: tx.execute(sa.text("ALTER TABLE hidden RENAME TO runs")))
    assert (await sender.send()).duplicate is False
    assert len(runs_of(embedded)) == 1


async def test_a_database_that_cannot_be_reached_is_told_as_try_again_later(tmp_path: Path) -> None:
    nowhere = Database(sa.URL.create("postgresql+psycopg", "nobody", "", "127.0.0.1", 1, "none"))
    receiver = Receiver(nowhere, VAULT, tolerance=300.0)
    try:
        with pytest.raises(RingfenceError) as caught:
            await receiver.receive("any", signed("whsec_" + "B" * 44, b"", at=clock.timestamp()), "", b"")
        assert (caught.value.status, caught.value.code) == (503, "unavailable")
    finally:
        nowhere.close()


async def test_hostile_bodies_are_kept_as_text_and_can_be_read_again(database: Database) -> None:
    sender = Sender(database)
    publish(database, sender.organization, "Fits", "{type: webhook, hook: siem}")
    for number, body in enumerate((b"[" * 100_000, b'"\\ud800\\u0000"', b"\x00\xff" * 1000, b'{"a": 1e999}')):
        await sender.send(body, f"msg_{number}")
    found = [run["trigger"]["body"] for run in runs_of(database)]
    assert found[0] == "[" * 100_000
    assert json.dumps(found[1]) == '"\\ud800\\u0000"'
    assert found[3] == '{"a": 1e999}'
    stored = database.read_now(lambda tx: tx.all(sa.select(webhook_deliveries)))
    assert len(stored) == 4
