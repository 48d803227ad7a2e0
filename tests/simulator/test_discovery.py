import asyncio
from typing import Any

import httpx
import jwt
import msal
import pytest

from ringfence.simulator import Simulator, create_app
from ringfence.simulator.tenant import App, Tenant


class _Reply:
    def __init__(self, reply: httpx.Response) -> None:
        self.status_code = reply.status_code
        self.text = reply.text
        self.headers = dict(reply.headers)
        self._reply = reply

    def raise_for_status(self) -> None:
        self._reply.raise_for_status()


class _HttpClient:
    """What MSAL asks of an HTTP client, over the application; every host leads to it."""

    def __init__(self, simulator: Simulator) -> None:
        self._app = create_app(simulator)

    def get(self, url: str, **options: Any) -> _Reply:
        return self._send("GET", url, options)

    def post(self, url: str, **options: Any) -> _Reply:
        return self._send("POST", url, options)

    def close(self) -> None:
        pass

    def _send(self, method: str, url: str, options: dict[str, Any]) -> _Reply:
        async def send() -> _Reply:
            chosen = {key: options[key] for key in ("params", "data", "headers") if options.get(key)}
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self._app)) as client:
                return _Reply(await client.request(method, url.replace("https://", "http://", 1), **chosen))

        return asyncio.run(send())


@pytest.mark.parametrize("instance_discovery", [False, None])
def test_msal_gets_a_token_and_keeps_it(
    simulator: Simulator, contoso: Tenant, registration: App, instance_discovery: bool | None
) -> None:
    application = msal.ConfidentialClientApplication(
        registration.client_id,
        client_credential=registration.secrets[0].value,
        authority=f"https://127.0.0.1:8900/{contoso.domains[0]}",
        http_client=_HttpClient(simulator),
        instance_discovery=instance_discovery,
    )
    scopes = ["https://api.securitycenter.microsoft.com/.default"]
    first = application.acquire_token_for_client(scopes=scopes)
    second = application.acquire_token_for_client(scopes=scopes)
    assert first["access_token"] == second["access_token"]
    assert second["token_source"] == "cache"
    asked = [entry.operation for entry in simulator.journal.entries]
    assert asked.count("token_client_credentials") == 1


def test_msal_reports_a_wrong_secret(simulator: Simulator, contoso: Tenant, registration: App) -> None:
    application = msal.ConfidentialClientApplication(
        registration.client_id,
        client_credential="wrong",
        authority=f"https://127.0.0.1:8900/{contoso.id}",
        http_client=_HttpClient(simulator),
        instance_discovery=False,
    )
    result = application.acquire_token_for_client(scopes=["https://api.securitycenter.microsoft.com/.default"])
    assert result["error"] == "invalid_client"
    assert result["error_codes"] == [7_000_215]


async def test_the_published_key_verifies_tokens(
    anonymous: httpx.AsyncClient, http: httpx.AsyncClient, contoso: Tenant
) -> None:
    configuration = (await anonymous.get(f"/{contoso.domains[0]}/v2.0/.well-known/openid-configuration")).json()
    assert configuration["token_endpoint"] == f"https://127.0.0.1:8900/{contoso.id}/oauth2/v2.0/token"
    keys = (await anonymous.get(configuration["jwks_uri"].replace("https", "http", 1))).json()["keys"]
    token = http.headers["Authorization"].removeprefix("Bearer ")
    public = jwt.PyJWK.from_dict({**keys[0], "alg": "RS256"})
    options: Any = {"verify_exp": False, "verify_aud": False, "verify_nbf": False, "verify_iat": False}
    assert jwt.decode(token, public.key, algorithms=["RS256"], options=options)["tid"] == contoso.id


async def test_version_one_has_its_own_document(anonymous: httpx.AsyncClient, contoso: Tenant) -> None:
    document = (await anonymous.get(f"/{contoso.id}/.well-known/openid-configuration")).json()
    assert document["issuer"] == f"https://sts.windows.net/{contoso.id}/"
    assert document["token_endpoint"].endswith("/oauth2/token")
    assert (await anonymous.get("/common/discovery/keys")).status_code == 200


async def test_an_unknown_tenant_has_no_document(anonymous: httpx.AsyncClient) -> None:
    reply = await anonymous.get("/nowhere.example.com/v2.0/.well-known/openid-configuration")
    assert (reply.status_code, reply.json()["error_codes"]) == (400, [90_002])


@pytest.mark.parametrize("endpoint", ["", "nonsense", "https://", "https://[::1/x", "https://a b/x", "https://host/"])
async def test_instance_discovery_refuses_what_is_no_authority(anonymous: httpx.AsyncClient, endpoint: str) -> None:
    reply = await anonymous.get("/common/discovery/instance", params={"authorization_endpoint": endpoint})
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_instance")


async def test_a_strange_host_header_is_not_repeated(anonymous: httpx.AsyncClient, contoso: Tenant) -> None:
    url = f"/{contoso.id}/v2.0/.well-known/openid-configuration"
    reply = await anonymous.get(url, headers={"Host": "evil/<script>"})
    assert reply.json()["token_endpoint"].startswith("https://localhost/")
