import httpx

from contoso import Contoso, rule_everywhere
from hostile import dangers
from ringfence.storage import Database
from webfixtures import csrf, form_fields


async def test_the_catalog_is_searched_and_an_app_shows_its_notes(client: httpx.AsyncClient) -> None:
    page = (await client.get("/apps?q=microsoft+defender+for+endpoint")).text
    assert "Microsoft Defender for Endpoint Service" in page
    assert "JMESPath" not in page
    assert "JMESPath" in (await client.get("/apps?category=playbook")).text
    assert "JMESPath" not in (await client.get("/apps?category=trigger_service")).text
    for state in ("broken", "available", "upgraded"):
        assert "Nothing fits" in (await client.get(f"/apps?state={state}")).text
    one = (await client.get("/apps/defender")).text
    assert "First release" in one
    assert "defender.get_machine" in one
    assert dangers(one) == []
    assert (await client.get("/apps/nonsense")).status_code == 404


async def test_an_app_is_given_to_chosen_organizations_and_taken_away(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    form = {"csrf": csrf(client, embedded)}
    assert (await client.post("/apps/containment/uninstall", data=form)).status_code == 403
    assert "Uninstall" not in (await client.get("/apps/containment")).text
    embedded.run_now(lambda tx: rule_everywhere(tx, contoso))
    form |= form_fields((await client.get("/apps/containment")).text, "seen")
    wrong = await client.post("/apps/containment/install", data=form | {"whose": "some"})
    assert (wrong.status_code, "Nobody would get the app" in wrong.text) == (400, True)
    some = form | {"whose": "some", "organization": contoso.organization_id}
    assert (await client.post("/apps/containment/install", data=some)).status_code == 303
    page = (await client.get("/apps/containment")).text
    assert f'value="{contoso.organization_id}" checked' in page
    late = await client.post("/apps/containment/install", data=form | {"whose": "all"})
    assert late.status_code == 412
    for words in ("Somebody has changed it", 'value="all" checked', 'href="/apps/containment" target="_blank"'):
        assert words in late.text, words
    assert f'href="/playbooks/{contoso.playbook_id}"' in page
    assert (await client.post("/apps/containment/uninstall", data=form)).status_code == 303
    assert "they go on, and cannot be published anew" in (await client.get("/apps/containment")).text
    form |= form_fields((await client.get("/apps/containment")).text, "seen")
    assert (await client.post("/apps/containment/install", data=form)).status_code == 303
    assert (await client.post("/apps/containment/accept", data=form)).status_code == 303
