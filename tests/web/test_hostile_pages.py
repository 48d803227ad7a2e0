"""Every page and every answer of the API over an installation in which every free text is hostile: all of it is text."""

import json
import re
from collections import deque
from typing import Any

import httpx
import sqlalchemy as sa

from hostile import CORPUS, dangers
from ringfence.storage import Database, Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import metadata

EVIL = storable(" ".join(text[:300] for text in CORPUS.values()))
FREE = re.compile(
    r"title|message|reason|detail|comment|description|error|note|text|machine_name|file_name|owner|assigned|user_name|subject"
    r"|requested_by|started_by|published_by|question|resolution_note|target_name|computer|raised_by|said"
)
KEPT = re.compile(r"_key\b|_id\b|^state$|^status$|^kind$")
DOCUMENTS = {("alert_versions", "document"), ("alerts", "document"), ("alerts", "raw"), ("step_runs", "output")}
MOST_PAGES = 45


def poison(tx: Transaction) -> int:
    """Write the hostile text over every free text there is; returns how many columns."""
    count = 0
    for table in metadata.sorted_tables:
        for column in table.columns:
            plain = isinstance(column.type, sa.String | sa.Text) and not column.foreign_keys and not column.primary_key
            if plain and FREE.search(column.name) and not KEPT.search(column.name):
                length = getattr(column.type, "length", None)
                with tx.connection.begin_nested():
                    tx.execute(sa.update(table).where(column != "").values({column: EVIL[:length]}))
                count += 1
    return count


def links(page: str) -> list[str]:
    found = re.findall(r'href="(/[^"#]*)"', page)
    return [each.replace("&amp;", "&") for each in found if not each.startswith(("/static/", "/api/", "/sign-out"))]


async def test_every_page_shows_hostile_text_as_text(client: httpx.AsyncClient, embedded: Database) -> None:
    assert embedded.run_now(poison) > 20
    queue, seen, kinds = deque(["/"]), {"/"}, dict[str, int]()
    visited = shown = 0
    while queue and visited < MOST_PAGES:
        address = queue.popleft()
        answer = await client.get(address, follow_redirects=True)
        visited += 1
        assert answer.status_code < 500, address
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        assert dangers(answer.text) == [], address
        shown += "&lt;script&gt;document.title" in answer.text
        for link in links(answer.text):
            kind = re.sub(r"[0-9a-f-]{8,}|\d+", "*", link.partition("?")[0])
            if link not in seen and kinds.get(kind, 0) < 2:
                kinds[kind] = kinds.get(kind, 0) + 1
                seen.add(link)
                queue.append(link)
    assert visited > 25
    assert shown > 10


async def test_every_listing_of_the_api_gives_hostile_text_as_json(
    client: httpx.AsyncClient, embedded: Database
) -> None:
    embedded.run_now(poison)
    document: dict[str, Any] = (await client.get("/api/v1/openapi.json")).json()
    asked = 0
    for path, operations in document["paths"].items():
        needed = [each for each in operations.get("get", {}).get("parameters", ()) if each.get("required")]
        # A stream never ends.
        answers = operations.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        if "get" not in operations or "{" in path or needed or "text/event-stream" in answers:
            continue
        answer = await client.get(f"/api/v1{path}")
        asked += 1
        assert answer.status_code < 500, path
        if answer.headers["content-type"].startswith("application/json"):
            json.loads(answer.text)
        elif answer.headers["content-type"].startswith("text/csv"):
            assert not re.search(r'(?m)(^|,)"?[=+@]', answer.text), path
    assert asked > 10
