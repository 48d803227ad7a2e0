from collections.abc import Awaitable, Callable

import httpx
import pytest

from ringfence.storage import Database
from webfixtures import csrf

LOOK = """\
ringfence: 1
name: Look
trigger: {type: manual}
steps:
  one: {action: logic.set, with: {values: {a: 1}}}
"""
OTHER = LOOK.replace("a: 1", "a: 2")
Send = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def send(client: httpx.AsyncClient, embedded: Database) -> Send:
    async def sent(method: str, path: str, body: object = None, seen: int | None = None) -> httpx.Response:
        headers = {"X-CSRF-Token": csrf(client, embedded)} | ({} if seen is None else {"If-Match": f'"{seen}"'})
        return await client.request(method, f"/api/v1/playbooks{path}", json=body, headers=headers)

    return sent


async def test_a_draft_is_begun_rewritten_by_its_etag_and_published(send: Send) -> None:
    begun = await send("POST", "/drafts", {"source": LOOK.replace("logic.set", "logic.st")})
    assert (begun.status_code, begun.headers["ETag"]) == (201, '"1"')
    assert [each["code"] for each in begun.json()["problems"]] == ["unknown-action"]
    assert (await send("POST", "/drafts", {"source": LOOK})).status_code == 412
    assert (await send("PUT", "/Look/draft", {"source": LOOK})).json()["code"] == "precondition_required"
    assert (await send("PUT", "/Look/draft", {"source": LOOK}, seen=1)).headers["ETag"] == '"2"'
    late = await send("PUT", "/Look/draft", {"source": OTHER}, seen=1)
    assert (late.status_code, late.json()["code"]) == (412, "outdated")
    assert (await send("GET", "/Look/draft")).json()["source"] == LOOK
    assert [each["revision"] for each in (await send("GET", "/drafts")).json()["items"]] == [2]
    assert "logic.st," in (await send("GET", "/Look/draft/history/1")).json()["source"]
    made = await send("POST", "/Look/draft/publish", {"note": "First."}, seen=2)
    assert (made.status_code, made.json()["playbook"]["version"]) == (201, "1.0")
    assert (await send("GET", "/Look/draft")).status_code == 404
    assert [each["open"] for each in (await send("GET", "/Look/draft/history")).json()["items"]] == [False, False]


async def test_versions_are_compared_and_brought_back(send: Send) -> None:
    assert (await send("POST", "", {"source": LOOK})).json()["playbook"]["version"] == "1.0"
    assert (await send("POST", "", {"source": OTHER, "major": True})).json()["playbook"]["version"] == "2.0"
    diff = (await send("GET", "/Look/diff?before=1.0&after=2.0")).json()
    assert [each["sentence"] for each in diff["changes"]] == ["Step one: with.values.a was 1, is 2."]
    back = (await send("POST", "/Look/rollback", {"version": "1.0", "note": "It was better."})).json()
    assert back["playbook"]["version"] == "2.1"
    newest, *_ = (await send("GET", "/Look/versions")).json()["items"]
    assert (newest["version"], newest["restores"], newest["note"]) == ("2.1", "1.0", "It was better.")
    assert (await send("GET", "/Look/versions/2.0")).json()["source"] == OTHER
    await send("POST", "/drafts", {"source": LOOK + "steps: ["})
    assert (await send("GET", "/Look/diff?before=1.0&after=9.9")).status_code == 404


async def test_a_playbook_is_paused_activated_retired_and_its_draft_discarded(send: Send) -> None:
    await send("POST", "", {"source": LOOK})
    for verb, state in (("pause", "paused"), ("activate", "active"), ("retire", "retired")):
        assert (await send("POST", f"/Look/{verb}")).json()["state"] == state
    await send("POST", "/drafts", {"source": OTHER})
    assert (await send("DELETE", "/Look/draft", seen=1)).json()["open"] is True
    assert (await send("GET", "/drafts")).json()["items"] == []


async def test_what_is_wrong_is_said_without_saving_anything(send: Send) -> None:
    found = (await send("POST", "/check", {"source": LOOK.replace("logic.set", "logic.st")})).json()
    assert (found["publishable"], found["problems"][0]["line"]) == (False, 5)
    refused = await send("POST", "", {"source": "a: &x 1"})
    assert (refused.status_code, refused.json()["problems"][0][:13]) == (400, "playbook:1:4 ")
    assert (await send("POST", "/drafts", {"source": "nothing"})).status_code == 400


async def test_rules_are_changed_by_who_has_seen_them(send: Send) -> None:
    assert (await send("GET", "/rules")).json()["version"] == 0
    assert (await send("PUT", "/rules", {"second_person": True}, seen=3)).status_code == 412
    assert (await send("PUT", "/rules", {"second_person": True}, seen=0)).json()["version"] == 1
    asked = (await send("POST", "", {"source": LOOK})).json()
    assert (asked["playbook"], asked["changed"]) == (None, False)
    assert asked["question"]


async def test_nothing_is_changed_without_the_sessions_token(client: httpx.AsyncClient) -> None:
    for path in ("", "/drafts", "/Look/retire"):
        assert (await client.post(f"/api/v1/playbooks{path}", json={"source": LOOK})).status_code == 403
