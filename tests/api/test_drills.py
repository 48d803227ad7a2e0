import httpx
import pytest
import sqlalchemy as sa

from contoso import WORKSTATION, Contoso
from drill_samples import seed
from ringfence import clock
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import drill_devices, drill_schedules, drills
from webfixtures import csrf

API = "/api/v1/drills"


@pytest.fixture
def held(embedded: Database, contoso: Contoso) -> str:
    def work(tx: Transaction) -> str:
        for table in (drills, drill_schedules, drill_devices):
            tx.execute(sa.delete(table))
        return seed(tx, contoso.organization_id, contoso.account_id, WORKSTATION, clock.now())

    return embedded.run_now(work)


async def test_drills_devices_schedules_and_coverage_are_read(client: httpx.AsyncClient, held: str) -> None:
    listed = (await client.get(API)).json()["items"]
    assert {each["state"] for each in listed} == {"passed", "failed", "observing"}
    one = (await client.get(f"{API}/{held}")).json()
    assert (one["over"], one["steps"][-1]["name"], one["steps"][-1]["seconds"]) == (True, "released", 9.0)
    assert (await client.get(f"{API}/devices")).json()["items"][0]["machine_id"] == WORKSTATION
    assert (await client.get(f"{API}/schedules")).json()["items"][0]["cron"] == "0 9 * * 1"
    covered = (await client.get(f"{API}/coverage?days=7")).json()["items"][0]
    assert (covered["device_group"], covered["drills"], covered["passed"]) == ("Test devices", 3, 1)
    assert (await client.get(f"{API}/unknown")).status_code == 404


async def test_a_drill_is_begun_and_aborted(client: httpx.AsyncClient, embedded: Database, held: str) -> None:
    assert (await client.post(API, json={"device": WORKSTATION})).status_code == 403
    client.headers["X-CSRF-Token"] = csrf(client, embedded)
    new = {"device": WORKSTATION, "real": True, "patience": 600.0}
    assert (await client.post(API, json=new)).status_code == 409
    assert (await client.post(f"{API}/drill-live/abort")).json()["aborted_by"] == "megan.bowen"
    embedded.run_now(lambda tx: tx.execute(sa.update(drills).values(open_key=None)))
    assert (await client.post(API, json=new | {"patience": 1.0})).status_code == 400
    assert (await client.post(API, json=new | {"real": False})).status_code == 400
    begun = await client.post(API, json=new)
    assert (begun.status_code, begun.json()["state"]) == (201, "preparing")


async def test_devices_and_schedules_are_made_and_removed(
    client: httpx.AsyncClient, embedded: Database, held: str
) -> None:
    client.headers["X-CSRF-Token"] = csrf(client, embedded)
    made = await client.post(f"{API}/schedules", json={"device": WORKSTATION, "cron": "0 8 * * *"})
    assert made.status_code == 201
    assert (await client.delete(f"{API}/schedules/{made.json()['id']}")).status_code == 204
    assert (await client.delete(f"{API}/schedules/{made.json()['id']}")).status_code == 404
    assert (await client.post(f"{API}/devices", json={"device": "dc-01.contoso.com"})).status_code == 201
    assert (await client.delete(f"{API}/devices/{WORKSTATION}")).json()["machine_id"] == WORKSTATION
