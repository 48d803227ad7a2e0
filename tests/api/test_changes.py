"""The change feed, as a list and as a stream."""

import asyncio
import json

import httpx

from contoso import Contoso
from ringfence.api.changes import messages
from ringfence.storage import Database, changes


async def test_who_has_seen_a_number_gets_what_is_above_it(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    newest = (await client.get("/api/v1/changes")).json()
    assert newest["items"] == []
    everything = (await client.get("/api/v1/changes?after=0&limit=500")).json()
    assert [each["id"] for each in everything["items"]] == sorted(each["id"] for each in everything["items"])
    embedded.run_now(lambda tx: tx.changed(contoso.organization_id, "table", "t1", "changed"))
    embedded.run_now(lambda tx: tx.changed("another", "table", "t2", "changed"))
    later = (await client.get("/api/v1/changes", params={"after": newest["last"], "noun": "table"})).json()
    assert [(each["noun"], each["noun_id"]) for each in later["items"]] == [("table", "t1")]
    assert later["last"] == later["items"][-1]["id"]
    again = (await client.get("/api/v1/changes", params={"after": later["last"]})).json()
    assert (again["items"], again["last"]) == ([], later["last"])


async def test_a_stream_tells_each_change_goes_on_where_it_was_and_ends_when_people_change(
    embedded: Database, contoso: Contoso
) -> None:
    stopping, own = asyncio.Event(), contoso.organization_id
    start = embedded.read_now(changes.latest)
    stream = messages(embedded, stopping, own, start, frozenset({"table"}))
    assert await anext(stream) == f"retry: 2000\nid: {start}\n\n"
    embedded.run_now(lambda tx: tx.changed(own, "alert", "a1", "changed"))
    embedded.run_now(lambda tx: tx.changed(own, "table", "t1", "changed"))
    event, number, data = (await anext(stream)).strip().split("\n")
    assert event == "event: change"
    assert number == f"id: {start + 2}"
    assert json.loads(data.removeprefix("data: "))["noun_id"] == "t1"
    embedded.run_now(lambda tx: tx.changed(own, "session", "s1", "ended"))
    assert [each async for each in stream] == []


async def test_a_stream_beats_and_ends_with_the_server(embedded: Database, contoso: Contoso) -> None:
    stopping = asyncio.Event()
    stream = messages(embedded, stopping, contoso.organization_id, 10**9, frozenset(), heartbeat=0.01)
    await anext(stream)
    assert await anext(stream) == ": here\n\n"
    stopping.set()
    assert [each async for each in stream if not each.startswith(":")] == []
    short = messages(embedded, asyncio.Event(), contoso.organization_id, 10**9, frozenset(), longest=0.0)
    assert len([each async for each in short]) == 1
