import httpx
import sqlalchemy as sa

from contoso import Contoso
from ringfence import clock
from ringfence.runs import attachments
from ringfence.storage import Database
from ringfence.storage.tables import organizations, runs, step_runs


async def test_runs_are_filtered(client: httpx.AsyncClient, contoso: Contoso) -> None:
    found = (await client.get("/api/v1/runs?status=failed&status=succeeded")).json()["items"]
    assert [item["status"] for item in found] == ["failed", "succeeded"]
    found = (await client.get(f"/api/v1/runs?alert_id={contoso.alert_id}&playbook_id={contoso.playbook_id}")).json()
    assert [item["id"] for item in found["items"]] == [contoso.live_run_id]


async def test_one_run_comes_with_steps_and_log(client: httpx.AsyncClient, contoso: Contoso) -> None:
    run = (await client.get(f"/api/v1/runs/{contoso.live_run_id}")).json()
    assert [step["status"] for step in run["steps"]][-2:] == ["waiting", "pending"]
    assert run["steps"][1]["output"]["healthStatus"] == "Active"
    assert run["log"][0]["message"] == "jmespath.query started"
    assert run["trigger"]["type"] == "defender.alert"
    assert (run["step_count"], run["older_lines"], run["again"]) == (8, False, [])
    assert run["steps"][0]["input_size"] > 0


async def test_the_list_narrows_by_version_machine_trigger_and_time_and_refuses_what_it_cannot_read(
    client: httpx.AsyncClient,
) -> None:
    async def found(query: str) -> list[str]:
        return [item["status"] for item in (await client.get(f"/api/v1/runs?{query}")).json()["items"]]

    assert await found("version=1.3&playbook=Contain%20ransomware") == ["waiting", "failed", "succeeded"]
    assert await found("machine=dc-01") == ["failed"]
    assert await found("trigger=manual") == []
    assert await found("until=2020-01-01T00:00:00Z") == []
    assert await found("since=2020-01-01T00:00:00Z&limit=1") == ["waiting"]
    for query in ("status=done", "version=x", "since=yesterday"):
        assert (await client.get(f"/api/v1/runs?{query}")).status_code in (400, 422), query


async def test_a_value_is_downloaded_whole_by_those_who_may_see_the_run(
    client: httpx.AsyncClient, visitor: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    mine = (step_runs.c.run_id == contoso.run_id) & (step_runs.c.step == "machine")
    value = {"text": "x" * 100_000}
    embedded.run_now(lambda tx: tx.execute(sa.update(step_runs).where(mine).values(output=value)))
    run = (await client.get(f"/api/v1/runs/{contoso.run_id}")).json()
    step = next(each for each in run["steps"] if each["step"] == "machine")
    assert (step["output"], step["cut"], step["output_size"]) == (None, ["output"], 100_011)
    address = f"/api/v1/runs/{contoso.run_id}/steps/machine/0/output"
    reply = await client.get(address)
    assert reply.json() == value
    assert reply.headers["content-disposition"] == 'attachment; filename="machine-0-output.json"'
    assert (await visitor.get(address)).status_code == 401
    assert (await client.get(f"/api/v1/runs/{contoso.run_id}/steps/none/0/output")).status_code == 404
    whole = (await client.get(f"/api/v1/runs/{contoso.run_id}?whole=true")).json()
    assert next(each for each in whole["steps"] if each["step"] == "machine")["output"] == value


async def keep(database: Database, contoso: Contoso, name: str, content: bytes) -> str:
    made = await attachments.store(
        database,
        organization_id=contoso.organization_id,
        run_id=contoso.run_id,
        step="collect",
        iteration=0,
        name=name,
        content=content,
        media_type="text/html",
        largest=10_000_000,
    )
    return made.id


async def test_the_files_of_a_run_are_listed_and_downloaded_but_never_shown_by_a_browser(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    content = b"<script>" * 100_000
    made = await keep(embedded, contoso, "../Bericht ü.html", content)
    listed = (await client.get(f"/api/v1/runs/{contoso.run_id}/attachments")).json()
    assert listed["next"] is None
    assert [(each["id"], each["name"], each["size"]) for each in listed["items"]] == [
        (made, "Bericht ü.html", len(content))
    ]
    reply = await client.get(f"/api/v1/runs/{contoso.run_id}/attachments/{made}")
    assert (reply.status_code, reply.content) == (200, content)
    assert reply.headers["content-length"] == str(len(content))
    assert reply.headers["content-disposition"] == (
        "attachment; filename=\"Bericht _.html\"; filename*=UTF-8''Bericht%20%C3%BC.html"
    )
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cache-control"] == "no-store"
    by_name = await client.get(f"/api/v1/runs/{contoso.run_id}/attachments/Bericht%20%C3%BC.html")
    assert by_name.content == content


async def test_a_file_is_given_to_nobody_of_another_organization_or_who_is_not_signed_in(
    client: httpx.AsyncClient, visitor: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    made = await keep(embedded, contoso, "dump.zip", b"secret")
    address = f"/api/v1/runs/{contoso.run_id}/attachments"
    assert (await visitor.get(f"{address}/{made}")).status_code == 401
    assert (await client.get(f"/api/v1/runs/{contoso.live_run_id}/attachments/{made}")).status_code == 404
    other = clock.new_id()
    values = {"id": other, "name": "fabrikam", "created_at": clock.now()}
    embedded.run_now(lambda tx: tx.execute(sa.insert(organizations).values(values)))
    own = runs.c.id == contoso.run_id
    embedded.run_now(lambda tx: tx.execute(sa.update(runs).where(own).values(organization_id=other)))
    for each in (address, f"{address}/{made}"):
        reply = await client.get(each)
        assert reply.status_code == 404
        assert b"secret" not in reply.content
