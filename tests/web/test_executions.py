import httpx
import sqlalchemy as sa

from contoso import Contoso
from ringfence.runs import attachments
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import run_logs, runs, step_runs


async def test_the_list_says_state_playbook_alert_and_host(client: httpx.AsyncClient) -> None:
    page = (await client.get("/executions")).text
    assert "(1) Executions" in page
    assert page.count("<tr id=") == 3
    assert "isolate: policy refused to contain dc-01.contoso.com." in page
    assert (await client.get("/executions?status=succeeded")).text.count("<tr id=") == 1
    assert (await client.get("/executions?q=dc-01")).text.count("<tr id=") == 1


async def test_the_list_narrows_by_everything_and_says_what_it_could_not_read(
    client: httpx.AsyncClient, contoso: Contoso
) -> None:
    async def rows(query: str) -> int:
        return (await client.get(f"/executions?{query}")).text.count("<tr id=")

    assert await rows(f"playbook={contoso.playbook_id}&version=1.3&since=2020-01-01") == 3
    assert await rows("machine=dc-01") == 1
    assert await rows("trigger=manual") == 0
    assert await rows("until=2020-01-01") == 0
    page = (await client.get("/executions?since=soonish&version=x")).text
    assert page.count('aria-invalid="true"') == 2
    assert page.count("<tr id=") == 3


async def test_a_run_is_drawn_with_the_way_that_it_took(client: httpx.AsyncClient, contoso: Contoso) -> None:
    page = (await client.get(f"/executions/{contoso.live_run_id}")).text
    assert page.count('class="node tone-') >= 8
    assert 'class="way taken"' in page
    assert 'class="way dead"' in page


async def test_an_empty_list_says_what_to_do_next(client: httpx.AsyncClient, embedded: Database) -> None:
    assert "Take one away" in (await client.get("/executions?q=none")).text
    embedded.run_now(lambda tx: tx.execute(sa.delete(runs)))
    assert "somebody starts one by hand" in (await client.get("/executions")).text


async def test_one_run_shows_each_step_with_what_went_in_and_came_out(
    client: httpx.AsyncClient, contoso: Contoso
) -> None:
    page = (await client.get(f"/executions/{contoso.live_run_id}")).text
    assert "<title>Waiting · Contain ransomware · Ringfence</title>" in page
    assert page.count('class="step"') == 8
    for words in ("healthStatus", "38.8 s", "jmespath.query started", "Skipped", "Not there yet.", "Contained"):
        assert words in page, words


async def test_a_failed_step_is_open_and_says_why(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    def spoil(tx: Transaction) -> None:
        own = (step_runs.c.run_id == contoso.run_id) & (step_runs.c.step == "isolate")
        values = {"status": "failed", "error": "<b>Refused</b>", "attempt": 3, "iteration": 2, "output": {"a": ["<i>"]}}
        tx.execute(sa.update(step_runs).where(own).values(values))
        row = {"run_id": contoso.run_id, "at": sa.func.current_timestamp(), "level": "error", "fields": {}}
        tx.execute(sa.insert(run_logs).values(row | {"message": "<script>"}))

    embedded.run_now(spoil)
    page = (await client.get(f"/executions/{contoso.run_id}")).text
    assert "&lt;b&gt;Refused&lt;/b&gt;" in page
    assert "attempt 3" in page
    assert "item 2" in page
    assert page.count('<details class="step" id="details-isolate-2" open>') == 1
    assert "&lt;script&gt;" in page


async def test_a_run_that_has_not_begun_says_so(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    embedded.run_now(lambda tx: tx.execute(sa.delete(step_runs)))
    assert "waits for a free worker" in (await client.get(f"/executions/{contoso.run_id}")).text


async def test_the_files_of_a_run_are_shown_with_what_leads_to_them(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    address = f"/executions/{contoso.run_id}"
    assert 'id="files-title"' not in (await client.get(address)).text
    made = await attachments.store(
        embedded,
        organization_id=contoso.organization_id,
        run_id=contoso.run_id,
        step="collect",
        iteration=2,
        name='"><script>alert(1)</script>.zip',
        content=b"x" * 1_400_000,
        media_type="application/zip",
        largest=10_000_000,
    )
    page = (await client.get(address)).text
    assert f'href="/api/v1/runs/{contoso.run_id}/attachments/{made.id}" download' in page
    assert "collect, round 2</span><span>1.4 MB" in page
    assert "<script>alert" not in page
    assert (await client.get(f"/api/v1/runs/{contoso.run_id}/attachments/{made.id}")).status_code == 200
