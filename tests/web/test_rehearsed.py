"""What was tried of playbooks, on pages."""

import httpx

from contoso import STARTER, Contoso
from played import work
from ringfence.playbooks.playing import Played, PlayedStep
from ringfence.storage import Database
from webfixtures import csrf

STEP = PlayedStep(
    step="machine",
    iteration=0,
    action="defender.get_machine",
    status="succeeded",
    outcome="success",
)


async def test_pages_list_what_was_tried_and_show_each_step_of_a_play(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    client.headers["X-CSRF-Token"] = csrf(client, embedded)
    assert "Nothing was tried here" in (await client.get("/rehearsals")).text
    body = {"source": STARTER, "alert": contoso.alert_id}
    trial = (await client.post(f"/api/v1/playbooks/{contoso.playbook_id}/play", json=body)).json()["id"]
    await work(embedded, Played(status="succeeded", steps=(STEP,), machine="wks-001"))
    page = (await client.get("/rehearsals")).text
    assert f"/playbooks/{contoso.playbook_id}/trials/{trial}" in page
    assert trial not in (await client.get("/rehearsals", params={"kind": "proof"})).text
    shown = (await client.get(f"/playbooks/{contoso.playbook_id}/trials/{trial}")).text
    for words in ("What came of it", "wks-001", "defender.get_machine"):
        assert words in shown, words
