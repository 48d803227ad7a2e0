"""What was tried of playbooks, by the API."""

import httpx

from contoso import STARTER, Contoso
from played import work
from ringfence.playbooks.playing import Played, PlayedStep
from ringfence.storage import Database
from webfixtures import csrf

MASKED = STARTER.replace("  machine:\n", "  machine:\n    mask: [output.healthStatus]\n", 1)
STEP = PlayedStep(
    step="machine",
    iteration=0,
    action="defender.get_machine",
    status="succeeded",
    outcome="success",
    output={"healthStatus": "Asleep", "osPlatform": "Windows11"},
)


async def test_a_play_is_asked_for_listed_and_shown_without_what_is_masked(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    client.headers["X-CSRF-Token"] = csrf(client, embedded)
    of = f"/api/v1/playbooks/{contoso.playbook_id}"
    asked = await client.post(f"{of}/play", json={"source": MASKED, "alert": contoso.alert_id})
    assert (asked.status_code, asked.json()["kind"], asked.json()["state"]) == (202, "rehearsal", "requested")
    address = f"/api/v1/rehearsals/{asked.json()['id']}"
    assert (await client.get(address)).json()["played"] is None
    await work(embedded, Played(status="succeeded", steps=(STEP,), notes=("Noted.",), machine="wks-001"))
    shown = (await client.get(address)).json()
    played = shown["played"]
    assert (shown["state"], played["machine"], played["notes"]) == ("done", "wks-001", ["Noted."])
    (step,) = played["report"]["steps"]
    assert (step["how"], step["output"]["osPlatform"], "Asleep" in str(shown)) == ("played", "Windows11", False)
    past = await client.post(f"{of}/backtest", json={"days": 1})
    listed = [each["id"] for each in (await client.get("/api/v1/rehearsals")).json()["items"]]
    assert listed == [past.json()["id"], shown["id"]]
    for kind, ids in (("rehearsal", [shown["id"]]), ("backtest", [past.json()["id"]]), ("proof", [])):
        found = (await client.get("/api/v1/rehearsals", params={"kind": kind})).json()["items"]
        assert [each["id"] for each in found] == ids, kind
    assert (await client.get("/api/v1/rehearsals", params={"playbook": "Nobody's"})).json()["items"] == []
    assert (await client.get("/api/v1/rehearsals/nothing")).status_code == 404
