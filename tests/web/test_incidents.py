from functools import partial
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from contoso import Contoso
from form_samples import a_task_with_a_form
from hostile import HOSTILE, dangers
from ringfence.incidents import queue
from ringfence.storage import Database, Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import (
    alerts,
    containment_holds,
    containments,
    incident_events,
    incident_notes,
    incident_tasks,
    incidents,
)
from webfixtures import csrf


@pytest.fixture
def post(client: httpx.AsyncClient, embedded: Database, contoso: Contoso) -> Any:
    """Give what sends a form of an incident's page."""

    async def send(path: str, **form: Any) -> httpx.Response:
        address = path if path.startswith("/") else f"/incidents/{contoso.incident_number}/{path}"
        return await client.post(address, data={"csrf": csrf(client, embedded), **form})

    return send


async def test_the_list_shows_what_is_not_resolved_and_is_filtered(client: httpx.AsyncClient) -> None:
    page = (await client.get("/incidents")).text
    assert "<title>(2) Incidents · Ringfence</title>" in page
    assert page.count("<tr id=") == 2
    assert "Ransomware in finance" in page
    assert "1 of 3 done" in page
    assert (await client.get("/incidents?show=all")).text.count("<tr id=") == 3
    resolved = (await client.get("/incidents?show=resolved")).text
    assert "True positive" in resolved
    assert "the mailbox rule was removed" in resolved
    assert (await client.get("/incidents?owner=megan.bowen&severity=High&q=finance")).text.count("<tr id=") == 1
    assert (await client.get("/incidents?owner=-")).text.count("<tr id=") == 1
    assert "No incident fits" in (await client.get("/incidents?q=none&show=odd&severity=odd")).text


async def test_an_empty_list_says_how_an_incident_begins(client: httpx.AsyncClient, embedded: Database) -> None:
    embedded.run_now(lambda tx: tx.execute(sa.delete(incidents)))
    assert "incident.promote" in (await client.get("/incidents")).text


async def test_one_incident_shows_everything_that_belongs_to_it(client: httpx.AsyncClient, contoso: Contoso) -> None:
    page = (await client.get(f"/incidents/{contoso.incident_number}")).text
    for words in (
        "Ransomware in finance",
        "fin-ws-014.contoso.com",
        "1 host isolated",
        "Holds it",
        "Adele opened an invoice at 10:24.",
        "Call Adele Vance",
        "done by megan.bowen",
        "CONTOSO\\adele.vance",
        "10 more alerts of Defender's incident 4012 are not in this incident.",
        "#2</a>; merge them",
        "What becomes of them?",
        "Isolated",
        "Confirmed",
    ):
        assert words in page or words.lower() in page.lower(), words
    assert (await client.get("/incidents/99")).status_code == 404
    assert (await client.get("/incidents/x")).status_code == 400


async def test_an_alert_is_promoted_from_its_page(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, post: Any
) -> None:
    page = (await client.get(f"/alerts/{contoso.alert_id}")).text
    assert f'In incident <a href="/incidents/{contoso.incident_number}">' in page
    query = sa.select(alerts.c.id).where(alerts.c.title == "Suspicious PowerShell download")
    other = embedded.read_now(lambda tx: tx.scalar(query))
    page = (await client.get(f"/alerts/{other}")).text
    assert f"Add to #{contoso.incident_number}" in page
    assert "Promote to an incident" in page
    added = await post(f"/alerts/{other}/promote", incident=str(contoso.incident_number))
    assert added.headers["location"] == f"/incidents/{contoso.incident_number}"
    again = await post(f"/alerts/{other}/promote")
    assert again.headers["location"] == f"/incidents/{contoso.incident_number}"
    assert (await post(f"/alerts/{other}/promote", incident="2")).status_code == 409
    assert (await post(f"/alerts/{other}/promote", incident="two")).status_code == 400


async def test_people_work_on_an_incident(client: httpx.AsyncClient, contoso: Contoso, post: Any) -> None:
    for path, form in (
        ("note", {"text": "Asked the user."}),
        ("tasks", {"title": "Restore the share", "assignee": "alex.wilber", "due": "2 d"}),
        ("tasks", {"title": "Tell the board", "due": "2026-03-02T12:00"}),
        ("tasks/1", {"done": "yes"}),
        ("update", {"owner": "alex.wilber", "severity": "Medium", "title": "Locked files"}),
    ):
        answer = await post(path, **form)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/incidents/{contoso.incident_number}")
    page = (await client.get(f"/incidents/{contoso.incident_number}")).text
    for words in (
        "Asked the user.",
        "Restore the share",
        "Locked files",
        "alex.wilber",
        "owner: megan.bowen ▸ alex.wilber",
    ):
        assert words in page


async def test_what_is_refused_is_said_and_what_was_typed_is_kept(client: httpx.AsyncClient, post: Any) -> None:
    for path, form, said in (
        ("note", {"text": "  "}, "The note must not be empty."),
        ("tasks", {"title": "Call", "due": "some day"}, "is no time by which a task is due"),
        ("tasks/77", {}, "no task 77"),
        ("update", {"severity": "Terrible"}, "There is no severity"),
        ("alerts", {}, "No alert was named."),
        ("remove", {"alert": "nothing"}, "There is no alert"),
        ("merge", {"into": "77"}, "There is no incident #77"),
        ("contain", {"machine": "nobody", "reason": "x"}, "is no machine of incident"),
        ("contain", {"machine": "nobody", "auto_release": "99"}, "There is no such timer."),
        ("release", {"machine": "nobody", "reason": "x"}, "holds no host"),
    ):
        answer = await post(path, **form)
        assert 400 <= answer.status_code < 500, path
        assert said in answer.text, path
    kept = await post("close", resolution="won", reason="Because <b>it</b> is over")
    assert "Because &lt;b&gt;it&lt;/b&gt; is over</textarea>" in kept.text


