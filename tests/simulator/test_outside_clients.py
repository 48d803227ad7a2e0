"""Programs that know nothing of the simulator talk to it, unmodified, through its proxy and its authority."""

import json
import ssl
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

import outside
from ringfence.simulator import Simulator, Tls, portal
from ringfence.simulator.faults import Fault
from ringfence.simulator.specs import AlertSpec
from ringfence.simulator.tenant import App, Tenant

MSAL = """
import json, os, msal, requests

app = msal.ConfidentialClientApplication(
    os.environ["CLIENT_ID"],
    client_credential=os.environ["CLIENT_SECRET"],
    authority=f"https://{os.environ['LOGIN']}/{os.environ['TENANT_ID']}",
)
found = app.acquire_token_for_client([os.environ["SCOPE"]])
token = found["access_token"]
first = requests.get(os.environ["URL"], headers={"Authorization": f"Bearer {token}"}, timeout=30)
print(json.dumps({"status": first.status_code, "body": first.json(), "expires_in": found["expires_in"]}))
"""
HTTPX = """
import json, os, httpx

form = {
    "grant_type": "client_credentials",
    "client_id": os.environ["CLIENT_ID"],
    "client_secret": os.environ["CLIENT_SECRET"],
    "scope": os.environ["SCOPE"],
}
url = f"https://{os.environ['LOGIN']}/{os.environ['TENANT_ID']}/oauth2/v2.0/token"
token = httpx.post(url, data=form).json()["access_token"]
first = httpx.get(os.environ["URL"], headers={"Authorization": f"Bearer {token}"})
print(json.dumps({"status": first.status_code, "body": first.json()}))
"""
AZURE = """
import json, os, azure.identity, requests

secret = azure.identity.ClientSecretCredential(
    os.environ["TENANT_ID"], os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"], authority=os.environ["LOGIN"]
)
certificate = azure.identity.CertificateCredential(
    os.environ["TENANT_ID"], os.environ["CLIENT_ID"], os.environ["CERTIFICATE"], authority=os.environ["LOGIN"],
    send_certificate_chain=bool(os.environ.get("CHAIN")),
)
found = {}
for name, credential in (("secret", secret), ("certificate", certificate)):
    token = credential.get_token(os.environ["SCOPE"])
    reply = requests.get(os.environ["URL"], headers={"Authorization": f"Bearer {token.token}"}, timeout=30)
    again = credential.get_token(os.environ["SCOPE"])
    found[name] = {"status": reply.status_code, "body": reply.json(), "again": again.token == token.token}
print(json.dumps(found))
"""
REFUSED = """
import json, os, azure.core.exceptions, azure.identity

credential = azure.identity.ClientSecretCredential(os.environ["TENANT_ID"], os.environ["CLIENT_ID"], "wrong")
try:
    credential.get_token(os.environ["SCOPE"])
except azure.core.exceptions.ClientAuthenticationError as problem:
    print(json.dumps(str(problem)))
"""
CASES = [
    ("login.microsoftonline.com", "https://api.securitycenter.microsoft.com", "https://eu.api.security.microsoft.com/api/machines"),
    ("login.microsoftonline.com", "https://graph.microsoft.com", "https://graph.microsoft.com/v1.0/security/incidents"),
    ("login.microsoftonline.us", "https://api-gov.security.microsoft.us", "https://api-gov.security.microsoft.us/api/incidents"),
]  # fmt: skip


async def _run(program: str, tls: Tls, **environment: str) -> Any:
    finished = await outside.run([sys.executable, "-c", program], tls, **environment)
    assert finished.code == 0, finished.errors
    return json.loads(finished.output)


def _settings(contoso: Tenant, registration: App, login: str, resource: str, url: str) -> dict[str, str]:
    return {
        "CLIENT_ID": registration.client_id,
        "CLIENT_SECRET": registration.secrets[0].value,
        "TENANT_ID": contoso.id,
        "LOGIN": login,
        "SCOPE": f"{resource}/.default",
        "URL": url,
    }


