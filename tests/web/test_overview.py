import re

import httpx
import sqlalchemy as sa

from ringfence.storage import Database
from ringfence.storage.tables import accounts, organizations, users


async def test_the_overview_counts_what_needs_attention(client: httpx.AsyncClient) -> None:
    page = (await client.get("/")).text
    assert "(2) Overview" in page
    assert re.findall(r'<span class="value">([\d,]+)</span>', page) == ["2", "3", "1", "2"]
    for words in ("1 on the way", "3 medium, 1 low, 0 informational", "1 needs attention", "AADSTS7000222"):
        assert words in page, words


async def test_an_empty_installation_says_what_to_do_next(client: httpx.AsyncClient, embedded: Database) -> None:
    embedded.run_now(lambda tx: tx.execute(sa.delete(accounts)))
    page = (await client.get("/")).text
    assert 'action="/accounts/simulated"' in page
    assert "No host is isolated" in page


async def test_an_organization_that_is_gone_takes_its_sessions_along(
    client: httpx.AsyncClient, embedded: Database
) -> None:
    embedded.run_now(lambda tx: tx.execute(sa.delete(organizations)))
    assert embedded.read_now(lambda tx: tx.scalar(sa.select(sa.func.count()).select_from(users))) == 0
    assert (await client.get("/")).status_code == 303