async def test_suggestions_are_added_in_one_act(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, post: Any
) -> None:
    found = embedded.read_now(lambda tx: tx.all(sa.select(alerts.c.id).where(alerts.c.severity == "Low")))
    ids = [row["id"] for row in found]
    assert (await post("alerts", alert=ids)).status_code == 303
    incident = embedded.read_now(lambda tx: queue.get(tx, contoso.organization_id, contoso.incident_number))
    held = [each.id for each in embedded.read_now(lambda tx: queue.alerts_of(tx, incident.id))]
    assert sorted(held) == sorted([contoso.alert_id, *ids])
    assert (await post("remove", alert=ids[0])).status_code == 303


async def test_closing_asks_what_becomes_of_the_hosts(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, post: Any
) -> None:
    refused = await post("close", resolution="benign", reason="A test")
    assert refused.status_code == 409
    assert "holds 1 host: fin-ws-014.contoso.com." in refused.text
    assert (await post("close", resolution="benign", reason="A test", hosts="release")).status_code == 303
    asked = sa.select(containments.c.release_requested_at).where(containments.c.id == contoso.containment_id)
    assert embedded.read_now(lambda tx: tx.scalar(asked)) is not None
    page = (await client.get(f"/incidents/{contoso.incident_number}")).text
    assert "Resolved: A test" in page
    assert "Reopen the incident" in page
    assert (await post("reopen", reason="Not over")).status_code == 303


async def test_a_host_is_held_and_let_go_for_an_incident(embedded: Database, contoso: Contoso, post: Any) -> None:
    held = await post("contain", machine="fin-ws-014.contoso.com", reason="Still spreading", auto_release="4")
    assert held.status_code == 303
    holds = sa.select(sa.func.count()).where(
        containment_holds.c.holder.startswith("incident:"), containment_holds.c.let_go_at.is_(None)
    )
    assert embedded.read_now(lambda tx: tx.scalar(holds)) == 1
    assert (await post("release", reason="Clean")).status_code == 303
    assert embedded.read_now(lambda tx: tx.scalar(holds)) == 0


async def test_incidents_are_merged(client: httpx.AsyncClient, contoso: Contoso, post: Any) -> None:
    merged = await post("merge", into="#2")
    assert merged.headers["location"] == "/incidents/2"
    assert 'was merged into <a href="/incidents/2">' in (await client.get(f"/incidents/{contoso.incident_number}")).text


async def test_a_containment_names_its_incident(client: httpx.AsyncClient, contoso: Contoso) -> None:
    page = (await client.get(f"/containment/{contoso.containment_id}")).text
    assert f'<a href="/incidents/{contoso.incident_number}" title="Ransomware in finance">' in page


async def test_text_of_an_attacker_is_text(client: httpx.AsyncClient, embedded: Database, contoso: Contoso) -> None:
    def spoil(tx: Transaction, text: str) -> None:
        kept = storable(text)
        tx.execute(sa.update(incidents).values(title=kept, owner=kept, reason=kept, created_by=kept))
        tx.execute(sa.update(incident_notes).values(text=kept, by=kept))
        tx.execute(sa.update(incident_tasks).values(title=kept, assignee=kept, done_by=kept))
        tx.execute(sa.update(incident_events).values(detail=kept, by=kept, kind=kept))
        tx.execute(sa.update(alerts).values(title=kept, machine_name=kept, incident_id=kept))

    for text in HOSTILE:
        embedded.run_now(partial(spoil, text=text))
        for path in (
            "/incidents?show=all",
            f"/incidents/{contoso.incident_number}",
            "/incidents/1",
            f"/alerts/{contoso.alert_id}",
        ):
            answer = await client.get(path)
            assert answer.status_code == 200
            assert dangers(answer.text) == []


async def test_a_form_that_a_run_waits_for_is_filled_in_on_the_page(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, post: Any
) -> None:
    number = a_task_with_a_form(embedded, contoso.organization_id, contoso.incident_number)
    page = (await client.get(f"/incidents/{contoso.incident_number}")).text
    for words in (
        "Was the user reached?",
        "As the user sees it.",
        "in the &lt;directory&gt;",
        'type="date"',
        "waits for it",
    ):
        assert words in page
    wrong = await post(f"tasks/{number}/fill", **{"field.hosts": "many", "field.remarks": "He <was> asleep"})
    assert wrong.status_code == 400
    assert "Hosts: write a number." in wrong.text
    assert "He &lt;was&gt; asleep</textarea>" in wrong.text
    right = {"field.reached": "yes", "field.verdict": "expected", "field.hosts": "", "field.other": ""}
    assert (await post(f"tasks/{number}/fill", **right)).status_code == 400
    right.pop("field.other")
    assert (await post(f"tasks/{number}/fill", **right)).status_code == 303
    page = (await client.get(f"/incidents/{contoso.incident_number}")).text
    assert "<dt>Verdict</dt><dd>expected</dd>" in page
    assert (await post(f"tasks/{number}/fill", **right)).status_code == 409


async def test_a_task_that_a_run_waits_for_is_cancelled_on_the_page(
    embedded: Database, contoso: Contoso, post: Any
) -> None:
    number = a_task_with_a_form(embedded, contoso.organization_id, contoso.incident_number)
    assert (await post(f"tasks/{number}/cancel")).status_code == 303
    row = embedded.read_now(
        lambda tx: tx.one(sa.select(incident_tasks.c.ended).where(incident_tasks.c.key == "run:call:0"))
    )
    assert row is not None
    assert row["ended"] == "cancelled"
