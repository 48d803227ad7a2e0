import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from contoso import Contoso
from listening_world import a_webhook, headers, publish, runs_of, signed
from ringfence import clock
from ringfence.listeners import refusals, webhooks
from ringfence.organizations import service as organizations
from ringfence.runs.answering import Caller
from ringfence.storage import Database
from ringfence.storage.scope import everywhere
from ringfence.storage.tables import metadata
from ringfence.triggers.webhook import Signed
from ringfence.web import Services, create_web
from ringfence.web.hooks import RETRY_AFTER
from webserver import serving

BODY = b'{"severity": "high"}'


@pytest.fixture
async def sender(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Give a program that is no browser: it sends no Origin and has no session."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ringfence.test") as client:
        yield client


def good(secret: str, body: bytes = BODY, message_id: str = "msg_1") -> dict[str, str]:
    return headers(signed(secret, body, message_id=message_id, at=clock.timestamp()))


async def test_a_signed_message_is_accepted_and_starts_its_playbook(
    sender: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    webhook_id, secret = a_webhook(embedded, contoso.organization_id)
    playbook = publish(embedded, contoso.organization_id, "Hear", "{type: webhook, hook: siem}")
    answer = await sender.post(f"/hooks/{webhook_id}", content=BODY, headers=good(secret))
    assert answer.status_code == 202
    assert answer.json()["duplicate"] is False
    again = await sender.post(f"/hooks/{webhook_id}", content=BODY, headers=good(secret))
    assert (again.status_code, again.json()) == (202, {"id": answer.json()["id"], "duplicate": True})
    (run,) = runs_of(embedded, playbook)
    assert run["trigger"]["body"] == {"severity": "high"}


async def test_a_sender_that_waits_is_told_what_a_playbook_answers(
    sender: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    webhook_id, secret = a_webhook(embedded, contoso.organization_id)
    playbook = publish(embedded, contoso.organization_id, "Hear", "{type: webhook, hook: siem}")
    embedded.run_now(lambda tx: webhooks.wait_for_answers(tx, contoso.organization_id, "siem", 30))
    loop, stored = asyncio.get_running_loop(), asyncio.Event()

    def ring(_: frozenset[str]) -> None:
        loop.call_soon_threadsafe(stored.set)

    embedded.on_change(ring)
    posted = asyncio.create_task(sender.post(f"/hooks/{webhook_id}", content=BODY, headers=good(secret)))
    await stored.wait()
    (run,) = runs_of(embedded, playbook)
    caller = Caller(embedded, contoso.organization_id, run["trigger"])
    await caller.answer(status=207, content_type="application/json", body='{"a": 1}', key="r:s:0")
    answer = await posted
    assert (answer.status_code, answer.json()) == (207, {"a": 1})
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_no_credential_of_the_sender_is_stored(
    sender: httpx.AsyncClient, embedded: Database, contoso: Contoso, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    webhook_id, secret = a_webhook(embedded, contoso.organization_id)
    publish(embedded, contoso.organization_id, "Hear", "{type: webhook, hook: siem}")
    hidden = "Bearer of-a-secret-12345"
    sent = good(secret) | {"Authorization": hidden, "Cookie": f"a={hidden}", "X-Api-Key": hidden}
    answer = await sender.post(f"/hooks/{webhook_id}?token={hidden}", content=BODY, headers=sent)
    assert answer.status_code == 202
    with embedded.engine.connect() as connection:
        kept = "".join(str(connection.execute(sa.select(table)).all()) for table in metadata.sorted_tables)
    for word in (hidden, sent["webhook-signature"], secret):
        assert word not in kept
        assert word not in caplog.text


async def test_unknown_addresses_and_wrong_signatures_are_answered_alike(
    sender: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    webhook_id, secret = a_webhook(embedded, contoso.organization_id)
    wrong = good(secret) | {"webhook-signature": "v1,AAAA"}
    answers = [
        await sender.post(f"/hooks/{address}", content=BODY, headers=sent)
        for address, sent in (
            (webhook_id, wrong),
            (clock.new_id(), good(secret)),
            ("x" * 3000, good(secret)),
            ("%00", good(secret)),
            (webhook_id, {}),
        )
    ]
    assert {each.status_code for each in answers} == {401}
    assert len({each.text for each in answers}) == 1
    assert len({tuple(sorted(each.headers)) for each in answers}) == 1
    assert answers[0].headers["content-type"] == "application/problem+json"


async def test_other_methods_are_not_allowed_whether_the_address_exists_or_not(
    sender: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    webhook_id, _ = a_webhook(embedded, contoso.organization_id)
    for address in (webhook_id, clock.new_id()):
        assert (await sender.get(f"/hooks/{address}")).status_code == 405
        assert (await sender.delete(f"/hooks/{address}")).json()["code"] == "method_not_allowed"
        assert (await sender.request("TRACE", f"/hooks/{address}", headers={"X-Secret": "7"})).status_code == 405
    for path in ("/sign-in", "/api/v1/openapi.json", "/static/app.css"):
        answer = await sender.request("TRACE", path, headers={"X-Secret": "canary"})
        assert (answer.status_code in (403, 405), "canary" in answer.text) == (True, False), path


@pytest.mark.parametrize("said", [True, False], ids=["said before", "found out"])
async def test_what_is_too_large_is_refused_before_it_is_looked_at(
    sender: httpx.AsyncClient, embedded: Database, contoso: Contoso, said: bool
) -> None:
    webhook_id, secret = a_webhook(embedded, contoso.organization_id)
    body = b"x" * 262_145

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 65_536):
            yield body[at : at + 65_536]

    content = body if said else pieces()
    answer = await sender.post(f"/hooks/{webhook_id}", content=content, headers=good(secret, body))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    exact = body[:-1]
    fits = headers(signed(secret, exact, at=clock.timestamp()), "text/plain")
    assert (await sender.post(f"/hooks/{webhook_id}", content=exact, headers=fits)).status_code == 202


async def test_too_many_messages_are_told_to_wait(services: Services, embedded: Database, contoso: Contoso) -> None:
    webhook_id, secret = a_webhook(embedded, contoso.organization_id)
    clock.replace(lambda: 1_800_000_000.0)
    few = replace(services, settings=services.settings.model_copy(update={"webhook_rate": 2}))
    transport = httpx.ASGITransport(create_web(few))
    async with httpx.AsyncClient(transport=transport, base_url="http://ringfence.test") as sender:
        found = [await sender.post(f"/hooks/{webhook_id}", content=BODY, headers=good(secret)) for _ in range(3)]
        assert [each.status_code for each in found] == [202, 202, 429]
        assert found[2].headers["retry-after"] == "30"
        large = {"content-length": "99999999999999999999"}
        other, _ = a_webhook(embedded, contoso.organization_id, "other")
        assert (await sender.post(f"/hooks/{other}", content=BODY, headers=large)).status_code == 413
        await few.receiver.refusing.flush()
        kept = [embedded.read_now(lambda tx: refusals.newest(tx, each)) for each in (webhook_id, other)]  # noqa: B023
        assert [(one.reason.value, one.size) for each in kept for one in each] == [
            ("too_many", len(BODY)),
            ("too_large", 10**15),
        ]
        unknown = [await sender.post(f"/hooks/{clock.new_id()}", content=BODY) for _ in range(3)]
        assert {each.status_code for each in unknown} == {401}


async def test_all_webhooks_of_an_organization_share_a_limit_that_only_proven_messages_count_against(
    services: Services, embedded: Database, contoso: Contoso
) -> None:
    siem, secret = a_webhook(embedded, contoso.organization_id)
    other, others = a_webhook(embedded, contoso.organization_id, "other")
    with everywhere():
        fabrikam = embedded.run_now(lambda tx: organizations.create(tx, "fabrikam")).id
    apart, aparts = a_webhook(embedded, fabrikam)
    clock.replace(lambda: 1_800_000_000.0)
    few = replace(services, settings=services.settings.model_copy(update={"webhook_organization_rate": 2}))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_web(few)), base_url="http://ringfence.test"
    ) as sender:
        forged = [
            await sender.post(f"/hooks/{siem}", content=BODY, headers=good("whsec_" + "A" * 44)) for _ in range(3)
        ]
        assert {each.status_code for each in forged} == {401}
        found = [
            await sender.post(f"/hooks/{hook}", content=BODY, headers=good(key))
            for hook, key in ((siem, secret), (other, others), (other, others), (apart, aparts))
        ]
        assert [each.status_code for each in found] == [202, 202, 429, 202]
        assert (found[2].json()["code"], found[2].headers["retry-after"]) == ("too_many", "30")
        assert "organization" in found[2].json()["detail"]
    await few.receiver.refusing.flush()
    (kept,) = embedded.read_now(lambda tx: refusals.newest(tx, other))
    assert (kept.reason.value, kept.said) == (
        "too_many_together",
        "All webhooks together took in too many in a minute.",
    )


async def test_a_server_that_is_stopping_says_when_to_try_again(
    sender: httpx.AsyncClient, services: Services, embedded: Database, contoso: Contoso
) -> None:
    webhook_id, secret = a_webhook(embedded, contoso.organization_id)
    services.stopping.set()
    answer = await sender.post(f"/hooks/{webhook_id}", content=BODY, headers=good(secret))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, str(RETRY_AFTER))


async def test_a_database_that_fails_is_told_the_same_way_and_nothing_is_half_stored(
    sender: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    webhook_id, secret = a_webhook(embedded, contoso.organization_id)
    publish(embedded, contoso.organization_id, "Hear", "{type: webhook, hook: siem}")
    before = len(runs_of(embedded))
    embedded.run_now(lambda tx: tx.execute(sa.text("ALTER TABLE runs RENAME TO hidden")))
    answer = await sender.post(f"/hooks/{webhook_id}", content=BODY, headers=good(secret))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, str(RETRY_AFTER))
    embedded.run_now(lambda tx: tx.execute(sa.text("ALTER TABLE hidden RENAME TO runs")))
    answer = await sender.post(f"/hooks/{webhook_id}", content=BODY, headers=good(secret))
    assert (answer.status_code, answer.json()["duplicate"]) == (202, False)
    assert len(runs_of(embedded)) == before + 1


async def test_what_nobody_expected_shows_nothing_of_itself(
    services: Services, embedded: Database, contoso: Contoso
) -> None:
    class Broken:
        async def receive(
            self, webhook_id: str, signed: Signed, content_type: str, body: bytes, **more: object
        ) -> None:
            raise RuntimeError("internal matters")

    broken = replace(services, receiver=Broken())  # type: ignore[arg-type]
    transport = httpx.ASGITransport(create_web(broken))
    async with httpx.AsyncClient(transport=transport, base_url="http://ringfence.test") as sender:
        answer = await sender.post(f"/hooks/{clock.new_id()}", content=BODY)
    assert answer.status_code == 500
    assert "internal matters" not in answer.text
    assert answer.json()["code"] == "internal"


def test_a_real_server_takes_a_real_message(database: Database) -> None:
    with serving(database) as site:
        webhook_id, secret = a_webhook(database, site.contoso.organization_id)
        playbook = publish(database, site.contoso.organization_id, "Hear", "{type: webhook, hook: siem}")
        with httpx.Client(base_url=site.url) as sender:
            answer = sender.post(f"/hooks/{webhook_id}", content=BODY, headers=good(secret))
            assert answer.status_code == 202
            assert len(runs_of(database, playbook)) == 1
            large = sender.post(f"/hooks/{webhook_id}", content=b"x" * 300_000, headers=good(secret))
            assert large.status_code == 413
