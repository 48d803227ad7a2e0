"""Changing alerts from the pages: one or many, each outcome said, and nobody waits for the same refusal a hundred times."""

import httpx
import sqlalchemy as sa

from contoso import Contoso
from ringfence.storage import Database
from ringfence.storage.tables import alerts
from ringfence.web.alert_work import DETERMINATIONS
from webfixtures import csrf
from webserver import Asked


def ids_of(database: Database, many: int) -> list[str]:
    query = sa.select(alerts.c.id).order_by(alerts.c.ingested_at.desc()).limit(many)
    return [row["id"] for row in database.read_now(lambda tx: tx.all(query))]


async def test_one_alert_is_changed_and_what_is_left_empty_is_left_alone(
    client: httpx.AsyncClient, embedded: Database, asked: Asked, contoso: Contoso
) -> None:
    form = {"csrf": csrf(client, embedded), "status": "Resolved", "classification": "", "comment": " <b>Done</b> "}
    answer = await client.post(f"/alerts/{contoso.alert_id}/change", data=form)
    assert answer.status_code == 200
    assert "1 alert changed" in answer.text
    assert "&lt;b&gt;Done&lt;/b&gt;" in answer.text
    ((alert_id, wanted, by),) = asked.changed
    assert (alert_id, wanted.values()) == (contoso.alert_id, {"status": "Resolved", "comment": "<b>Done</b>"})
    assert by == "megan.bowen"


async def test_a_selection_is_changed_alert_by_alert(
    client: httpx.AsyncClient, embedded: Database, asked: Asked
) -> None:
    ids = ids_of(embedded, 3)
    form = {"csrf": csrf(client, embedded), "id": [*ids, ids[0], "no-such-alert"], "assigned_to": "soc@contoso.com"}
    answer = await client.post("/alerts/selected", data=form)
    assert [alert_id for alert_id, *_ in asked.changed] == [*ids, "no-such-alert"]
    assert "3 of 4 alerts changed" in answer.text
    assert "There is no alert" in answer.text


async def test_what_is_away_for_one_alert_is_asked_for_once(
    client: httpx.AsyncClient, embedded: Database, asked: Asked
) -> None:
    asked.refuse = "Microsoft does not answer."
    ids = ids_of(embedded, 3)
    form = {"csrf": csrf(client, embedded), "id": ids, "status": "New"}
    answer = await client.post("/alerts/selected", data=form)
    assert answer.status_code >= 400
    assert answer.text.count("Microsoft does not answer.") == 3
    assert "Nothing was changed" in answer.text


async def test_nothing_selected_and_nothing_to_change_are_said(client: httpx.AsyncClient, embedded: Database) -> None:
    token = csrf(client, embedded)
    none = await client.post("/alerts/selected", data={"csrf": token, "status": "New"})
    assert (none.status_code, "0 alerts are selected" in none.text) == (400, True)
    empty = await client.post("/alerts/selected", data={"csrf": token, "id": ids_of(embedded, 1)})
    assert (empty.status_code, "Nothing was said to change" in empty.text) == (400, True)


async def test_a_selection_is_promoted_together(client: httpx.AsyncClient, embedded: Database) -> None:
    query = sa.select(alerts.c.id).where(alerts.c.machine_name.like("mkt-ws%"))
    ids = [row["id"] for row in embedded.read_now(lambda tx: tx.all(query))]
    answer = await client.post("/alerts/selected", data={"csrf": csrf(client, embedded), "id": ids, "do": "promote"})
    assert answer.status_code == 303
    page = (await client.get(answer.headers["location"])).text
    assert page.count("mkt-ws-0") >= 2


def test_each_determination_goes_with_one_classification() -> None:
    every = [word for group in DETERMINATIONS.values() for word in group]
    assert len(every) == len(set(every))
