"""Each list as CSV: all rows that its filters leave, however many, and no cell that a spreadsheet carries out."""

import csv
import io

import httpx
import pytest
import sqlalchemy as sa

from ringfence.storage import Database
from ringfence.storage.tables import alerts

ATTACK = '=HYPERLINK("https://fabrikam.example","click")'


async def rows_of(client: httpx.AsyncClient, address: str) -> list[dict[str, str]]:
    answer = await client.get(address)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="')
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


async def test_every_list_gives_what_it_shows(client: httpx.AsyncClient) -> None:
    many = {
        address: len(await rows_of(client, address))
        for address in (
            "/alerts?csv=1",
            "/alerts?severity=High&csv=1",
            "/executions?csv=1",
            "/executions?status=failed&csv=1",
            "/incidents?show=all&csv=1",
            "/containment?csv=1",
            "/containment?show=others&csv=1",
            "/containment?show=orphans&csv=1",
            "/responses?csv=1",
        )
    }
    assert many["/alerts?csv=1"] == 12
    assert many["/alerts?severity=High&csv=1"] == 4
    assert 0 < many["/executions?status=failed&csv=1"] < many["/executions?csv=1"]
    assert many["/incidents?show=all&csv=1"] > 0
    assert many["/containment?csv=1"] > 0


async def test_a_file_goes_on_beyond_one_page_and_from_the_beginning(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringfence.web.alerts.PIECE", 5)
    ids = [row["id"] for row in await rows_of(client, "/alerts?csv=1&cursor=anything")]
    assert len(ids) == len(set(ids)) == 12


async def test_what_an_attacker_wrote_is_text_in_a_spreadsheet(client: httpx.AsyncClient, embedded: Database) -> None:
    embedded.run_now(lambda tx: tx.execute(sa.update(alerts).values(title=ATTACK)))
    titles = {row["title"] for row in await rows_of(client, "/alerts?csv=1")}
    assert titles == {f"'{ATTACK}"}
