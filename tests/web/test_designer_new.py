import httpx

from contoso import Contoso
from ringfence.playbooks import drafts
from ringfence.storage import Database
from webfixtures import csrf


async def test_a_playbook_is_begun_with_a_name_and_drawn_from_then_on(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    token = csrf(client, embedded)
    assert "Other playbooks call it" in (await client.get("/playbooks/design")).text
    form = {"csrf": token, "name": " Look: twice ", "about": "Why <b>", "kind": "playbook"}
    made = await client.post("/playbooks/design", data=form)
    assert made.status_code == 303
    address = made.headers["location"]
    assert (await client.get(f"{address}/document")).json()["source"] == (
        'ringfence: 1\nkind: playbook\nname: "Look: twice"\ndescription: "Why <b>"\ntrigger:\n  type: manual\nsteps: {}\n'
    )
    again = await client.post("/playbooks/design", data=form)
    assert (again.status_code, "Why &lt;b&gt;" in again.text) == (409, True)
    taken = await client.post("/playbooks/design", data=form | {"name": "Contain ransomware"})
    assert "There is a playbook &#39;Contain ransomware&#39; already." in taken.text
    assert (await client.post("/playbooks/design", data=form | {"name": " "})).status_code == 409
    component = await client.post("/playbooks/design", data={"csrf": token, "name": "Part", "kind": "component"})
    found = embedded.read_now(lambda tx: drafts.current(tx, contoso.organization_id, "Part"))
    assert (component.status_code, found.source) == (
        303,
        "ringfence: 1\nkind: component\nname: Part\nsteps: {}\n",
    )