@pytest.mark.parametrize(("login", "resource", "url"), CASES, ids=["defender", "graph", "xdr-gov"])
async def test_msal_signs_in_and_requests_calls_the_real_names(
    tls: Tls, contoso: Tenant, registration: App, login: str, resource: str, url: str
) -> None:
    found = await _run(MSAL, tls, **_settings(contoso, registration, login, resource, url))
    assert found["status"] == 200, found
    assert isinstance(found["body"]["value"], list)
    assert found["expires_in"] > 0


@pytest.mark.parametrize(("login", "resource", "url"), CASES, ids=["defender", "graph", "xdr-gov"])
async def test_azure_identity_signs_in_by_secret_and_by_certificate(
    tls: Tls, contoso: Tenant, registration: App, tmp_path: Path, login: str, resource: str, url: str
) -> None:
    pair = outside.key_pair()
    registration.certificates = [pair.certificate]
    (tmp_path / "app.pem").write_text(pair.key + pair.certificate)
    settings = _settings(contoso, registration, login, resource, url)
    found = await _run(AZURE, tls, **settings, CERTIFICATE=str(tmp_path / "app.pem"), CHAIN="yes" * ("graph" in url))
    for way in ("secret", "certificate"):
        assert found[way]["status"] == 200, found
        assert isinstance(found[way]["body"]["value"], list)
        assert found[way]["again"]


async def test_azure_identity_explains_a_wrong_secret(tls: Tls, contoso: Tenant, registration: App) -> None:
    problem = await _run(REFUSED, tls, **_settings(contoso, registration, *CASES[0]))
    assert "AADSTS7000215" in problem


async def test_httpx_does_the_same_with_nothing_but_its_environment(
    tls: Tls, contoso: Tenant, registration: App
) -> None:
    found = await _run(HTTPX, tls, **_settings(contoso, registration, *CASES[0]))
    assert (found["status"], len(found["body"]["value"])) == (200, len(contoso.machines))


async def test_a_link_of_graph_names_the_host_that_was_called(tls: Tls, contoso: Tenant, registration: App) -> None:
    url = "https://graph.microsoft.com/v1.0/security/alerts_v2?$top=1"
    settings = _settings(contoso, registration, "login.microsoftonline.com", "https://graph.microsoft.com", url)
    for _ in range(2):
        portal.raise_alert(contoso, AlertSpec(machine="wks-001"), 1_700_000_000.0)
    found = await _run(HTTPX, tls, **settings)
    assert found["body"]["@odata.nextLink"].startswith("https://graph.microsoft.com/v1.0/security/alerts_v2?$top=1&")


async def test_a_host_that_is_not_microsofts_is_refused_by_the_proxy(tls: Tls) -> None:
    async with httpx.AsyncClient(proxy=tls.proxy, trust_env=False) as client:
        with pytest.raises(httpx.ProxyError, match="403"):
            await client.get("https://contoso.com/")


async def test_the_tls_port_answers_by_itself_too(tls: Tls) -> None:
    context = ssl.create_default_context(cafile=str(tls.authority.certificate_path))
    async with httpx.AsyncClient(verify=context, trust_env=False) as client:
        assert (await client.get(f"{tls.origin}/api/alerts")).status_code == 401


async def test_a_dropped_reply_breaks_the_tunnel_and_the_next_request_is_answered(
    tls: Tls, simulator: Simulator
) -> None:
    simulator.faults.add(Fault(kind="drop_before_effect", path="/api/*"))
    context = ssl.create_default_context(cafile=str(tls.authority.certificate_path))
    async with httpx.AsyncClient(proxy=tls.proxy, verify=context, trust_env=False) as client:
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await client.get("https://api.security.microsoft.com/api/alerts")
        assert (await client.get("https://api.security.microsoft.com/api/alerts")).status_code == 401
