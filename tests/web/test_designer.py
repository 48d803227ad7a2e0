import httpx
import pytest

from contoso import STARTER, Contoso
from designer_hands import demote, send
from four_hundred import Reading, four_hundred
from ringfence.playbooks import drafts
from ringfence.storage import Database


async def test_the_page_opens_the_document_with_what_may_be_done_to_it(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    address = f"/playbooks/{contoso.playbook_id}/design"
    page = (await client.get(address)).text
    assert "<title>Contain ransomware · Designer · Ringfence</title>" in page
    assert f'data-base="{address}"' in page
    opened = (await client.get(f"{address}/document")).json()
    assert (opened["source"], opened["version"], opened["revision"], opened["state"]) == (STARTER, "1.3", 0, "active")
    assert opened["may"] == {"write": True, "try": True, "publish": True, "control": True}
    assert "contoso" in opened["accounts"]
    assert (await client.get("/playbooks/none/design/document")).json()["code"] == "not_found"


async def test_a_text_is_drawn_and_checked_also_with_errors(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    address = f"/playbooks/{contoso.playbook_id}/design"
    drawn = (await send(client, embedded, f"{address}/look", {"source": STARTER})).json()
    assert (drawn["problems"], drawn["sketch"]["steps"][0]["name"]) == ([], "facts")
    broken = (await send(client, embedded, f"{address}/look", {"source": "name: ["})).json()
    assert (broken["sketch"]["readable"], broken["problems"][0]["code"]) == (False, "bad-yaml")
    found = (
        await send(client, embedded, f"{address}/check", {"source": STARTER.replace("after: facts", "after: fact")})
    ).json()
    assert (found[0]["code"], found[0]["step"], found[0]["field"]) == ("unknown-step", "machine", "after.0")


async def test_what_is_done_on_the_canvas_comes_back_as_text(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    address = f"/playbooks/{contoso.playbook_id}/design/edit"
    operation = {"op": "add", "action": "logic.delay", "after": ["facts"]}
    made = (await send(client, embedded, address, {"source": STARTER, "operations": [operation]})).json()
    assert made["named"] == ["delay"]
    assert "  delay:\n    after: facts\n    action: logic.delay\n" in made["source"]
    refused = await send(
        client, embedded, address, {"source": STARTER, "operations": [{"op": "remove", "steps": ["x"]}]}
    )
    assert (refused.status_code, refused.json()["message"]) == (400, "There is no step 'x'.")
    odd = await send(client, embedded, address, {"source": STARTER, "operations": [{"op": "explode"}]})
    assert (odd.status_code, odd.json()["code"]) == (400, "invalid")
    foreign = await client.post(address, json={"source": STARTER, "operations": [operation]})
    assert (foreign.status_code, foreign.json()["code"]) == (403, "forbidden")


async def test_of_400_steps_an_edit_reads_what_it_changes_and_the_check_after_it_reads_them_once(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"/playbooks/{contoso.playbook_id}/design"
    source, reading = four_hundred().replace("Four hundred", "Read once"), Reading(monkeypatch)
    await send(client, embedded, f"{address}/look", {"source": source})
    assert reading.take() == len(source)
    await send(client, embedded, f"{address}/check", {"source": source})
    assert reading.take() == 0
    pasted = "steps:\n" + "".join(f"  x{number}: {{action: logic.set}}\n" for number in range(20))
    for operation in (
        {"op": "set", "path": ["steps", "test_5", "comment"], "value": "Why."},
        {"op": "add", "action": "logic.set", "after": ["test_5.yes"], "before": "yes_5", "at": [3, 4]},
        {"op": "disconnect", "source": "test_5.no", "target": "no_5"},
        {"op": "connect", "source": "test_5.no", "target": "yes_9"},
        {"op": "paste", "text": pasted, "after": "test_5.yes"},
        {"op": "remove", "steps": ["test_5", "no_9"]},
    ):
        body = {"source": source, "operations": [operation]}
        source = (await send(client, embedded, f"{address}/edit", body)).json()["source"]
        assert reading.take() < len(source) / 8, operation
        await send(client, embedded, f"{address}/check", {"source": source})
        assert reading.take() == len(source), operation


async def test_a_draft_is_saved_by_who_has_seen_the_newest(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    address = f"/playbooks/{contoso.playbook_id}/design/draft"
    body = {"source": STARTER + "timeout: 1 h\n"}

    async def save(seen: str | None) -> httpx.Response:
        headers = {} if seen is None else {"If-Match": seen}
        return await send(client, embedded, address, body, method="PUT", headers=headers)

    saved = await save('"0"')
    assert (saved.status_code, saved.json()["revision"], saved.headers["etag"]) == (200, 1, '"1"')
    late = await save('"0"')
    assert (late.status_code, late.json()["code"]) == (412, "outdated")
    assert (await save(None)).status_code == 400
    draft = embedded.read_now(lambda tx: drafts.current(tx, contoso.organization_id, contoso.playbook_id))
    assert draft.source == body["source"]
    opened = (await client.get(f"/playbooks/{contoso.playbook_id}/design/document")).json()
    assert (opened["revision"], opened["source"]) == (1, body["source"])


async def test_the_palette_lists_actions_and_gives_the_form_of_each(
    client: httpx.AsyncClient, contoso: Contoso
) -> None:
    address = f"/playbooks/{contoso.playbook_id}/design/actions"
    listed = {each["id"]: each for each in (await client.get(address)).json()}
    assert listed["containment.contain"]["effect"] == "contain"
    assert listed["defender.get_machine"]["noun"] == "Machines"
    assert listed["defender.get_machine"]["gives"]["riskScore"] == "text"
    assert listed["logic.set"]["gives"] is None
    form = (await client.get(f"{address}/logic.condition")).json()
    assert (form["kinds"], form["inputs"]["required"]) == ({"test": "run_expression"}, ["test"])
    assert (await client.get(f"{address}/no.such")).status_code == 404


async def test_who_may_only_read_changes_nothing(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    demote(embedded, contoso)
    address = f"/playbooks/{contoso.playbook_id}/design"
    opened = (await client.get(f"{address}/document")).json()
    assert opened["may"] == {"write": False, "try": False, "publish": False, "control": False}
    body = {"source": STARTER, "operations": [{"op": "tidy"}]}
    for path, sent, method in (("edit", body, "POST"), ("draft", {"source": ""}, "PUT"), ("publish", {"seen": 1}, "POST"),
                               ("mode", {"to": "paused"}, "POST"), ("try", {"source": STARTER}, "POST")):  # fmt: skip
        refused = await send(client, embedded, f"{address}/{path}", sent, method=method)
        assert (refused.status_code, refused.json()["code"]) == (403, "missing_permission"), path


async def test_the_components_that_a_call_can_name_are_listed(client: httpx.AsyncClient, contoso: Contoso) -> None:
    assert (await client.get(f"/playbooks/{contoso.playbook_id}/design/components")).json() == []
