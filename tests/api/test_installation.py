import httpx

from contoso import Contoso
from ringfence.organizations import members
from ringfence.security.rbac import Role
from ringfence.storage import Database
from webfixtures import sign_in


async def test_who_runs_the_installation_reads_its_health(
    visitor: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    role = Role.SYSTEM_ADMINISTRATOR
    user_id = embedded.run_now(lambda tx: members.ensure(tx, contoso.organization_id, "a system administrator", role))
    sign_in(visitor, embedded, user_id)
    found = (await visitor.get("/api/v1/installation")).json()
    assert found["level"] in ("warning", "failure")
    assert {"check", "level", "said", "advice"} == set(found["findings"][0])


async def test_nobody_else_does(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/installation")
    assert (answer.status_code, answer.json()["permission"]) == (403, "system:manage")
