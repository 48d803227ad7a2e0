import asyncio
import json
import logging

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microsoft import SECRET, Microsoft, aadsts, answer
from ringfence.defender import Cloud, DefenderError, cloud, errors
from ringfence.defender.exchange import Reply
from ringfence.defender.login import Bridge, login_refusal

DISCOVERY = "https://login.microsoftonline.com/contoso.com/v2.0/.well-known/openid-configuration"
TOKEN = "https://login.microsoftonline.com/tenant-1/oauth2/v2.0/token"


def reply(status: int, document: object, **headers: str) -> Reply:
    return Reply(status, httpx.Headers(headers), json.dumps(document).encode())


@pytest.mark.parametrize(
    ("number", "name", "status", "expected"),
    [
        (7000215, "invalid_client", 401, errors.WrongSecret),
        (7000222, "invalid_client", 401, errors.ExpiredSecret),
        (700016, "unauthorized_client", 400, errors.UnknownApplication),
        (7000112, "unauthorized_client", 400, errors.DisabledApplication),
        (90002, "invalid_tenant", 400, errors.UnknownTenant),
        (90002, "invalid_request", 400, errors.UnknownTenant),
        (900023, "invalid_request", 400, errors.UnknownTenant),
        (90038, "invalid_request", 400, errors.WrongCloud),
        (500011, "invalid_resource", 400, errors.ApiNotProvisioned),
        (70011, "invalid_scope", 400, errors.AuthenticationFailed),
        (90055, "invalid_request", 400, errors.Throttled),
        (50196, "invalid_grant", 400, errors.Throttled),
    ],
)
def test_the_number_chooses_the_error(number: int, name: str, status: int, expected: type[DefenderError]) -> None:
    error = login_refusal(reply(status, {"error": name, "error_codes": [number], "error_description": "x"}), "POST x")
    assert type(error) is expected
    assert error.code == f"AADSTS{number}"
    if isinstance(error, errors.AuthenticationFailed):
        assert error.aadsts == number
        assert error.permanent


def test_a_number_in_the_text_alone_chooses_nothing() -> None:
    error = login_refusal(reply(401, {"error": "invalid_client", "error_description": "AADSTS7000215: wrong"}), "x")
    assert type(error) is errors.AuthenticationFailed
    assert error.code == "invalid_client"


def test_passing_troubles_of_the_login_host_are_not_permanent() -> None:
    throttled = login_refusal(reply(429, {"error": "x"}, **{"retry-after": "7"}), "x")
    assert isinstance(throttled, errors.Throttled)
    assert throttled.retry_after == 7.0
    assert isinstance(login_refusal(Reply(503, httpx.Headers(), b"<html>"), "x"), errors.ServerError)
    assert isinstance(login_refusal(reply(400, {"error": "temporarily_unavailable"}), "x"), errors.ServerError)
    assert isinstance(login_refusal(Reply(407, httpx.Headers(), b"proxy"), "x"), errors.MalformedReply)


def test_a_secret_that_the_login_host_echoes_is_blotted_out() -> None:
    document = {"error": "invalid_client", "error_codes": [1], "error_description": f"secret '{SECRET}' is wrong"}
    assert SECRET not in str(login_refusal(reply(401, document), "x", (SECRET,)))


@given(st.integers(201, 999), st.binary())
def test_no_refusal_leads_out_of_the_tree(status: int, noise: bytes) -> None:
    assert isinstance(login_refusal(Reply(status, httpx.Headers(), noise), "x"), DefenderError)


async def ask(
    microsoft: httpx.MockTransport, call: str, url: str, authority: str = cloud("commercial").authority
) -> str:
    async with httpx.AsyncClient(transport=microsoft) as http:
        bridge = Bridge(http, authority, secrets=(SECRET,), seconds=10.0)
        given = await asyncio.to_thread(bridge.get if call == "get" else bridge.post, url)
        return given.text


