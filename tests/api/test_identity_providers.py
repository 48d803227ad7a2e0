from collections.abc import AsyncIterator

import httpx
import pytest

from contoso import Contoso
from pretend_provider import CLIENT, ISSUER, SECRET, PretendProvider
from ringfence.api import create_api
from ringfence.storage import Database
from ringfence.web import Services, create_web
from webfixtures import csrf, open_client, sign_in

_AT = "/api/v1/identity-providers"


@pytest.fixture(scope="module")
def provider() -> PretendProvider:
    return PretendProvider()


@pytest.fixture
async def client(
    services: Services, provider: PretendProvider, embedded: Database, contoso: Contoso
) -> AsyncIterator[httpx.AsyncClient]:
    app = create_web(services, api=create_api(services, providers=provider.transport))
    async with open_client(app) as client:
        sign_in(client, embedded, contoso.user_id)
        client.headers["X-CSRF-Token"] = csrf(client, embedded)
        yield client


async def test_providers_are_written_tested_switched_and_removed(
    client: httpx.AsyncClient, provider: PretendProvider
) -> None:
    wanted = {"issuer": ISSUER, "client_id": CLIENT, "secret": SECRET, "mapping": ["soc=responder"]}
    new = {"If-Match": '"0"'}
    assert (await client.put(f"{_AT}/contoso", json=wanted)).status_code == 428
    made = await client.put(f"{_AT}/contoso", json=wanted, headers=new)
    assert made.status_code == 200, made.text
    assert SECRET not in made.text
    assert (made.json()["mapping"], made.json()["has_secret"]) == (["soc=responder"], True)
    read = await client.get(f"{_AT}/contoso")
    assert (read.json(), read.headers["ETag"]) == (made.json(), made.headers["ETag"])
    seen = {"If-Match": read.headers["ETag"]}
    changed = await client.put(f"{_AT}/contoso", json=wanted | {"mapping": ["soc=analyst"]}, headers=seen)
    assert changed.json()["mapping"] == ["soc=analyst"]
    for late in (seen, new):
        refused = await client.put(f"{_AT}/contoso", json=wanted, headers=late)
        assert (refused.status_code, refused.json()["code"]) == (412, "outdated")
    assert (await client.get(f"{_AT}/nobody")).status_code == 404
    assert (await client.post(f"{_AT}/contoso/disable")).json()["enabled"] is False
    assert (await client.post(f"{_AT}/contoso/enable")).json()["enabled"] is True
    assert (await client.post(f"{_AT}/contoso/test")).json()["error"] == ""
    # What nobody edits is no change that anybody has to look at.
    assert (await client.get(f"{_AT}/contoso")).headers["ETag"] == changed.headers["ETag"]
    provider.metadata = {"issuer": "https://elsewhere.test"}
    assert (await client.post(f"{_AT}/contoso/test")).json()["code"] == "provider_failed"
    assert (await client.put(f"{_AT}/other", json=wanted, headers=new)).json()["code"] == "provider_failed"
    (listed,) = (await client.get(_AT)).json()["items"]
    assert "instead of" in listed["error"]
    assert (await client.put(f"{_AT}/other", json=wanted | {"issuer": "ftp://x"}, headers=new)).status_code == 400
    assert (await client.delete(f"{_AT}/contoso")).status_code == 204
    assert (await client.get(_AT)).json()["items"] == []
