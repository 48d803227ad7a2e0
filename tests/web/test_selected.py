"""One thing done to all that is selected in a list, by plain forms: what became of each is said."""

import httpx
import pytest
import sqlalchemy as sa

from contoso import Contoso
from ringfence.incidents import queue
from ringfence.incidents.model import Incident
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import runs, trigger_services
from webfixtures import csrf
from webserver import Asked


async def send(client: httpx.AsyncClient, database: Database, path: str, **form: str | list[str]) -> httpx.Response:
    return await client.post(path, data={"csrf": csrf(client, database)} | form)


def incidents(database: Database, contoso: Contoso, *numbers: int) -> list[Incident]:
    return database.read_now(lambda tx: [queue.get(tx, contoso.organization_id, each) for each in numbers])


async def test_incidents_are_assigned_noted_and_resolved_together(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    assert 'action="/incidents/selected"' in (await client.get("/incidents")).text
    form: dict[str, str | list[str]] = {
        "id": ["2", "3", "77", "x"],
        "owner": "alex.wilber",
        "comment": "Seen <b>twice</b>",
    }
    answer = await send(client, embedded, "/incidents/selected", **form)
    assert "2 of 4 incidents changed" in answer.text
    assert "There is no incident #77." in answer.text
    assert "Seen &lt;b&gt;twice&lt;/b&gt;" in answer.text
    assert {each.owner for each in incidents(embedded, contoso, 2, 3)} == {"alex.wilber"}
    # The third holds a host, and nobody says what becomes of it: nothing of it is changed.
    end: dict[str, str | list[str]] = {"id": ["2", "3"], "resolution": "benign", "reason": "A test", "severity": "Low"}
    answer = await send(client, embedded, "/incidents/selected", **end)
    assert "1 of 2 incidents changed" in answer.text
    assert "holds 1 host" in answer.text
    two, three = incidents(embedded, contoso, 2, 3)
    assert (two.status, two.severity, three.open, three.severity) == ("resolved", "Low", True, "High")
    answer = await send(client, embedded, "/incidents/selected", id="3", hosts="keep", resolution="benign", reason="It")
    assert "1 incident changed" in answer.text


@pytest.mark.parametrize(
    ("path", "form", "said"),
    [
        ("/incidents/selected", {"id": "2"}, "Nothing was said to change"),
        ("/incidents/selected", {"id": "2", "resolution": "benign"}, "with a reason"),
        ("/incidents/selected", {"owner": "alex"}, "0 incidents are selected"),
        ("/containment/selected", {"id": "x"}, "needs a reason"),
        ("/services/selected", {"do": "pause"}, "0 services are selected"),
    ],
)
async def test_what_cannot_be_done_is_said_before_anything_is(
    client: httpx.AsyncClient, embedded: Database, path: str, form: dict[str, str], said: str
) -> None:
    answer = await send(client, embedded, path, **form)
    assert (answer.status_code, said in answer.text) == (400, True)


async def test_executions_are_cancelled_and_begun_again_once(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    ids = [contoso.live_run_id, contoso.run_id]
    answer = await send(client, embedded, "/executions/selected", id=ids, do="cancel", reason="Mistake")
    assert "1 of 2 executions cancelled" in answer.text
    assert "The run has ended already" in answer.text

    def again(tx: Transaction) -> int:
        return len(tx.all(sa.select(runs.c.id).where(runs.c.rerun_of == contoso.run_id)))

    before = embedded.read_now(again)
    for _ in range(2):
        answer = await send(client, embedded, "/executions/selected", id=contoso.run_id, do="rerun", key="once")
        assert "1 execution begun again" in answer.text
    assert embedded.read_now(again) == before + 1


async def test_hosts_are_released_for_one_reason_each_as_alone(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, asked: Asked
) -> None:
    ids = [contoso.containment_id, "none"]
    answer = await send(client, embedded, "/containment/selected", id=ids, reason=" Reimaged ")
    assert "1 of 2 containments asked to be released" in answer.text
    assert asked.released == [
        {"containment_id": contoso.containment_id, "reason": "Reimaged", "by": "megan.bowen"},
    ]
    asked.refuse = "It is being isolated."
    answer = await send(client, embedded, "/containment/selected", id=contoso.containment_id, reason="Reimaged")
    assert (answer.status_code, "Nothing was asked to be released" in answer.text) == (409, True)


async def test_services_are_switched_together(client: httpx.AsyncClient, embedded: Database) -> None:
    rows = embedded.read_now(lambda tx: tx.all(sa.select(trigger_services.c.id)))
    ids = [row["id"] for row in rows]
    for do, on in (("pause", False), ("resume", True)):
        answer = await send(client, embedded, "/services/selected", id=ids, do=do)
        assert f"{len(ids)} services switched {'on' if on else 'off'}" in answer.text
        found = embedded.read_now(lambda tx: tx.all(sa.select(trigger_services.c.enabled)))
        assert {row["enabled"] for row in found} == {on}
