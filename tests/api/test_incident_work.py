from typing import Any

import httpx
import pytest

from contoso import Contoso
from hostile import HOSTILE
from ringfence.storage import Database
from webfixtures import csrf


@pytest.fixture
def api(client: httpx.AsyncClient, embedded: Database, contoso: Contoso) -> httpx.AsyncClient:
    """Give a client that may change things."""
    client.headers["X-CSRF-Token"] = csrf(client, embedded)
    return client


async def alerts_of(api: httpx.AsyncClient, **filters: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api.get("/api/v1/alerts", params=filters)).json()["items"]
    return found


async def test_alerts_are_promoted_worked_on_and_closed(api: httpx.AsyncClient) -> None:
    first, second, *_ = await alerts_of(api, severity="Low")
    made = await api.post("/api/v1/incidents", json={"alerts": [first["id"]], "title": "Odd", "owner": "alex.wilber"})
    assert made.status_code == 201
    address = f"/api/v1/incidents/{made.json()['number']}"
    assert (made.json()["title"], made.json()["severity"], made.json()["owner"]) == ("Odd", "Low", "alex.wilber")
    added = await api.post(f"{address}/alerts", json={"alerts": [second["alert_id"]]})
    assert len(added.json()["alerts"]) == 2
    assert (await api.delete(f"{address}/alerts/{second['id']}")).status_code == 200
    changed = (await api.patch(address, json={"severity": "high", "status": "in_progress", "owner": ""})).json()
    assert (changed["severity"], changed["status"], changed["owner"]) == ("High", "in_progress", None)
    assert (await api.post(f"{address}/notes", json={"text": "Seen"})).json()[0]["by"] == "megan.bowen"
    task = (await api.post(f"{address}/tasks", json={"title": "Call", "due_at": "2026-03-02T12:00:00Z"})).json()
    assert (task["number"], task["done"]) == (1, False)
    assert (await api.patch(f"{address}/tasks/1", json={"done": True, "assignee": "alex.wilber"})).json()["done"]
    closed = (await api.post(f"{address}/close", json={"resolution": "benign", "reason": "A test"})).json()
    assert (closed["status"], closed["resolution"], closed["reason"]) == ("resolved", "benign", "A test")
    assert (await api.post(f"{address}/reopen", json={"reason": "No"})).json()["status"] == "in_progress"
    merged = await api.post(f"{address}/merge", json={"into": 2})
    assert merged.json()["number"] == 2
    assert (await api.get(address)).json()["merged_into"] == 2


async def test_hosts_are_held_let_go_and_asked_about_before_closing(api: httpx.AsyncClient, contoso: Contoso) -> None:
    address = f"/api/v1/incidents/{contoso.incident_number}"
    refused = await api.post(f"{address}/close", json={"resolution": "benign", "reason": "A test"})
    assert (refused.status_code, refused.json()["code"]) == (409, "incident_holds_hosts")
    hold = {
        "machine": "fin-ws-014.contoso.com",
        "reason": "Spreading",
        "auto_release_after": 3600,
        "account": "contoso",
    }
    held = await api.post(f"{address}/contain", json=hold)
    assert held.status_code == 201
    assert len([each for each in held.json() if each["held"]]) == 2
    let_go = await api.post(f"{address}/release", json={"reason": "Clean"})
    assert [each["held"] for each in let_go.json()] == [False, False]
    ended = {"resolution": "true-positive", "reason": "Reimaged", "hosts": "keep"}
    assert (await api.post(f"{address}/close", json=ended)).json()["status"] == "resolved"


async def test_what_cannot_be_done_is_a_problem_with_advice(api: httpx.AsyncClient, contoso: Contoso) -> None:
    address = f"/api/v1/incidents/{contoso.incident_number}"
    for path, document, status in (
        ("/api/v1/incidents", {"alerts": []}, 422),
        ("/api/v1/incidents", {"alerts": ["none"]}, 404),
        (f"{address}/alerts", {"alerts": ["none"], "odd": 1}, 422),
        (f"{address}/notes", {"text": " "}, 400),
        (f"{address}/tasks", {"title": "x", "due_at": "2026-03-02T12:00:00"}, 422),
        (f"{address}/close", {"resolution": "merged", "reason": "x"}, 400),
        (f"{address}/merge", {"into": contoso.incident_number}, 400),
        (f"{address}/contain", {"machine": "x", "reason": "x", "account": "none"}, 404),
        (f"{address}/release", {"machine": "x", "reason": "x"}, 400),
    ):
        answer = await api.post(path, json=document)
        assert answer.status_code in (status, 400), (path, answer.text)
        assert answer.json()["advice"] is not None


async def test_hostile_text_comes_back_as_it_went_in(api: httpx.AsyncClient, contoso: Contoso) -> None:
    address = f"/api/v1/incidents/{contoso.incident_number}/notes"
    for text in HOSTILE:
        assert (await api.post(address, json={"text": text})).status_code == 201
    texts = [each["text"] for each in (await api.get(f"/api/v1/incidents/{contoso.incident_number}")).json()["notes"]]
    assert len(texts) == len(HOSTILE) + 1
    assert "<script>document.title='owned'</script>" in texts


async def test_without_the_sessions_token_nothing_changes(client: httpx.AsyncClient) -> None:
    assert (await client.post("/api/v1/incidents/2/notes", json={"text": "x"})).status_code == 403
