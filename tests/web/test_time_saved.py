import httpx
import sqlalchemy as sa

from contoso import Contoso
from ringfence.storage import Database
from ringfence.storage.tables import runs
from webfixtures import csrf


async def test_the_page_sums_up_and_takes_a_rate(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    assert "minutes_saved: 15" in (await client.get("/time-saved")).text
    statement = sa.update(runs).where(runs.c.id == contoso.run_id).values(minutes_saved=90.0)
    embedded.run_now(lambda tx: tx.execute(statement))
    form = {"csrf": csrf(client, embedded), "rate": "80,50", "currency": "eur"}
    assert (await client.post("/time-saved/rate", data=form)).status_code == 303
    page = (await client.get("/time-saved?days=0")).text
    assert "<strong>1.5 hours</strong>, worth <strong>120.75 EUR</strong>" in page
    wrong = await client.post("/time-saved/rate", data=form | {"rate": "a lot"})
    assert wrong.status_code == 400
    assert "cannot be an hourly rate" in wrong.text
