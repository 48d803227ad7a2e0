import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import httpx
import jwt
import pytest

from microsoft import SECRET, Microsoft, aadsts, answer, refused
from ringfence import clock
from ringfence.defender import ClientSecret, InvalidArgument, cloud, errors
from ringfence.defender.auth import RENEW_EARLY, Claims, Token, TokenSource
from ringfence.defender.retry import RetryPolicy

SCOPE = cloud("commercial").mde_scope


class Hands:
    """A clock that only tests move."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0
        clock.replace(lambda: self.time)


@pytest.fixture
def hands() -> Hands:
    return Hands()


@asynccontextmanager
async def source(microsoft: Microsoft, tenant_id: str = "contoso.com") -> AsyncIterator[TokenSource]:
    async with httpx.AsyncClient(transport=microsoft.transport) as http:
        retry = RetryPolicy(sleep=microsoft.sleep, chance=lambda: 1.0)
        tokens = TokenSource(
            cloud("commercial"), tenant_id, ClientSecret("app-1", SECRET), http, retry=retry, seconds=10.0
        )
        yield tokens
        await tokens.close()


async def settle(tokens: TokenSource) -> None:
    """Let renewals in the background come to their end."""
    for slot in tokens._slots.values():
        if slot.renewal is not None:
            await slot.renewal


async def test_the_sign_in_is_the_documented_one() -> None:
    microsoft = Microsoft()
    async with source(microsoft) as tokens:
        assert (await tokens.token(SCOPE)).value == "token-1"
    form = microsoft.sign_ins[0]
    assert form["grant_type"] == ["client_credentials"]
    assert form["client_id"] == ["app-1"]
    assert form["client_secret"] == [SECRET]
    assert form["scope"] == [SCOPE]


async def test_fifty_callers_at_once_cause_one_sign_in() -> None:
    microsoft = Microsoft()
    async with source(microsoft) as tokens:
        got = await asyncio.gather(*(tokens.token(SCOPE) for _ in range(50)))
    assert {token.value for token in got} == {"token-1"}
    assert len(microsoft.sign_ins) == microsoft.discoveries == 1


async def test_a_caller_who_gives_up_does_not_take_the_sign_in_with_him() -> None:
    microsoft = Microsoft()
    async with source(microsoft) as tokens:
        first = asyncio.create_task(tokens.token(SCOPE))
        second = asyncio.create_task(tokens.token(SCOPE))
        await asyncio.sleep(0)
        first.cancel()
        assert (await second).value == "token-1"
        with pytest.raises(asyncio.CancelledError):
            await first
    assert len(microsoft.sign_ins) == 1


async def test_a_sign_in_needs_none_of_the_loop_s_shared_threads() -> None:
    release = threading.Event()
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as shared:
        loop.set_default_executor(shared)
        blocked = loop.run_in_executor(None, release.wait)
        async with source(Microsoft()) as tokens:
            assert (await tokens.token(SCOPE)).value == "token-1"
        release.set()
        await blocked


async def test_a_caller_who_waits_while_the_client_closes_is_told_so() -> None:
    arrived = asyncio.Event()

    async def never(_: httpx.Request) -> httpx.Response:
        arrived.set()
        await asyncio.Event().wait()
        raise AssertionError("nothing wakes it")

    microsoft = Microsoft()
    microsoft.transport = httpx.MockTransport(never)
    async with source(microsoft) as tokens:
        waiting = asyncio.create_task(tokens.token(SCOPE))
        await arrived.wait()
        await tokens.close()
        with pytest.raises(errors.TransportError, match="closed"):
            await waiting


async def test_each_audience_has_its_own_token() -> None:
    microsoft = Microsoft()
    async with source(microsoft) as tokens:
        graph = cloud("commercial").graph_scope
        values = {(await tokens.token(scope)).value for scope in (SCOPE, graph, SCOPE, graph)}
    assert values == {"token-1", "token-2"}
    assert [form["scope"] for form in microsoft.sign_ins] == [[SCOPE], [graph]]


async def test_a_token_is_renewed_early_while_the_old_one_serves(hands: Hands) -> None:
    microsoft = Microsoft()
    async with source(microsoft) as tokens:
        await tokens.token(SCOPE)
        hands.time += 3600 - RENEW_EARLY - 1
        assert (await tokens.token(SCOPE)).value == "token-1"
        assert len(microsoft.sign_ins) == 1
        hands.time += 2
        assert (await tokens.token(SCOPE)).value == "token-1"
        await settle(tokens)
        assert len(microsoft.sign_ins) == 2
        assert (await tokens.token(SCOPE)).value == "token-2"


async def test_a_short_token_is_renewed_in_the_last_tenth_of_its_life() -> None:
    assert Token("x", 0.0, 600.0).renew_at == 540.0
    assert Token("x", 0.0, 3600.0).renew_at == 3300.0


async def test_an_expired_token_is_never_served(hands: Hands) -> None:
    microsoft = Microsoft()
    async with source(microsoft) as tokens:
        await tokens.token(SCOPE)
        hands.time += 3600
        assert (await tokens.token(SCOPE)).value == "token-2"


async def test_a_renewal_that_fails_leaves_the_old_token_in_use_and_is_not_repeated_at_once(hands: Hands) -> None:
    fresh = answer({"access_token": "token-x", "expires_in": 3600, "token_type": "Bearer"})
    microsoft = Microsoft(logins=[fresh, aadsts(7000222, "invalid_client", 401), fresh])
    async with source(microsoft) as tokens:
        await tokens.token(SCOPE)
        hands.time += 3400
        for _ in range(10):
            assert (await tokens.token(SCOPE)).value == "token-x"
        await settle(tokens)
        assert len(microsoft.sign_ins) == 2
        assert (await tokens.token(SCOPE)).value == "token-x"
        assert len(microsoft.sign_ins) == 2
        hands.time += 10
        await tokens.token(SCOPE)
        await settle(tokens)
        assert len(microsoft.sign_ins) == 3


async def test_a_refused_token_is_replaced_once_for_all_who_hold_it(hands: Hands) -> None:
    microsoft = Microsoft()
    async with source(microsoft) as tokens:
        first = await tokens.token(SCOPE)
        again = await asyncio.gather(*(tokens.token(SCOPE, refused=first.value) for _ in range(20)))
        assert {token.value for token in again} == {"token-2"}
        assert (await tokens.token(SCOPE, refused=first.value)).value == "token-2"
        assert (await tokens.token(SCOPE, refused="token-2")).value == "token-2"
        assert len(microsoft.sign_ins) == 2
        hands.time += 60
        assert (await tokens.token(SCOPE, refused="token-2")).value == "token-3"


async def test_fifty_calls_that_meet_an_expired_token_refresh_it_once(hands: Hands) -> None:
    def api(request: httpx.Request) -> httpx.Response:
        good = request.headers["Authorization"] == f"Bearer token-{len(microsoft.sign_ins)}"
        return answer({"id": "a"}) if good else refused(401, "Unauthorized")

    microsoft = Microsoft(otherwise=api)
    async with microsoft.client() as defender:
        await defender.get_alert("a")
        hands.time += 3601
        found = await asyncio.gather(*(defender.get_alert(f"{number}") for number in range(50)))
        assert len(found) == 50
        assert len(microsoft.sign_ins) == 2
        assert microsoft.tokens[1:] == ["token-2"] * 50


async def test_a_failed_sign_in_answers_a_storm_of_callers(hands: Hands) -> None:
    microsoft = Microsoft(logins=[aadsts(7000215, "invalid_client", 401)])
    async with source(microsoft) as tokens:
        for _ in range(30):
            with pytest.raises(errors.WrongSecret, match="VALUE"):
                await tokens.token(SCOPE)
        assert len(microsoft.sign_ins) == 1
        assert microsoft.slept == []
        hands.time += 6
        assert (await tokens.token(SCOPE)).value == "token-2"


async def test_a_refusal_of_400_is_not_remembered_longer_than_ours_by_msal(hands: Hands) -> None:
    microsoft = Microsoft(logins=[aadsts(700016, "unauthorized_client", 400)])
    async with source(microsoft) as tokens:
        with pytest.raises(errors.UnknownApplication):
            await tokens.token(SCOPE)
        hands.time += 6
        assert (await tokens.token(SCOPE)).value == "token-2"


async def test_passing_troubles_of_the_login_host_are_waited_out(hands: Hands) -> None:
    microsoft = Microsoft(logins=[answer({}, 503), httpx.ConnectError("x")])
    async with source(microsoft) as tokens:
        assert (await tokens.token(SCOPE)).value == "token-3"
    assert len(microsoft.slept) == 2


async def test_a_throttled_login_host_is_left_alone_as_long_as_it_asks(hands: Hands) -> None:
    busy = refused(429, "x", Retry_After="600")
    microsoft = Microsoft(logins=[busy, busy])
    async with source(microsoft) as tokens:
        with pytest.raises(errors.Throttled):
            await tokens.token(SCOPE)
        hands.time += 599
        with pytest.raises(errors.Throttled) as raised:
            await tokens.token(SCOPE)
        assert raised.value.retry_after == 600.0
        assert len(microsoft.sign_ins) == 1


async def test_what_msal_stumbles_over_becomes_a_malformed_reply() -> None:
    strange = {"access_token": "t", "expires_in": 3600, "token_type": "Bearer", "id_token": "not a token"}
    async with source(Microsoft(logins=[answer(strange)] * 3)) as tokens:
        with pytest.raises(errors.MalformedReply, match="MSAL"):
            await tokens.token(SCOPE)


async def test_neither_secret_nor_token_is_logged_or_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    microsoft = Microsoft()
    async with source(microsoft) as tokens:
        token = await tokens.token(SCOPE)
    assert SECRET not in caplog.text
    assert "token-1" not in caplog.text
    assert "token-1" not in repr(token)
    assert SECRET not in repr(ClientSecret("app-1", SECRET))


@pytest.mark.parametrize(
    "tenant", ["", "common", "Organizations", "consumers", "a/b", "a..b", "a b", "a?b", "../x", "é"]
)
async def test_what_is_not_one_tenant_is_refused(tenant: str) -> None:
    with pytest.raises(InvalidArgument):
        async with source(Microsoft(), tenant):
            raise AssertionError("it was accepted")


def test_roles_are_read_from_the_token_as_a_hint() -> None:
    def token(claims: dict[str, object]) -> Token:
        return Token(jwt.encode(claims, "k" * 32, algorithm="HS256"), 0.0, 1.0)

    claims = token(
        {"roles": ["Machine.Isolate", 7], "scp": "User.Read openid", "tid": "t", "appid": "a", "iat": 60}
    ).claims()
    assert claims == Claims(("Machine.Isolate",), ("User.Read", "openid"), "t", "a", 60.0)
    assert token({"azp": "a"}).claims() == Claims((), (), "", "a", None)
    assert token({"roles": "x", "scp": 1, "iat": "x"}).claims() == Claims((), (), "", "", None)
    assert Token("opaque", 0.0, 1.0).claims() is None
