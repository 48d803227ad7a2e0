import httpx

from contoso import Contoso
from ringfence.playbooks import rules
from ringfence.storage import Database
from webfixtures import csrf


async def test_rules_are_seen_and_changed_and_a_wrong_name_is_told_with_what_was_typed(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    assert "/playbooks/rules" in (await client.get("/playbooks")).text
    assert "empty means everybody" in (await client.get("/playbooks/rules")).text
    form = {"csrf": csrf(client, embedded), "contain": "megan.bowen, nobody-known", "seen": "0"}
    wrong = await client.post("/playbooks/rules", data=form)
    assert (wrong.status_code, "nobody-known&#39;" in wrong.text) == (404, True)
    assert 'value="megan.bowen, nobody-known"' in wrong.text
    form |= {"contain": "megan.bowen", "second_person": "yes"}
    assert (await client.post("/playbooks/rules", data=form)).status_code == 303
    assert (await client.post("/playbooks/rules", data=form)).status_code == 412
    found = embedded.read_now(lambda tx: rules.standing(tx, contoso.organization_id)).rules
    assert (found.contain, found.second_person) == (("megan.bowen",), True)
    many = await client.post("/playbooks/rules", data=form | {"write": ",".join(map(str, range(201)))})
    assert "Make a team of them." in many.text