async def test_the_secret_goes_to_the_cloud_s_own_login_host_only() -> None:
    with pytest.raises(errors.WrongCloud, match=r"login\.contoso\.com"):
        await ask(Microsoft().transport, "post", "https://login.contoso.com/t/oauth2/v2.0/token")
    with pytest.raises(errors.WrongCloud):
        await ask(Microsoft().transport, "post", "https://login.microsoftonline.com.contoso.com/token")


async def test_discovery_that_points_at_another_cloud_says_so() -> None:
    elsewhere = "https://login.microsoftonline.us/t/oauth2/v2.0"
    document = {"authorization_endpoint": f"{elsewhere}/authorize", "token_endpoint": f"{elsewhere}/token"}
    with pytest.raises(errors.WrongCloud, match=r"login\.microsoftonline\.us"):
        await ask(httpx.MockTransport(lambda _: answer(document)), "get", DISCOVERY)


@pytest.mark.parametrize("document", [[], {}, {"token_endpoint": 1}, {"token_endpoint": TOKEN}])
async def test_a_discovery_document_that_cannot_be_used_is_malformed(document: object) -> None:
    with pytest.raises(errors.MalformedReply):
        await ask(httpx.MockTransport(lambda _: answer(document)), "get", DISCOVERY)


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"access_token": "", "expires_in": 3599},
        {"access_token": 1, "expires_in": 3599},
        {"access_token": "t"},
        {"access_token": "t", "expires_in": "soon"},
        {"access_token": "t", "expires_in": -1},
        {"access_token": "t", "expires_in": 0},
        {"access_token": "t", "expires_in": 10**30},
    ],
)
async def test_a_token_reply_that_cannot_be_used_is_malformed(document: object) -> None:
    with pytest.raises(errors.MalformedReply):
        await ask(httpx.MockTransport(lambda _: answer(document)), "post", TOKEN)


async def test_a_lifetime_may_come_as_a_text() -> None:
    text = await ask(httpx.MockTransport(lambda _: answer({"access_token": "t", "expires_in": "3599"})), "post", TOKEN)
    assert json.loads(text)["access_token"] == "t"


async def test_a_body_that_is_not_json_is_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(errors.MalformedReply):
        await ask(httpx.MockTransport(lambda _: httpx.Response(200, content=b"access_token=t0ken")), "post", TOKEN)
    assert "t0ken" not in caplog.text


async def test_plain_http_is_spoken_to_a_simulator_behind_msal_s_back() -> None:
    local = Cloud.simulator("http://127.0.0.1:8700")
    microsoft = Microsoft()
    text = await ask(
        microsoft.transport, "get", "https://127.0.0.1:8700/t/v2.0/.well-known/openid-configuration", local.authority
    )
    assert json.loads(text)["token_endpoint"] == "https://127.0.0.1:8700/tenant-1/oauth2/v2.0/token"


async def test_a_refused_tenant_is_named_before_any_secret_is_sent() -> None:
    with pytest.raises(errors.UnknownTenant, match="Check the tenant id"):
        await ask(httpx.MockTransport(lambda _: aadsts(90002, "invalid_tenant", 400)), "get", DISCOVERY)


async def test_closing_frees_a_thread_that_waits() -> None:
    arrived = asyncio.Event()

    async def never(_: httpx.Request) -> httpx.Response:
        arrived.set()
        await asyncio.Event().wait()
        raise AssertionError("nothing wakes it")

    async with httpx.AsyncClient(transport=httpx.MockTransport(never)) as http:
        bridge = Bridge(http, cloud("commercial").authority, secrets=(), seconds=30.0)
        waiting = asyncio.create_task(asyncio.to_thread(bridge.post, TOKEN))
        await arrived.wait()
        bridge.close()
        with pytest.raises(errors.TransportError, match="closed"):
            await waiting
        with pytest.raises(errors.TransportError, match="closed"):
            await asyncio.to_thread(bridge.post, TOKEN)
