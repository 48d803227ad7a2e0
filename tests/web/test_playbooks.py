import httpx
import sqlalchemy as sa

from contoso import Contoso
from ringfence.storage import Database
from ringfence.storage.tables import playbook_versions, playbooks


async def test_playbooks_show_state_and_version(client: httpx.AsyncClient) -> None:
    page = (await client.get("/playbooks")).text
    for words in ("Contain ransomware", "Active", "1.3", "megan.bowen"):
        assert words in page, words


async def test_one_playbook_shows_its_source_as_text_and_its_runs(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    page = (await client.get(f"/playbooks/{contoso.playbook_id}")).text
    assert "type: defender.alert" in page
    assert 'href="/drills">' in page.split("<h1>")[1]
    assert "dc-01.contoso.com" in page
    embedded.run_now(
        lambda tx: tx.execute(sa.update(playbook_versions).values(source="</pre><script>alert(1)</script>"))
    )
    page = (await client.get(f"/playbooks/{contoso.playbook_id}")).text
    assert "&lt;/pre&gt;&lt;script&gt;" in page
    assert "<script>" not in page


async def test_without_playbooks_the_page_says_what_to_do_next(client: httpx.AsyncClient, embedded: Database) -> None:
    embedded.run_now(lambda tx: tx.execute(sa.delete(playbooks)))
    assert "Choose a starter" in (await client.get("/playbooks")).text
