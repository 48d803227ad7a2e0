from datetime import timedelta

import httpx
import sqlalchemy as sa

from contoso import Contoso
from hostile import HOSTILE, dangers
from ringfence import clock
from ringfence.ingestion import sweep_ledger
from ringfence.listeners import service_events
from ringfence.listeners.service_events import Brought
from ringfence.listeners.starting import Outcome
from ringfence.services import records
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import trigger_services
from webserver import Asked


def a_sweep(embedded: Database, contoso: Contoso, title: str = "Late", **values: object) -> str:
    def work(tx: Transaction) -> str:
        service = records.every(tx, contoso.organization_id)[0]
        late = clock.now() - timedelta(hours=3)
        sweep_id = sweep_ledger.claim(tx, service, due_at=clock.now(), since=late)
        assert sweep_id is not None
        missed = sweep_ledger.Missed("7", "da1_1", title, 1, late, late, 10_800.0)
        delays = {"count": 2, "p50": 1.0, "p90": 2.5, "p99": 2.5, "longest": 2.5}
        usual = {"seen": 9, "missed_alerts": 1, "missed_versions": 1, "missed": sweep_ledger.named([missed])}
        sweep_ledger.finish(tx, service, sweep_id, usual | {"delays": delays} | values)
        return service.id

    return embedded.run_now(work)


async def test_a_service_shows_what_its_sweeps_found(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    service_id = a_sweep(embedded, contoso, problem="The cursor stands.")
    page = (await client.get(f"/services/{service_id}")).text
    for words in ("Late", "The cursor stands.", "1.0 / 2.5 / 2.5 s", "Seen after"):
        assert words in page, words
    assert f'href="/services/{service_id}"' in (await client.get("/services")).text


async def test_sources_are_compared_only_when_somebody_asks(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, asked: Asked
) -> None:
    service_id = a_sweep(embedded, contoso)
    await client.get(f"/services/{service_id}")
    assert asked.compared == []
    page = (await client.get(f"/services/{service_id}", params={"since": "6 hours ago"})).text
    assert "0 alike" in page
    assert [since for _, since in asked.compared] == ["6 hours ago"]


async def test_what_an_attacker_named_is_text(client: httpx.AsyncClient, embedded: Database, contoso: Contoso) -> None:
    service_id = a_sweep(embedded, contoso, title=HOSTILE[0], problem=HOSTILE[1])
    page = await client.get(f"/services/{service_id}", params={"since": HOSTILE[0]})
    assert dangers(page.text) == []


async def test_a_service_of_a_package_shows_what_it_brought_and_what_came_of_that(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    service = embedded.read_now(lambda tx: records.every(tx, contoso.organization_id))[0]
    assert "Last events" not in (await client.get(f"/services/{service.id}")).text
    own = {"source": "fabrikam.feed", "account_id": None}
    embedded.run_now(lambda tx: tx.execute(sa.update(trigger_services).values(own)))
    assert "Nothing came yet" in (await client.get(f"/services/{service.id}")).text
    heard = Outcome("p", HOSTILE[0], "1.0", "run-1", HOSTILE[1])
    came = [Brought(HOSTILE[0], clock.now(), (heard,)), Brought("2", None, ()), Brought("3", None, (), elsewhere=2)]
    embedded.run_now(lambda tx: service_events.write(tx, service, came))
    page = (await client.get(f"/services/{service.id}")).text
    for words in ('href="/executions/run-1"', "No playbook listened to this service.", "2 runs there."):
        assert words in page, words
    assert dangers(page) == []


async def test_a_service_that_is_not_there_is_said_to_be_none(client: httpx.AsyncClient) -> None:
    assert (await client.get("/services/none")).status_code == 404
