import json

import httpx

from cacao_samples import cacao
from contoso import Contoso
from ringfence.playbooks import drafts
from ringfence.storage import Database
from webfixtures import csrf


async def test_a_document_of_another_tool_is_looked_at_and_becomes_a_draft(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    token = {"csrf": csrf(client, embedded)}
    document = json.dumps(cacao(valid_from="2026-01-01T00:00:00.000Z"))
    page = (await client.post("/playbooks/cacao", data={**token, "document": document})).text
    assert "Phishing at Contoso" in page
    assert "A person is asked to do" in page
    assert "/valid_from" in page
    assert embedded.read_now(lambda tx: drafts.opened(tx, contoso.organization_id)) == []
    made = await client.post("/playbooks/cacao", data={**token, "document": document, "do": "keep"})
    (draft,) = embedded.read_now(lambda tx: drafts.opened(tx, contoso.organization_id))
    assert made.headers["location"] == f"/playbooks/{draft.playbook_id}/draft"
    assert draft.name == "Phishing at Contoso"
    again = await client.post("/playbooks/cacao", data={**token, "document": document, "do": "keep"})
    assert again.status_code == 412
    wrong = await client.post("/playbooks/cacao", data={**token, "document": '{"type": "<b>"}'})
    assert (wrong.status_code, "&lt;b&gt;" in wrong.text) == (400, True)


async def test_a_playbook_is_given_out_as_cacao_with_what_is_left_out(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    address = f"/playbooks/{contoso.playbook_id}/cacao"
    assert f'href="{address}"' in (await client.get(f"/playbooks/{contoso.playbook_id}")).text
    page = (await client.get(address, params={"marking": "TLP:AMBER"})).text
    assert "cacao-2.0" in page
    assert "What other tools will not see" in page
    given = await client.get(f"{address}.json", params={"marking": "TLP:AMBER"})
    assert given.headers["content-disposition"].endswith('.cacao.json"')
    assert given.json()["name"] == "Contain ransomware"
    assert (await client.get(address, params={"marking": "TLP:PINK"})).status_code == 400
    assert "Import CACAO" in (await client.get("/playbooks")).text
    assert "Nothing that a foreign document says" in (await client.get("/playbooks/cacao")).text
