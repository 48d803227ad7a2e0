from datetime import timedelta

import httpx
import pytest

from accounts_samples import a_stored_account, an_organization
from contoso import Contoso
from ringfence import clock
from ringfence.ingestion import sweep_ledger
from ringfence.listeners import service_events
from ringfence.listeners.service_events import Brought
from ringfence.listeners.starting import Outcome
from ringfence.services.model import Service
from ringfence.storage import Database, Transaction
from service_samples import the_service
from webfixtures import csrf
from webserver import Asked


@pytest.fixture
def service(embedded: Database, contoso: Contoso) -> Service:
    """A service of the organization that is signed in, with one sweep."""
    account = a_stored_account(embedded, contoso.organization_id, name="swept")
    found = the_service(embedded, account.id)
    now = clock.now()
    late = now - timedelta(hours=3)
    missed = sweep_ledger.Missed("7", "da1_1", "Late", 1, late, late, 10_800.0)

    def work(tx: Transaction) -> None:
        sweep_id = sweep_ledger.claim(tx, found, due_at=now, since=late)
        assert sweep_id is not None
        values = {
            "until": now,
            "seen": 9,
            "missed_alerts": 1,
            "missed_versions": 1,
            "missed": sweep_ledger.named([missed]),
            "delays": {"count": 2, "p50": 1.0, "p90": 2.5, "p99": 2.5, "longest": 2.5},
        }
        sweep_ledger.finish(tx, found, sweep_id, values)

    embedded.run_now(work)
    return found


async def test_the_ledger_of_sweeps_says_what_was_missed_and_how_late_alerts_are(
    client: httpx.AsyncClient, service: Service
) -> None:
    (item,) = (await client.get(f"/api/v1/services/{service.id}/sweeps")).json()["items"]
    assert (item["seen"], item["missed_alerts"], item["problem"], item["error"]) == (9, 1, "", "")
    assert item["missed"][0]["alert_id"] == "da1_1"
    assert item["missed"][0]["late"] == 10_800.0
    assert item["delays"]["p90"] == 2.5
    assert item["finished_at"].endswith("Z")


async def test_comparing_asks_both_sources(client: httpx.AsyncClient, service: Service, asked: Asked) -> None:
    answer = await client.get(f"/api/v1/services/{service.id}/compare", params={"since": "6 hours ago"})
    found = answer.json()
    assert (answer.status_code, found["alike"], found["only_graph"], found["complete"]) == (200, 0, [], True)
    await client.get(f"/api/v1/services/{service.id}/compare")
    assert asked.compared == [("swept", "6 hours ago"), ("swept", "24 hours ago")]


async def test_what_a_service_brought_is_listed_with_what_came_of_it(
    client: httpx.AsyncClient, embedded: Database, service: Service
) -> None:
    heard = Outcome("p", "Hear", "1.0", "run", "It fits.")
    came = [Brought("1", None, ()), Brought("2", clock.now(), (heard,)), Brought("3", None, (), elsewhere=1)]
    embedded.run_now(lambda tx: service_events.write(tx, service, came))
    path = f"/api/v1/services/{service.id}/events"
    page = (await client.get(path, params={"limit": 2})).json()
    assert [(each["event_id"], each["started"], each["elsewhere"]) for each in page["items"]] == [
        ("3", True, 1),
        ("2", True, 0),
    ]
    assert page["items"][1]["outcomes"] == [
        {"playbook": "Hear", "started": True, "reason": "It fits.", "run_id": "run"}
    ]
    (last,) = (await client.get(path, params={"cursor": page["next"]})).json()["items"]
    assert (last["event_id"], last["started"], last["at"]) == ("1", False, None)


@pytest.mark.parametrize("what", ["sweeps", "compare", "events"])
async def test_another_organization_s_services_are_not_there(
    client: httpx.AsyncClient, embedded: Database, what: str
) -> None:
    theirs = the_service(embedded, a_stored_account(embedded, an_organization(embedded, "Fabrikam")).id)
    assert (await client.get(f"/api/v1/services/{theirs.id}/{what}")).status_code == 404


async def test_the_source_of_a_service_is_asked_once_and_nothing_is_kept(
    client: httpx.AsyncClient, embedded: Database, service: Service
) -> None:
    address = f"/api/v1/services/{service.id}/test"
    assert (await client.post(address)).status_code == 403
    client.headers["X-CSRF-Token"] = csrf(client, embedded)
    found = (await client.post(address)).json()
    assert (found["ok"], found["alerts"]) == (True, 3)
    assert (await client.post("/api/v1/services/none/test")).status_code == 404
