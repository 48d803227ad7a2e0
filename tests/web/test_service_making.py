import re

import httpx
import pytest

from contoso import Contoso, rule_everywhere
from foreign import SOURCE, tickets
from hostile import HOSTILE, dangers
from ringfence.actions.catalogue import discover
from ringfence.apps import service as apps
from ringfence.apps.shelf import shelf
from ringfence.organizations import service as organizations
from ringfence.services import records
from ringfence.services.model import Service
from ringfence.storage import Database
from webfixtures import csrf, form_fields

__all__ = ["tickets"]


def _carried(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))


def _services(database: Database, contoso: Contoso) -> list[Service]:
    return database.read_now(lambda tx: records.every(tx, contoso.organization_id))


async def test_a_service_is_made_in_three_steps_and_going_back_keeps_what_was_typed(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    first = (await client.get("/services/new")).text
    assert "Microsoft Defender for Endpoint Service v1.0.0" in first
    form = {"csrf": csrf(client, embedded)}
    one = form | _carried(first) | {"name": "night watch", "app": "graph_service"}
    second = (await client.post("/services/making", data=one)).text
    assert "Worker pool" in second
    assert _carried(second)["name"] == "night watch"
    two = form | _carried(second) | {"pool": "tc-job", "notify": "on", "notify_to": "duty@contoso.com"}
    two |= {"max_restarts": "5"}
    third = (await client.post("/services/making", data=two)).text
    three = form | _carried(third) | {"account": contoso.account_id, "interval": "adaptive", "history": "3 days ago"}
    back = (await client.post("/services/making", data=three | {"go": "back"})).text
    assert 'value="tc-job"' in back
    assert 'value="duty@contoso.com"' in back
    assert _carried(back)["interval"] == "adaptive"
    wrong = await client.post("/services/making", data=three | {"interval": "often"})
    assert (wrong.status_code, 'value="often"' in wrong.text) == (400, True)
    made = await client.post("/services/making", data=three)
    assert made.status_code == 303
    (service,) = [each for each in _services(embedded, contoso) if each.name == "night watch"]
    assert (service.source, service.pool, service.notify_to) == ("graph", "tc-job", ("duty@contoso.com",))
    assert (service.max_restarts, service.interval, service.history) == (5, "adaptive", "3 days ago")
    assert (service.everybody, service.shared_with) == (False, ())
    shown = (await client.get(made.headers["location"])).text
    assert "No living worker serves the pool tc-job" in shown
    assert "No living worker serves the pool tc-job" in (await client.get("/services")).text


async def test_each_step_says_what_is_wrong_with_it(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    form = {"csrf": csrf(client, embedded), "app": "defender_service", "pool": "default", "max_restarts": "3"}
    taken = _services(embedded, contoso)[0].name
    for step, said, sentence in (
        ("0", {"name": ""}, "cannot be a service"),
        ("0", {"name": taken}, "already is a service named"),
        ("0", {"name": "x", "app": "nonsense"}, "no app named"),
        ("1", {"pool": "two words"}, "cannot be a pool"),
        ("1", {"notify": "on", "notify_to": ""}, "Nobody would be told"),
        ("1", {"notify": "on", "notify_to": "nobody"}, "is not a mail address"),
        ("1", {"max_restarts": "many"}, "a number from 0 to 100"),
        ("2", {"name": "x"}, "follows a connected account"),
        ("2", {"name": taken, "account": contoso.account_id}, "already is a service named"),
    ):
        answer = await client.post("/services/making", data=form | {"step": step} | said)
        assert sentence in answer.text, said
        assert answer.status_code >= 400
    for words in HOSTILE:
        hostile = form | {"name": words, "pool": words, "notify_to": words, "step": "1"}
        assert dangers((await client.post("/services/making", data=hostile)).text) == []


async def test_a_service_is_edited_and_shared_by_who_may_rule_everywhere(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    other = embedded.run_now(lambda tx: organizations.create(tx, "fabrikam"))
    found = _services(embedded, contoso)[0]
    page = (await client.get(f"/services/{found.id}/edit")).text
    assert f'value="{found.name}"' in page
    form = {"csrf": csrf(client, embedded), "service_id": found.id, "step": "2", "name": "renamed", "pool": "default"}
    form |= form_fields(page, "seen")
    form |= {"app": "defender_service", "share": "some", "organizations": other.id, "account": found.account_id}
    assert (await client.post("/services/making", data=form)).status_code == 303
    (changed,) = [each for each in _services(embedded, contoso) if each.id == found.id]
    assert (changed.name, changed.updates, changed.shared_with) == ("renamed", False, ())
    late = await client.post("/services/making", data=form | {"interval": "90 s", "updates": "on"})
    assert late.status_code == 412
    for words in (
        "Somebody has changed it",
        "What you typed is kept",
        'value="90 s"',
        f'href="/services/{found.id}/edit"',
    ):
        assert words in late.text, words
    assert not next(each for each in _services(embedded, contoso) if each.id == found.id).updates
    form |= form_fields(late.text, "seen")
    back = await client.post("/services/making", data=form | {"go": "back"})
    assert form_fields(back.text, "seen") == form_fields(late.text, "seen")
    assert "fabrikam" not in (await client.post("/services/making", data=form | {"step": "0"})).text
    embedded.run_now(lambda tx: rule_everywhere(tx, contoso))
    assert "fabrikam" in (await client.post("/services/making", data=form | {"step": "0"})).text
    assert (await client.post("/services/making", data=form)).status_code == 303
    (shared,) = [each for each in _services(embedded, contoso) if each.id == found.id]
    assert shared.shared_with == (other.id,)
    assert "<dd>fabrikam</dd>" in (await client.get(f"/services/{found.id}")).text


@pytest.mark.usefixtures("tickets")
async def test_a_service_of_a_package_asks_for_its_parameters_and_keeps_them_for_editing(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    known = shelf(discover())
    embedded.run_now(lambda tx: apps.remember(tx, known))
    assert "Contoso tickets v" not in (await client.get("/services/new")).text
    embedded.run_now(lambda tx: apps.install(tx, known, SOURCE, by="root"))
    assert "Contoso tickets v1.2.0" in (await client.get("/services/new")).text
    form = {"csrf": csrf(client, embedded), "name": "desk", "app": SOURCE, "pool": "default", "max_restarts": "3"}
    third = (await client.post("/services/making", data=form | {"step": "1"})).text
    for shown in ("The HTTP account with which", 'name="p.queue"', "<option selected>low</option>", 'name="p.closed"'):
        assert shown in third
    assert "Connected account" not in third
    typed = form | {"step": "2", "p.": "", "p.account": "desk", "p.queue": "", "p.least": "high", "p.closed": "on"}
    wrong = await client.post("/services/making", data=typed)
    assert (wrong.status_code, "queue: String should have at least 1" in wrong.text) == (400, False)
    assert "queue: Field required" in wrong.text
    assert "<option selected>high</option>" in wrong.text
    made = await client.post("/services/making", data=typed | {"p.queue": "<b>"})
    assert made.status_code == 303
    (service,) = [each for each in _services(embedded, contoso) if each.name == "desk"]
    assert service.parameters == {"account": "desk", "queue": "<b>", "least": "high", "closed": True}
    page = (await client.get(made.headers["location"])).text
    assert "Contoso tickets v1.2.0" in page
    assert "&lt;b&gt;" in page
    assert "Completeness" not in page
    edited = (await client.get(f"/services/{service.id}/edit")).text
    assert 'name="p.queue" value="&lt;b&gt;"' in edited
    changed = typed | {"service_id": service.id, "p.queue": "it", "p.least": "low"} | form_fields(edited, "seen")
    del changed["p.closed"]
    assert (await client.post("/services/making", data=changed)).status_code == 303
    (service,) = [each for each in _services(embedded, contoso) if each.name == "desk"]
    assert service.parameters == {"account": "desk", "queue": "it", "least": "low", "closed": False}
    listed = (await client.get("/services")).text
    assert 'aria-label="Account"><option value="">Every account</option><option>contoso</option>' in listed
    app = (await client.get(f"/apps/{SOURCE}")).text
    assert "The least priority that counts." in app


@pytest.mark.usefixtures("tickets")
async def test_a_program_makes_a_service_of_a_package_with_the_parameters_that_its_app_lists(
    client: httpx.AsyncClient, embedded: Database
) -> None:
    client.headers["X-CSRF-Token"] = csrf(client, embedded)
    embedded.run_now(lambda tx: apps.install(tx, shelf(discover()), SOURCE, by="root"))
    app = (await client.get(f"/api/v1/apps/{SOURCE}")).json()
    assert (app["source"], app["parameters"]["required"]) == (SOURCE, ["account", "queue"])
    new = {"name": "desk", "source": app["source"], "parameters": {"account": "desk"}}
    refused = await client.post("/api/v1/services", json=new)
    assert (refused.status_code, refused.json()["detail"][:40]) == (400, "The parameters do not fit: queue: Field ")
    new["parameters"]["queue"] = "soc"
    made = (await client.post("/api/v1/services", json=new)).json()
    assert (made["account_id"], made["parameters"]["least"], made["app"]) == ("", "low", SOURCE)
    address = f"/api/v1/services/{made['id']}"
    seen = {"If-Match": (await client.get(address)).headers["ETag"]}
    changed = await client.patch(address, json={"parameters": {**new["parameters"], "queue": "it"}}, headers=seen)
    assert changed.json()["parameters"]["queue"] == "it"
