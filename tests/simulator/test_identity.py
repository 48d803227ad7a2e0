import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import quote

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from factbook import example
from ringfence.simulator import Simulator, SimulatorControl
from ringfence.simulator.identity import CODES, SignInError, error_reply
from ringfence.simulator.tenant import App, Tenant

Ask = Callable[..., Awaitable[httpx.Response]]
_OF_SECRETS = (7_000_215, 7_000_222)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize("by", ["id", "domain"])
async def test_a_tenant_is_addressed_by_guid_or_domain(sign_in: Ask, contoso: Tenant, by: str) -> None:
    reply = await sign_in(tenant=contoso.id.upper() if by == "id" else contoso.domains[0])
    assert reply.status_code == 200
    assert {key: value for key, value in reply.json().items() if key != "access_token"} == {
        "token_type": "Bearer",
        "expires_in": 3_599,
        "ext_expires_in": 3_599,
    }


async def test_version_one_takes_a_resource_and_writes_numbers_as_texts(sign_in: Ask) -> None:
    reply = await sign_in("oauth2/token", scope=None, resource="https://api.securitycenter.microsoft.com/")
    body = reply.json()
    assert all(isinstance(value, str) for value in body.values())
    assert int(body["expires_on"]) - int(body["not_before"]) == 3_900
    claims = jwt.decode(body["access_token"], options={"verify_signature": False})
    assert claims["aud"] == "https://api.securitycenter.microsoft.com/"


async def test_basic_authentication_stands_in_for_the_form(
    anonymous: httpx.AsyncClient, contoso: Tenant, registration: App
) -> None:
    pair = f"{quote(registration.client_id)}:{quote(registration.secrets[0].value)}"
    header = {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
    form = {"grant_type": "client_credentials", "scope": "https://graph.microsoft.com/.default"}
    reply = await anonymous.post(f"/{contoso.id}/oauth2/v2.0/token", data=form, headers=header)
    assert reply.status_code == 200
    broken = await anonymous.post(
        f"/{contoso.id}/oauth2/v2.0/token", data=form, headers={"Authorization": "Basic not-base64"}
    )
    assert broken.json()["error_codes"] == [900_144]


@pytest.mark.parametrize(
    ("changes", "status", "error", "code"),
    [
        ({"tenant": "00000000-0000-0000-0000-0000000000bb"}, 400, "invalid_tenant", 90_002),
        ({"tenant": "nowhere.example.com"}, 400, "invalid_tenant", 90_002),
        ({"tenant": "not_a_tenant!"}, 400, "invalid_request", 900_023),
        ({"tenant": "contoso"}, 400, "invalid_request", 900_023),
        ({"tenant": "common"}, 400, "invalid_request", 9_001_023),
        ({"client_id": "00000000-0000-0000-0000-0000000000aa"}, 400, "unauthorized_client", 700_016),
        ({"client_secret": "wrong"}, 401, "invalid_client", 7_000_215),
        ({"client_secret": None}, 401, "invalid_client", 7_000_218),
        ({"client_id": None}, 400, "invalid_request", 900_144),
        ({"grant_type": None}, 400, "invalid_request", 900_144),
        ({"scope": None}, 400, "invalid_request", 900_144),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70_003),
        ({"scope": "Machine"}, 400, "invalid_scope", 70_011),
        ({"scope": " "}, 400, "invalid_scope", 70_011),
        ({"scope": "https://graph.microsoft.com/User.Read"}, 400, "invalid_scope", 1_002_012),
        ({"scope": "https://example.com/.default"}, 400, "invalid_resource", 500_011),
        (
            {"scope": "https://graph.microsoft.com/.default https://api.securitycenter.microsoft.com/.default"},
            400,
            "invalid_request",
            700_022,
        ),
        ({"path": "oauth2/token", "resource": "https://example.com"}, 400, "invalid_resource", 500_011),
        ({"path": "oauth2/token"}, 400, "invalid_request", 900_144),
    ],
)
async def test_a_wrong_request_is_refused_with_its_code(
    sign_in: Ask, changes: dict[str, str | None], status: int, error: str, code: int
) -> None:
    reply = await sign_in(**changes)
    body = reply.json()
    assert (reply.status_code, body["error"], body["error_codes"]) == (status, error, [code])
    assert body["error_description"].startswith(f"AADSTS{code}: ")
    assert "{}" not in body["error_description"]


