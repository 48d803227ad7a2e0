import httpx

from contoso import STARTER, Contoso
from designer_hands import send
from ringfence.rehearsals import profiles
from ringfence.storage import Database
from webserver import Asked


async def test_values_are_tried_on_alerts_and_kept_inputs(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    address = f"/playbooks/{contoso.playbook_id}/design"
    kept = {"alert": {"title": "Kept"}, "by": "x" * 300, "list": [1, 2, 3, 4]}
    embedded.run_now(
        lambda tx: profiles.save(tx, contoso.organization_id, "Contain ransomware", "kept", by="megan", document=kept)
    )
    offered = (await client.get(f"{address}/subjects")).json()
    assert offered["profiles"] == ["kept"]
    assert contoso.alert_id in [each["id"] for each in offered["alerts"]]
    sample = (await client.get(f"{address}/sample", params={"alert": contoso.alert_id})).json()
    alert = sample["document"]["trigger"]["alert"]
    assert sample["document"]["trigger"]["msft.defender.response.json.raw"]["title"] == alert["title"]
    assert sample["on"].startswith(alert["title"])
    trigger = (await client.get(f"{address}/sample", params={"profile": "kept"})).json()["document"]["trigger"]
    assert (trigger["alert"]["title"], trigger["list"], len(trigger["by"])) == ("Kept", [1, 2, 3], 201)
    assert (await client.get(f"{address}/sample")).json()["on"] != ""
    assert (await client.get(f"{address}/sample", params={"alert": "none"})).status_code == 404


async def test_a_field_shows_what_it_gives(client: httpx.AsyncClient, embedded: Database, contoso: Contoso) -> None:
    address = f"/playbooks/{contoso.playbook_id}/design/preview"
    on = {"alert": contoso.alert_id}

    async def preview(text: str, kind: str = "value", **outputs: object) -> object:
        said = await send(client, embedded, address, {"text": text, "kind": kind, "on": on, "outputs": outputs})
        return said.json()

    assert await preview("Risk ${steps.machine.riskScore}!", machine={"riskScore": "High"}) == {"value": "Risk High!"}
    assert await preview("steps.machine.n > `1`", "run_expression", machine={"n": 2}) == {"value": True}
    severity = await preview("${trigger.alert.severity}")
    assert severity in ({"value": "High"}, {"value": "Medium"}, {"value": "Low"})
    wrong = await preview("${trigger.[}")
    assert isinstance(wrong, dict)
    assert "cannot be read" in wrong["error"] or "expression" in wrong["error"]
    rendered = await preview("${a}", "run_expression")
    assert isinstance(rendered, dict)
    assert rendered["code"] == "invalid"


async def test_words_about_the_past_are_shown_as_the_moment_they_mean(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    address = f"/playbooks/{contoso.playbook_id}/design/moment"
    assert (await send(client, embedded, address, {"text": "2026-01-31"})).json()["at"].startswith("2026-01-31T00:00")
    assert (await send(client, embedded, address, {"text": "30 days ago"})).status_code == 200
    assert (await send(client, embedded, address, {"text": "soon"})).status_code == 400


async def test_what_is_on_the_canvas_is_tried_without_being_saved(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, asked: Asked
) -> None:
    address = f"/playbooks/{contoso.playbook_id}/design/try"
    source = STARTER.replace("20 s", "30 s")
    said = (await send(client, embedded, address, {"source": source, "alert": contoso.alert_id})).json()
    assert (said["starts"], said["why"]) == (False, "The severity is Low, not High.")
    (step,) = said["report"]["steps"]
    assert (step["step"], step["how"], step["end"]) == ("isolate", "described", "success")
    (wish,) = asked.tried
    assert (wish.text, wish.alert, wish.profile) == (source, contoso.alert_id, None)
    asked.refuse = "Not now."
    assert (await send(client, embedded, address, {"source": source, "profile": "x"})).json()["message"] == "Not now."
