import httpx
import sqlalchemy as sa

from ringfence.storage import Database
from ringfence.storage.tables import accounts


async def test_accounts_show_state_reason_and_polls(client: httpx.AsyncClient) -> None:
    page = (await client.get("/accounts")).text
    for words in ("contoso-gov", "AADSTS7000222", "Healthy", "Failing", "GCC High", "3 permissions", "not polled"):
        assert words in page, words


async def test_no_secret_is_on_the_page(client: httpx.AsyncClient, embedded: Database) -> None:
    embedded.run_now(lambda tx: tx.execute(sa.update(accounts).values(secret_sealed="SEALED-SECRET")))
    assert "SEALED-SECRET" not in (await client.get("/accounts")).text
    assert "SEALED-SECRET" not in (await client.get("/")).text


async def test_without_accounts_the_page_says_what_to_do_next(client: httpx.AsyncClient, embedded: Database) -> None:
    embedded.run_now(lambda tx: tx.execute(sa.delete(accounts)))
    page = (await client.get("/accounts")).text
    assert "ringfence account add" in page
