import httpx

from contoso import STARTER, Contoso
from designer_hands import demote, send
from played import work
from ringfence.playbooks.playing import Played, PlayedStep
from ringfence.storage import Database, changes

MASKED = STARTER.replace("  machine:\n", "  machine:\n    mask: [output.healthStatus]\n", 1)


async def test_what_is_on_the_canvas_is_played_in_the_simulator_by_a_worker_and_shown_as_a_dry_run_is(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    address = f"/playbooks/{contoso.playbook_id}/design/play"
    asked = await send(client, embedded, address, {"source": MASKED, "alert": contoso.alert_id})
    trial = asked.json()["trial"]
    assert (await client.get(f"{address}/{trial}")).json() == {
        "state": "requested",
        "open": True,
        "detail": "",
        "found": None,
    }
    machine = PlayedStep(
        step="machine", iteration=0, action="defender.get_machine", status="succeeded", outcome="success"
    ).model_copy(update={"output": {"healthStatus": "Asleep"}})
    wait = PlayedStep(step="watch", iteration=0, action="logic.delay", status="waiting", input={"to": "Asleep"})
    plays = await work(embedded, Played(status="succeeded", steps=(machine, wait), notes=("Yes.",), machine="wks-001"))
    document = plays.asked[0].document
    assert isinstance(document["alert"], dict)
    assert document["alert"]["title"].startswith("Ransomware")  # type: ignore[union-attr]
    said = (await client.get(f"{address}/{trial}")).json()
    found = said["found"]
    assert (said["state"], found["machine"], found["notes"], found["starts"]) == ("done", "wks-001", ["Yes."], False)
    one, other = found["report"]["steps"]
    assert (one["how"], one["end"], other["end"]) == ("played", "success", "error")
    assert "still waiting" in other["error"]
    assert "Asleep" not in str(said)
    page = (await client.get(f"/playbooks/{contoso.playbook_id}/trials/{trial}")).text
    assert "Played in the simulator" in page


async def test_what_could_not_be_played_and_what_somebody_cancelled_is_said(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    address = f"/playbooks/{contoso.playbook_id}/design/play"
    body = {"source": STARTER, "alert": contoso.alert_id}
    first = (await send(client, embedded, address, body)).json()["trial"]
    assert (await send(client, embedded, f"{address}/{first}/cancel", {})).json() == {"state": "cancelled"}
    second = (await send(client, embedded, address, body)).json()["trial"]
    await work(embedded, Played(fault="It is too large."))
    said = (await client.get(f"{address}/{second}")).json()
    assert (said["state"], said["detail"], said["found"]) == ("failed", "It is too large.", None)
    refused = await send(client, embedded, address, {"source": "name: [", "alert": contoso.alert_id})
    assert refused.status_code == 400
    assert (await send(client, embedded, address, {"source": STARTER})).status_code == 400
    since = embedded.read_now(changes.latest)
    assert (await send(client, embedded, f"{address}/expect", {})).json() == {}
    (told,) = embedded.read_now(lambda tx: changes.after(tx, since))
    assert (told.noun, told.noun_id, told.kind) == ("trial", contoso.playbook_id, "expected")
    demote(embedded, contoso)
    for each in (address, f"{address}/expect"):
        assert (await send(client, embedded, each, body)).status_code == 403


async def test_the_proof_of_what_is_on_the_canvas_is_asked_for_and_found(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    address = f"/playbooks/{contoso.playbook_id}/design"

    async def proof(source: str) -> object:
        return (await send(client, embedded, f"{address}/proven", {"source": source})).json()

    assert await proof(STARTER) == {"holds": True, "proof": None}
    assert await proof("ringfence: 1\nname: One\ntrigger: {type: manual}\nsteps: {}\n") == {
        "holds": False,
        "proof": None,
    }
    go = (await send(client, embedded, f"{address}/prove", {"source": STARTER})).json()["go"]
    assert (await client.get(go)).status_code == 200
    trial = go.rpartition("/")[2]
    assert await proof(STARTER) == {"holds": True, "proof": {"id": trial, "open": True, "proven": None}}
    await work(embedded, Played())
    assert await proof(STARTER) == {"holds": True, "proof": {"id": trial, "open": False, "proven": True}}
    assert (await send(client, embedded, f"{address}/prove", {"source": "name: ["})).status_code == 400
