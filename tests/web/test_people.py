"""/people: members, invitations and teams."""

import re

import httpx

from contoso import Contoso
from ringfence.organizations import members, service, teams
from ringfence.security import links
from ringfence.security.rbac import Role
from ringfence.storage import Database, Transaction
from webfixtures import csrf, form_fields, sign_in


async def post(client: httpx.AsyncClient, database: Database, address: str, **form: str) -> httpx.Response:
    return await client.post(address, data={"csrf": csrf(client, database), **form})


async def test_somebody_is_invited_by_an_address_that_is_shown_once(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    answer = await post(client, embedded, "/people", name="ines", role="analyst")
    token = re.search(r"/sign-in/link\?token=([\w-]+)", answer.text)
    assert token is not None
    assert embedded.read_now(lambda tx: links.look(tx, token[1])).name == "ines"
    shown = (await client.get("/people")).text
    assert "ines" in shown
    assert token[1] not in shown
    assert (await post(client, embedded, "/people", name="ines", role="analyst")).status_code == 409
    assert (await post(client, embedded, "/people", name="olaf", role="owner")).status_code == 400
    assert (await post(client, embedded, "/people", name="olaf", role="system_administrator")).status_code == 403


async def test_who_is_known_elsewhere_is_let_in_without_an_address_to_be_them(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    def elsewhere(tx: Transaction) -> str:
        return members.ensure(tx, service.create(tx, "Fabrikam").id, "tom", Role.ORGANIZATION_ADMINISTRATOR)

    user_id = embedded.run_now(elsewhere)
    answer = await post(client, embedded, "/people", name="tom", role="read_only")
    assert "is known already" in answer.text
    assert "/sign-in/link" not in answer.text
    refused = await post(client, embedded, f"/people/{user_id}/link")
    assert refused.status_code == 403
    assert "other organizations" in refused.text


async def test_a_role_is_changed_and_a_person_removed_but_not_the_last_administrator(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    user_id = embedded.run_now(lambda tx: members.ensure(tx, contoso.organization_id, "ines", Role.ANALYST))
    assert (await post(client, embedded, f"/people/{user_id}/role", role="responder")).status_code == 303
    assert embedded.read_now(lambda tx: members.get(tx, contoso.organization_id, user_id)).role is Role.RESPONDER
    assert "/sign-in/link" in (await post(client, embedded, f"/people/{user_id}/link")).text
    assert (await post(client, embedded, f"/people/{user_id}/remove")).status_code == 303
    assert (await post(client, embedded, f"/people/{user_id}/remove")).status_code == 404
    last = await post(client, embedded, f"/people/{contoso.user_id}/remove")
    assert last.status_code == 409
    assert "last administrator" in last.text


async def test_who_only_reads_sees_people_and_why_they_change_nothing(
    visitor: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    user_id = embedded.run_now(lambda tx: members.ensure(tx, contoso.organization_id, "olaf", Role.READ_ONLY))
    sign_in(visitor, embedded, user_id)
    page = (await visitor.get("/people")).text
    assert "megan.bowen" in page
    assert "Invite somebody" not in page
    assert "This needs the permission user:manage; your role is Read Only." in page
    refused = await post(visitor, embedded, "/people", name="x", role="analyst")
    assert refused.status_code == 403
    assert "user:manage" in refused.text


async def test_teams_are_made_and_removed(client: httpx.AsyncClient, embedded: Database, contoso: Contoso) -> None:
    assert (await post(client, embedded, "/teams", name="tier-2", people="ines\r\nolaf\r\n")).status_code == 303
    (team,) = embedded.read_now(lambda tx: teams.every(tx, contoso.organization_id))
    assert team.people == ("ines", "olaf")
    page = (await client.get("/people")).text
    assert "ines, olaf" in page
    assert "Nobody signs in here as ines or olaf" in page
    assert (await post(client, embedded, "/teams", name="", people="ines")).status_code == 400
    refused = await post(client, embedded, "/teams", name="tier-2", people="tom")
    assert (refused.status_code, "There is one of this name already." in refused.text) == (412, True)
    form = _team_form((await client.get("/people?team=tier-2")).text)
    assert (form["name"], form["people"], form["about"]) == ("tier-2", "ines\nolaf", "tier-2")
    assert (await post(client, embedded, "/teams", **form | {"people": "ines"})).status_code == 303
    late = await post(client, embedded, "/teams", **form | {"people": "olaf\ntom"})
    assert late.status_code == 412
    for words in ("Somebody has changed it", "What you typed is kept"):
        assert words in late.text
    kept = _team_form(late.text)
    assert kept["people"] == "olaf\ntom"
    # Whoever is called otherwise is a new team.
    assert (await post(client, embedded, "/teams", **kept | {"name": "tier-3"})).status_code == 303
    assert (await post(client, embedded, "/teams", **kept)).status_code == 303
    found = embedded.read_now(lambda tx: teams.every(tx, contoso.organization_id))
    assert [(each.name, each.people) for each in found] == [("tier-2", ("olaf", "tom")), ("tier-3", ("olaf", "tom"))]
    assert (await post(client, embedded, "/teams/remove", name="tier-3")).status_code == 303
    assert (await post(client, embedded, "/teams/remove", name="tier-2")).status_code == 303
    assert embedded.read_now(lambda tx: teams.every(tx, contoso.organization_id)) == []


def _team_form(page: str) -> dict[str, str]:
    _, _, form = page.partition('action="/teams" ')
    people = re.search(r"<textarea[^>]*>(.*?)</textarea>", form, re.DOTALL)
    assert people is not None
    return form_fields(form, "name", "about", "seen") | {"people": people[1]}
