import re

import httpx
import pytest

from contoso import Contoso
from hostile import HOSTILE, dangers
from listening_world import publish, runs_of
from ringfence.storage import Database
from webfixtures import csrf


@pytest.fixture(autouse=True)
def _playbooks(embedded: Database, contoso: Contoso) -> None:
    trigger = "{type: manual, on: [alert, machine], inputs: {why: {required: true, description: The reason}}}"
    publish(embedded, contoso.organization_id, "Look closer", trigger)
    publish(embedded, contoso.organization_id, "Tidy up", "{type: manual}")


async def test_an_alert_leads_to_the_playbooks_that_may_be_started_on_it(
    client: httpx.AsyncClient, contoso: Contoso
) -> None:
    alert = (await client.get(f"/alerts/{contoso.alert_id}")).text
    assert f'href="/start?alert={contoso.alert_id}"' in alert
    assert "Start a playbook on this host" in alert
    page = (await client.get(f"/start?alert={contoso.alert_id}")).text
    assert "Look closer" in page
    assert "Tidy up" not in page
    assert "Tidy up" in (await client.get("/start")).text


async def test_a_playbook_is_started_with_what_the_person_gave(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    page = (await client.get(f"/start?alert={contoso.alert_id}&playbook=Look+closer")).text
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    assert "The reason" in page
    given = fields | {"csrf": csrf(client, embedded), "input.why": "drill"}
    answers = [await client.post("/start", data=given) for _ in range(2)]
    (run,) = (run for run in runs_of(embedded) if run["trigger"].get("type") == "manual")
    assert {answer.headers["location"] for answer in answers} == {f"/executions/{run['id']}"}
    assert (run["trigger"]["input"], run["alert_id"]) == ({"why": "drill"}, contoso.alert_id)
    assert run["trigger"]["by"]
    shown = await client.get(f"/executions/{run['id']}")
    assert shown.status_code == 200


async def test_what_is_missing_is_told_in_the_form_and_what_was_given_is_kept(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    given = {"csrf": csrf(client, embedded), "playbook": "Look closer", "alert": contoso.alert_id, "input.why": " "}
    answer = await client.post("/start", data=given)
    assert answer.status_code == 400
    assert "The input &#39;why&#39; is missing: The reason." in answer.text
    assert 'action="/start"' in answer.text
    nothing = await client.post("/start", data={"csrf": csrf(client, embedded)})
    assert nothing.status_code == 404


async def test_a_foreign_page_can_start_nothing(client: httpx.AsyncClient, embedded: Database) -> None:
    before = len(runs_of(embedded))
    assert (await client.post("/start", data={"playbook": "Tidy up"})).status_code == 403
    given = {"csrf": csrf(client, embedded), "playbook": "Tidy up"}
    foreign = await client.post("/start", data=given, headers={"Origin": "https://fabrikam.example"})
    assert foreign.status_code == 403
    assert len(runs_of(embedded)) == before
    assert (await client.post("/start", data=given)).status_code == 303


async def test_only_a_playbook_that_needs_nothing_has_the_button_on_its_page(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    assert "/start?playbook=" not in (await client.get("/playbooks/Look closer")).text
    assert "/start?playbook=" in (await client.get("/playbooks/Tidy up")).text


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_in_the_address_stays_text(client: httpx.AsyncClient, text: str) -> None:
    answer = await client.get("/start", params={"machine": text, "playbook": "Look closer", "account": text})
    assert answer.status_code == 200
    assert dangers(answer.text) == []
