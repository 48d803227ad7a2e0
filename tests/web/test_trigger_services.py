import httpx
import sqlalchemy as sa

from ringfence.storage import Database
from ringfence.storage.tables import accounts, trigger_services
from webfixtures import csrf


async def test_services_show_how_they_go(client: httpx.AsyncClient) -> None:
    page = (await client.get("/services")).text
    for words in ("contoso-gov", "Running", "Failed", "the sign-in was refused", "every 1 min", "back to 1 day ago"):
        assert words in page, words
    assert "41 s" in page


async def test_a_service_is_switched_off_and_on(client: httpx.AsyncClient, embedded: Database) -> None:
    def first() -> sa.RowMapping:
        query = sa.select(trigger_services).where(trigger_services.c.name == "contoso")
        found = embedded.read_now(lambda tx: tx.one(query))
        assert found is not None
        return found

    for what, state in (("pause", "off"), ("resume", "starting")):
        answer = await client.post(f"/services/{first()['id']}/{what}", data={"csrf": csrf(client, embedded)})
        assert (answer.status_code, answer.headers["location"]) == (303, "/services")
        assert first()["state"] == state
    assert (await client.post("/services/none/pause", data={"csrf": csrf(client, embedded)})).status_code == 404


async def test_without_services_the_page_says_what_to_do_next(client: httpx.AsyncClient, embedded: Database) -> None:
    embedded.run_now(lambda tx: tx.execute(sa.delete(accounts)))
    assert "Connect an account" in (await client.get("/services")).text
