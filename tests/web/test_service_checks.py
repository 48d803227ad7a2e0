from datetime import timedelta

import httpx

from contoso import Contoso
from hostile import HOSTILE, dangers
from ringfence import clock
from ringfence.ingestion import sweep_ledger
from ringfence.services import records
from ringfence.storage import Database, Transaction
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


async def test_a_service_that_is_not_there_is_said_to_be_none(client: httpx.AsyncClient) -> None:
    assert (await client.get("/services/none")).status_code == 404
