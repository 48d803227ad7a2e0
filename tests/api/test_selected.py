from typing import Any

import httpx
import sqlalchemy as sa

from contoso import Contoso
from ringfence.storage import Database
from ringfence.storage.tables import trigger_services
from webfixtures import csrf
from webserver import Asked


async def send(client: httpx.AsyncClient, database: Database, noun: str, body: Any) -> list[tuple[str, str | None]]:
    headers = {"X-CSRF-Token": csrf(client, database)}
    answer = await client.post(f"/api/v1/{noun}/selected", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return [(each["id"], each["problem"] and each["problem"]["code"]) for each in answer.json()["items"]]


async def test_each_of_a_selection_is_worked_on_and_answered_for(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, asked: Asked
) -> None:
    changed = await send(client, embedded, "incidents", {"numbers": [2, 77], "owner": "alex.wilber"})
    assert changed == [("2", None), ("77", "not_found")]
    ids = [contoso.live_run_id, contoso.run_id, "none"]
    cancelled = await send(client, embedded, "runs", {"ids": ids, "do": "cancel", "reason": "Mistake"})
    assert [problem for _, problem in cancelled] == [None, "conflict", "not_found"]
    assert await send(client, embedded, "runs", {"ids": ids[1:2], "do": "rerun"}) == [(ids[1], None)]
    hosts = {"ids": [contoso.containment_id, "none"], "reason": "Reimaged"}
    assert [problem for _, problem in await send(client, embedded, "containments", hosts)] == [None, "not_found"]
    assert [each["containment_id"] for each in asked.released] == [contoso.containment_id]
    rows = embedded.read_now(lambda tx: tx.all(sa.select(trigger_services.c.id)))
    off = await send(client, embedded, "services", {"ids": [row["id"] for row in rows], "on": False})
    assert {problem for _, problem in off} == {None}


async def test_what_changes_nothing_is_refused_whole(client: httpx.AsyncClient, embedded: Database) -> None:
    headers = {"X-CSRF-Token": csrf(client, embedded)}
    for noun, body in (("incidents", {"numbers": [2]}), ("containments", {"ids": ["a"]}), ("services", {"ids": []})):
        answer = await client.post(f"/api/v1/{noun}/selected", json=body, headers=headers)
        assert 400 <= answer.status_code < 500, noun
