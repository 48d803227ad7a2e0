import httpx

from contoso import Contoso
from ringfence.rehearsals import profiles
from ringfence.storage import Database
from webfixtures import csrf
from webserver import Asked


async def test_a_playbook_is_tried_on_an_alert_on_its_page(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, asked: Asked
) -> None:
    address = f"/playbooks/{contoso.playbook_id}/try"
    assert f'href="{address}"' in (await client.get(f"/playbooks/{contoso.playbook_id}")).text
    assert 'value="da1"' in (await client.get(address, params={"alert": "da1"})).text
    token = {"csrf": csrf(client, embedded)}
    page = (await client.post(address, data={**token, "alert": " da1 "})).text
    assert asked.tried[0].alert == "da1"
    assert "Would isolate &lt;b&gt;ws-1&lt;/b&gt;, Full." in page
    assert "not have started it: The severity is Low" in page
    embedded.run_now(
        lambda tx: profiles.save(tx, contoso.organization_id, "Contain ransomware", "usual", by="adele", document={})
    )
    assert '<option value="usual">' in (await client.get(address)).text
    await client.post(address, data={**token, "alert": "", "profile": "usual"})
    assert (asked.tried[1].alert, asked.tried[1].profile) == (None, "usual")
    asked.refuse = "There is no alert."
    refused = await client.post(address, data={**token, "alert": "da1"})
    assert (refused.status_code, "There is no alert." in refused.text) == (409, True)
    assert (await client.get("/playbooks/none/try")).status_code == 404


async def test_a_playbook_is_gone_over_the_past_on_its_page(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    address = f"/playbooks/{contoso.playbook_id}/try/past"
    token = {"csrf": csrf(client, embedded)}
    page = (await client.post(address, data={**token, "days": "366"})).text
    assert "would have started a run" in page
    refused = await client.post(address, data={**token, "days": "367"})
    assert (refused.status_code, "cannot go back 367 days" in refused.text) == (400, True)
