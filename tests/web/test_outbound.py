import httpx

from hostile import HOSTILE, dangers
from ringfence.storage import Database
from webfixtures import csrf


async def test_accounts_and_hosts_are_made_changed_and_removed(client: httpx.AsyncClient, embedded: Database) -> None:
    page = (await client.get("/outbound")).text
    assert "There is no account yet" in page
    assert "No host is allowed" in page
    token = {"csrf": csrf(client, embedded)}
    new = token | {"name": "rep", "kind": "header", "address": "https://api.contoso.com/v1", "secret": "s3cret"}
    assert (await client.post("/outbound/accounts", data=new)).status_code == 303
    page = (await client.get("/outbound")).text
    assert "https://api.contoso.com/v1/" in page
    assert "s3cret" not in page
    account = page.split('id="account-')[1].split('"')[0]
    assert (await client.post(f"/outbound/accounts/{account}/renew", data=token | {"secret": "n3w"})).status_code == 303
    assert (await client.post(f"/outbound/accounts/{account}/renew", data=token)).status_code == 400
    assert (await client.post("/outbound/hosts", data=token | {"host": "*.fabrikam.com"})).status_code == 303
    page = (await client.get("/outbound")).text
    assert "*.fabrikam.com" in page
    host = page.split('id="host-')[1].split('"')[0]
    assert (await client.post(f"/outbound/hosts/{host}/withdraw", data=token)).status_code == 303
    assert (await client.post(f"/outbound/accounts/{account}/remove", data=token)).status_code == 303
    assert "There is no account yet" in (await client.get("/outbound")).text


async def test_what_cannot_be_meant_is_told_and_secrets_are_not_put_back(
    client: httpx.AsyncClient, embedded: Database
) -> None:
    token = {"csrf": csrf(client, embedded)}
    new = token | {"name": "rep", "kind": "bearer", "address": "http://api.contoso.com", "secret": "s3cret"}
    wrong = await client.post("/outbound/accounts", data=new)
    assert wrong.status_code == 400
    assert 'value="http://api.contoso.com"' in wrong.text
    assert "s3cret" not in wrong.text
    for words in HOSTILE:
        wrong = await client.post("/outbound/hosts", data=token | {"host": words[:1_000], "note": words[:1_000]})
        assert dangers(wrong.text) == []
