import httpx

from contoso import Contoso, rule_everywhere
from ringfence.storage import Database
from webfixtures import csrf

_AT = "/api/v1/keys"


async def test_keys_are_listed_and_rotated(client: httpx.AsyncClient, embedded: Database, contoso: Contoso) -> None:
    client.headers["X-CSRF-Token"] = csrf(client, embedded)
    shown = (await client.get(_AT)).json()
    assert shown["signing"]["older"] == []
    assert (await client.post(f"{_AT}/rotate")).status_code == 200
    assert (await client.post(f"{_AT}/rotate-audit")).json()["code"] == "missing_permission"
    assert (await client.post(f"{_AT}/none/retire")).json()["code"] == "not_found"
    embedded.run_now(lambda tx: rule_everywhere(tx, contoso))
    rotated = (await client.post(f"{_AT}/rotate-audit")).json()
    assert rotated["signing"]["older"] == [shown["signing"]["key"]]
    assert (await client.post(f"{_AT}/rotate-master")).json()["to_wrap"] == 0
