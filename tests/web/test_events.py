import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from urllib.parse import unquote

import httpx
import pytest

from contoso import Contoso
from ringfence import clock
from ringfence.errors import Invalid
from ringfence.security import sessions
from ringfence.security.sessions import Session
from ringfence.storage import Database, changes
from ringfence.storage.changes import Change
from ringfence.web import Services, events
from ringfence.web.events import Topics


@pytest.fixture
def token(embedded: Database, contoso: Contoso) -> str:
    return embedded.run_now(lambda tx: sessions.start(tx, contoso.user_id, timedelta(hours=1)))


@pytest.fixture
def session(embedded: Database, token: str) -> Session:
    found = embedded.read_now(lambda tx: sessions.find(tx, token))
    assert found is not None
    return found


def tell(database: Database, organization_id: str, noun: str, thing: str, kind: str = "changed") -> None:
    database.run_now(lambda tx: tx.changed(organization_id, noun, thing, kind))


def read(text: str) -> tuple[str, int, dict[str, object]]:
    fields = dict(line.split(": ", 1) for line in text.strip().split("\n"))
    return fields["event"], int(fields["id"]), json.loads(fields["data"])


async def said(stream: AsyncIterator[str]) -> tuple[str, int, dict[str, object]]:
    async with asyncio.timeout(90):
        return read(await anext(stream))


async def test_a_stream_begins_with_a_snapshot_and_goes_on_from_the_pages_number(
    services: Services, session: Session, token: str, contoso: Contoso
) -> None:
    database, own = services.database, contoso.organization_id
    number = database.read_now(changes.latest)
    tell(database, own, "alert", "a1")
    tell(database, own, "run", "r1")
    async with aclosing(events.messages(services, session, token, Topics.read("alert"), number)) as stream:
        assert await said(stream) == ("snapshot", number, {"from": number})
        event, at, data = await said(stream)
        assert (event, at) == ("changed", number + 1)
        assert data == {"changes": [{"noun": "alert", "id": "a1", "kind": "changed"}]}
        tell(database, "another", "alert", "a2")
        tell(database, own, "alert", "a3")
        _, _, data = await said(stream)
        assert data == {"changes": [{"noun": "alert", "id": "a3", "kind": "changed"}]}


async def test_a_stream_that_was_forgotten_asks_for_everything_again(
    services: Services, session: Session, token: str, contoso: Contoso
) -> None:
    newest = services.database.read_now(changes.latest)
    async with aclosing(events.messages(services, session, token, Topics.read("run"), newest + 99)) as stream:
        assert await said(stream) == ("snapshot", newest, {"from": newest})
        assert await said(stream) == ("changed", newest, {"changes": []})
    later = clock.timestamp() + 1
    clock.replace(lambda: later)
    services.database.run_now(lambda tx: changes.forget(tx, older_than=timedelta(0)))
    tell(services.database, contoso.organization_id, "run", "r1")
    async with aclosing(events.messages(services, session, token, Topics.read("run"), 1)) as stream:
        await said(stream)
        assert (await said(stream))[2] == {"changes": []}


async def test_a_stream_ends_with_the_server(services: Services, session: Session, token: str) -> None:
    stream = events.messages(services, session, token, Topics.read("run"), None)
    await said(stream)
    services.stopping.set()
    with pytest.raises(StopAsyncIteration):
        await said(stream)


async def test_a_stream_ends_with_the_session(services: Services, session: Session, token: str) -> None:
    stream = events.messages(services, session, token, Topics.read("run"), None)
    await said(stream)
    services.database.run_now(lambda tx: sessions.end(tx, token))
    with pytest.raises(StopAsyncIteration):
        await said(stream)


async def test_a_stream_ends_when_the_session_expires(services: Services, session: Session, token: str) -> None:
    stream = events.messages(services, session, token, Topics.read("run"), None)
    later = clock.timestamp() + 3601
    clock.replace(lambda: later)
    await said(stream)
    with pytest.raises(StopAsyncIteration):
        await said(stream)


async def test_a_stream_that_has_nothing_to_say_says_that_it_is_there(
    services: Services, session: Session, token: str
) -> None:
    async with aclosing(events.messages(services, session, token, Topics.read("run"), None, heartbeat=0.0)) as stream:
        await said(stream)
        assert await anext(stream) == ": here\n\n"


def test_a_burst_is_one_message() -> None:
    batch = [Change(number, "o", "alert", f"a{number}", "created", clock.now()) for number in range(1, 501)]
    event, number, data = read(events.changed(batch))
    assert (event, number) == ("changed", 500)
    assert isinstance(data["changes"], list)
    assert len(data["changes"]) == 100


def test_topics_are_nouns_or_single_things() -> None:
    topics = Topics.read("alert,run:r1,")
    one = Change(1, "o", "run", "r1", "done", clock.now())
    other = Change(1, "o", "run", "r2", "done", clock.now())
    assert topics.match(one)
    assert not topics.match(other)
    assert topics.match(Change(1, "o", "alert", "any", "created", clock.now()))


@pytest.mark.parametrize("text", ["", "secret", "session", "alert;run", ",".join(["run"] * 21)])
def test_topics_that_there_are_not_are_refused(text: str) -> None:
    with pytest.raises(Invalid):
        Topics.read(text)


async def test_the_stream_needs_a_session_and_topics(visitor: httpx.AsyncClient, client: httpx.AsyncClient) -> None:
    assert (await visitor.get("/events?topics=run")).status_code == 401
    assert (await client.get("/events?topics=nothing")).status_code == 400


async def test_the_stream_goes_on_after_the_last_id_that_the_browser_saw(
    client: httpx.AsyncClient, services: Services, contoso: Contoso
) -> None:
    number = services.database.read_now(changes.latest)
    services.stopping.set()
    answer = await client.get("/events?topics=run&after=1", headers={"Last-Event-ID": str(number)})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-accel-buffering"] == "no"
    assert read(answer.text.split("\n\n")[0]) == ("snapshot", number, {"from": number})


@pytest.mark.parametrize(
    "page",
    [
        "/",
        "/alerts",
        "/alerts/rejected",
        "/alerts/{alert_id}",
        "/executions",
        "/containment",
        "/containment/{containment_id}",
    ],
)
async def test_the_stream_that_a_page_asks_for_exists(page: str, client: httpx.AsyncClient, contoso: Contoso) -> None:
    address = page.format(alert_id=contoso.alert_id, containment_id=contoso.containment_id)
    found = re.search(r'hx-sse:connect="/events\?topics=([^"&]+)', (await client.get(address)).text)
    assert found is not None
    assert Topics.read(unquote(found[1]))
