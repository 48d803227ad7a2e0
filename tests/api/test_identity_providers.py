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
    made = await client.put(f"{_AT}/contoso", json=wanted)
    assert made.status_code == 200, made.text
    assert SECRET not in made.text
    assert (made.json()["mapping"], made.json()["has_secret"]) == (["soc=responder"], True)
    assert (await client.post(f"{_AT}/contoso/disable")).json()["enabled"] is False
    assert (await client.post(f"{_AT}/contoso/enable")).json()["enabled"] is True
    assert (await client.post(f"{_AT}/contoso/test")).json()["error"] == ""
    provider.metadata = {"issuer": "https://elsewhere.test"}
    assert (await client.post(f"{_AT}/contoso/test")).json()["code"] == "provider_failed"
    assert (await client.put(f"{_AT}/other", json=wanted)).json()["code"] == "provider_failed"
    (listed,) = (await client.get(_AT)).json()["items"]
    assert "instead of" in listed["error"]
    assert (await client.put(f"{_AT}/other", json=wanted | {"issuer": "ftp://x"})).status_code == 400
    assert (await client.delete(f"{_AT}/contoso")).status_code == 204
    assert (await client.get(_AT)).json()["items"] == []
