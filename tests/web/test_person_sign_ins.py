import re
from datetime import timedelta

import httpx

from contoso import Contoso
from ringfence.organizations import members
from ringfence.security import sessions
from ringfence.security.rbac import Role
from ringfence.storage import Database
from webfixtures import csrf


async def test_an_administrator_signs_somebody_out(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    alex = embedded.run_now(lambda tx: members.ensure(tx, contoso.organization_id, "alex", Role.ANALYST))
    for _ in range(3):
        embedded.run_now(lambda tx: sessions.start(tx, alex, timedelta(hours=1)))
    here = f"/people/{alex}/sign-ins"
    assert here in (await client.get("/people")).text
    page = await client.get(here)
    one = re.search(rf"{here}/\w{{16}}/revoke", page.text)
    assert one
    form = {"csrf": csrf(client, embedded)}
    assert (await client.post(one[0], data=form)).headers["location"] == here
    assert (await client.post(one[0], data=form)).status_code == 404
    for do in ("unlock", "reset-app", "revoke-all"):
        assert (await client.post(f"{here}/{do}", data=form)).headers["location"] == here
    assert "Signed in nowhere" in (await client.get(here)).text
    assert (await client.get("/people/nobody/sign-ins")).status_code == 404
