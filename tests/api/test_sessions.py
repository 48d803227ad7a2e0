from datetime import timedelta

import httpx

from contoso import Contoso
from ringfence.organizations import members
from ringfence.security import sessions
from ringfence.security.rbac import Role
from ringfence.security.sessions import Visitor
from ringfence.storage import Database
from webfixtures import csrf


async def test_sessions_of_others_are_listed_and_ended(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    alex = embedded.run_now(lambda tx: members.ensure(tx, contoso.organization_id, "alex", Role.ANALYST))
    for _ in range(2):
        embedded.run_now(lambda tx: sessions.start(tx, alex, timedelta(hours=1), visitor=Visitor("::1", "curl/8")))
    address, form = f"/api/v1/users/{alex}/sessions", {"X-CSRF-Token": csrf(client, embedded)}
    found = (await client.get(address)).json()["items"]
    assert [(each["browser"], each["address"]) for each in found] == [("curl", "::1")] * 2
    assert (await client.delete(f"{address}/{found[0]['id']}", headers=form)).status_code == 204
    assert (await client.delete(f"{address}/{found[0]['id']}", headers=form)).status_code == 404
    assert (await client.delete(address, headers=form)).status_code == 204
    assert (await client.get(address)).json()["items"] == []
