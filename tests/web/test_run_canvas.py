import httpx
import sqlalchemy as sa

from contoso import Contoso
from designer_hands import demote, send
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import run_logs, runs, step_runs


def canvas(run_id: str) -> str:
    return f"/executions/{run_id}/canvas"


async def test_the_page_opens_a_run_and_leads_to_its_text(client: httpx.AsyncClient, contoso: Contoso) -> None:
    page = await client.get(canvas(contoso.live_run_id))
    assert (page.status_code, f'data-run="{contoso.live_run_id}"' in page.text) == (200, True)
    assert f'href="/executions/{contoso.live_run_id}"' in page.text
    assert canvas(contoso.live_run_id) in (await client.get(f"/executions/{contoso.live_run_id}")).text
    assert (await client.get(canvas("nothing"))).status_code == 404


async def test_the_version_that_ran_is_drawn_with_how_each_step_stands(
    client: httpx.AsyncClient, contoso: Contoso
) -> None:
    said = (await client.get(f"{canvas(contoso.live_run_id)}/document")).json()
    assert (said["name"], said["version"], said["may"]["write"]) == ("Contain ransomware", "1.3", False)
    assert [each["name"] for each in said["sketch"]["steps"]][:3] == ["facts", "machine", "known"]
    state = (await client.get(f"{canvas(contoso.live_run_id)}/state")).json()
    assert (state["run"]["word"], state["run"]["live"]) == ("Waiting", True)
    assert state["run"]["alert"]["title"].startswith("Ransomware")
    assert {state["steps"][name]["word"] for name in ("facts", "wait", "comment_unknown", "release")} == {
        "Succeeded",
        "Waiting",
        "Skipped",
        "Not started",
    }
    assert state["number"] > 0


async def test_a_step_comes_with_input_output_attempts_items_and_log(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    def spoil(tx: Transaction) -> None:
        own = (step_runs.c.run_id == contoso.run_id) & (step_runs.c.step == "machine")
        tried = {"number": 1, "started_at": "2026-03-02T09:00:00.000Z", "finished_at": "2026-03-02T09:00:02.000Z"}
        values = {"status": "failed", "error": "<b>", "iteration": 2, "attempts": [tried | {"error": "429"}]}
        tx.execute(sa.update(step_runs).where(own).values(values))
        row = {"run_id": contoso.run_id, "at": sa.func.current_timestamp(), "level": "warn", "fields": {}}
        tx.execute(sa.insert(run_logs).values(row | {"step": "machine", "message": "<script>"}))

    embedded.run_now(spoil)
    said = (await client.get(f"{canvas(contoso.run_id)}/step?name=machine")).json()
    assert (said["item"], said["word"], said["error"], said["item_count"]) == (2, "Failed", "<b>", 1)
    assert said["attempts"][0] == {
        "number": 1,
        "started_at": "2026-03-02T09:00:00.000Z",
        "took": 2.0,
        "error": "429",
    }
    assert said["output"]["value"]["healthStatus"] == "Active"
    assert (said["lines"][-1]["message"], said["lines"][-1]["tone"]) == ("<script>", "warn")
    missing = await client.get(f"{canvas(contoso.run_id)}/step?name=nothing")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


async def test_a_run_is_done_again_from_a_step_once_after_it_was_said_what_that_does(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    address = f"{canvas(contoso.run_id)}/again"
    said = (await client.get(f"{address}?step=isolate")).json()
    assert any(each.startswith("Kept as recorded") for each in said["sentences"])
    assert said["outside"] is True
    body = {"steps": ["isolate"], "key": "once"}
    first = (await send(client, embedded, address, body)).json()["go"]
    assert (await send(client, embedded, address, body)).json()["go"] == first
    assert (await client.get(first)).status_code == 200
    live = await client.get(f"{canvas(contoso.live_run_id)}/again")
    assert (live.status_code, live.json()["code"]) == (409, "conflict")


async def test_a_run_is_ended_early_with_a_reason_and_that_is_said(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    ended = await send(client, embedded, f"{canvas(contoso.live_run_id)}/cancel", {"reason": " Wrong host "})
    assert ended.status_code == 200
    run = (await client.get(f"{canvas(contoso.live_run_id)}/state")).json()["run"]
    assert (run["cancel_reason"], bool(run["cancel_requested_by"])) == ("Wrong host", run["live"])
    row = embedded.read_now(lambda tx: tx.one(sa.select(runs).where(runs.c.id == contoso.live_run_id)))
    assert row is not None
    assert row["cancel_reason"] == "Wrong host"


async def test_who_may_only_look_is_told_so_and_begins_and_ends_nothing(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    demote(embedded, contoso)
    said = (await client.get(f"{canvas(contoso.run_id)}/document")).json()
    assert said["may"] == {"write": False, "again": False, "cancel": False}
    for path in ("again", "cancel"):
        refused = await send(client, embedded, f"{canvas(contoso.run_id)}/{path}", {})
        assert refused.status_code == 403, path
