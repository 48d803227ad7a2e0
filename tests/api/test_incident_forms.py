import httpx
import pytest

from contoso import Contoso
from form_samples import a_task_with_a_form
from ringfence.storage import Database
from webfixtures import csrf


@pytest.fixture
def address(embedded: Database, contoso: Contoso) -> str:
    task = a_task_with_a_form(embedded, contoso.organization_id, contoso.incident_number)
    return f"/api/v1/incidents/{contoso.incident_number}/tasks/{task}"


async def test_a_form_is_filled_in_once_and_typed(client: httpx.AsyncClient, embedded: Database, address: str) -> None:
    sent = {"X-CSRF-Token": csrf(client, embedded)}
    incident = address.partition("/tasks")[0]
    before = (await client.get(incident)).json()["tasks"][-1]
    assert (before["state"], before["form"]["verdict"]["choices"]) == ("open", ["expected", "unexpected"])
    wrong = await client.post(f"{address}/fill", json={"form": {"hosts": "many"}}, headers=sent)
    assert (wrong.status_code, len(wrong.json()["problems"])) == (400, 2)
    done = await client.post(f"{address}/fill", json={"form": {"reached": True, "hosts": 3}}, headers=sent)
    assert done.status_code == 200
    assert (done.json()["state"], done.json()["done"], done.json()["done_by"]) == ("done", True, "megan.bowen")
    assert done.json()["filled"] == {"reached": True, "verdict": None, "hosts": 3, "since": None, "remarks": None}
    again = await client.post(f"{address}/fill", json={"form": {"reached": False}}, headers=sent)
    assert again.status_code == 409
    assert (await client.post(f"{address}/cancel", headers=sent)).status_code == 409


async def test_a_task_is_cancelled_and_nothing_is_changed_without_the_session_s_token(
    client: httpx.AsyncClient, embedded: Database, address: str
) -> None:
    assert (await client.post(f"{address}/cancel")).status_code == 403
    assert (await client.post(f"{address}/fill", json={"form": {"reached": True}})).status_code == 403
    sent = {"X-CSRF-Token": csrf(client, embedded)}
    assert (await client.post(f"{address}/cancel", headers=sent)).json()["state"] == "cancelled"
    assert (await client.post(f"{address.rpartition('/')[0]}/99/cancel", headers=sent)).status_code == 404
    assert (await client.post(f"{address}/fill", json={"form": [1]}, headers=sent)).status_code == 400
