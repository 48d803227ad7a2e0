import httpx

from contoso import Contoso
from ringfence.rehearsals import profiles
from ringfence.storage import Database
from webfixtures import csrf, form_fields
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


async def test_a_document_is_tried_and_kept_on_the_page_and_forgotten_again(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, asked: Asked
) -> None:
    address = f"/playbooks/{contoso.playbook_id}/try"
    token = {"csrf": csrf(client, embedded)}
    await client.post(address, data={**token, "document": '{"alert": {"title": "x"}}'})
    assert (asked.tried[0].alert, asked.tried[0].document) == (None, {"alert": {"title": "x"}})
    for text, said in (
        ("{", "is not JSON. Line 1, column 2."),
        ("[1]", "is not a JSON object"),
        ("[" * 9_999, "is not JSON"),
    ):
        refused = await client.post(address, data={**token, "document": text})
        assert (refused.status_code, said in refused.text) == (400, True)
    kept = await client.post(address, data={**token, "document": '{"a": 1}', "name": "usual", "do": "keep"})
    assert kept.status_code == 303
    found = embedded.read_now(lambda tx: profiles.every(tx, contoso.organization_id, "Contain ransomware"))
    assert [(each.name, dict(each.document), each.saved_by) for each in found] == [("usual", {"a": 1}, "megan.bowen")]
    other = {**token, "document": '{"a": 2}', "name": "usual", "do": "keep"}
    asked_first = await client.post(address, data=other)
    assert asked_first.status_code == 412
    for words in ("There is one of this name already.", "{&#34;a&#34;: 2}"):
        assert words in asked_first.text, words
    meant = other | form_fields(asked_first.text, "about", "seen")
    assert (await client.post(address, data=meant)).status_code == 303
    found = embedded.read_now(lambda tx: profiles.every(tx, contoso.organization_id, "Contain ransomware"))
    assert [dict(each.document) for each in found] == [{"a": 2}]
    assert (await client.post(address, data=meant)).status_code == 412
    nothing = await client.post(address, data={**token, "name": "other", "do": "keep"})
    assert (nothing.status_code, "a stored alert or a document" in nothing.text) == (400, True)
    assert "Forget usual" in (await client.get(address)).text
    await client.post(f"{address}/forget", data={**token, "name": "usual"})
    assert "Forget usual" not in (await client.get(address)).text