async def test_an_expired_secret_and_a_disabled_app_are_told_apart(
    sign_in: Ask, control: SimulatorControl, registration: App
) -> None:
    await control.expire_secret(registration.client_id, registration.secrets[0].id)
    assert (await sign_in()).json()["error_codes"] == [7_000_222]
    await control.edit_app(registration.client_id, disabled=True)
    assert (await sign_in()).json()["error_codes"] == [7_000_112]


@pytest.mark.parametrize("code", [700_016, 7_000_215, 7_000_222, 90_002])
def test_error_bodies_have_the_documented_keys_and_words(code: int) -> None:
    status = 401 if code in _OF_SECRETS else 400
    documented = example(f"token_client_credentials.error.AADSTS{code}.{status}")
    about = ("00000000-0000-0000-0000-0000000000aa", "contoso")
    if code == 90_002:
        about = ("00000000-0000-0000-0000-0000000000bb", "")
    reply = error_reply(SignInError(code, *about), 1, 1_704_067_200.0)
    body = json.loads(reply.body or b"")
    assert list(body) == list(documented)
    assert body["error_description"].split("\r\n")[0] == documented["error_description"].split("\r\n")[0]
    assert body["timestamp"] == documented["timestamp"]
    assert body["error"] == documented["error"]
    assert reply.status == status


@pytest.mark.parametrize("code", CODES)
def test_every_code_can_be_said_without_particulars(code: int) -> None:
    assert b"{}" not in (error_reply(SignInError(code), 1, 0.0).body or b"")


async def test_garbage_is_refused_and_never_breaks_the_endpoint(anonymous: httpx.AsyncClient, contoso: Tenant) -> None:
    for content, headers in ((b"\xff\xfe%zz&&=", FORM), (b"{}", {"Content-Type": "application/json"}), (b"", {})):
        reply = await anonymous.post(f"/{contoso.id}/oauth2/v2.0/token", content=content, headers=headers)
        assert reply.json()["error_codes"] == [900_144]
    assert (await anonymous.get(f"/{contoso.id}/oauth2/v2.0/token")).status_code == 405


async def test_a_certificate_signs_in(
    anonymous: httpx.AsyncClient, control: SimulatorControl, simulator: Simulator, sign_in: Ask, registration: App
) -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    await control.edit_app(registration.client_id, certificates=[pem.decode()])
    tenant = next(iter(simulator.tenants.values()))
    claims = {
        "aud": f"https://127.0.0.1:8900/{tenant.id}/oauth2/v2.0/token",
        "iss": registration.client_id,
        "sub": registration.client_id,
        "exp": simulator.clock.now() + 60,
    }
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

    async def ask(key: rsa.RSAPrivateKey, changes: Mapping[str, object]) -> httpx.Response:
        assertion = jwt.encode({**claims, **changes}, key, algorithm="PS256")
        return await sign_in(client_secret=None, client_assertion=assertion, client_assertion_type=kind)

    good = await ask(private, {})
    token = jwt.decode(good.json()["access_token"], options={"verify_signature": False})
    assert token["appidacr"] == "2"
    assert (await ask(private, {"aud": "https://example.com"})).json()["error_codes"] == [700_027]
    for late in ({"exp": simulator.clock.now() - 301}, {"nbf": simulator.clock.now() + 400}, {"exp": "soon"}):
        assert (await ask(private, late)).json()["error_codes"] == [700_024]
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert (await ask(stranger, {})).json()["error_codes"] == [700_027]
