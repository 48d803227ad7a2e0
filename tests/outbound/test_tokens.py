import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from outbound_world import Service
from ringfence import clock
from ringfence.outbound.calling import Rules
from ringfence.outbound.model import HttpAccount, Kind
from ringfence.outbound.tokens import Refused, Tokens, credential

RULES = Rules(frozenset({"login.contoso.com"}))
SHOWN = {"token_url": "https://login.contoso.com/token?v=2", "client_id": "app id", "scope": "hosts.read"}


def _account(kind: Kind = Kind.OAUTH2, **shown: str) -> HttpAccount:
    now = clock.now()
    return HttpAccount("a1", "o1", "rep", kind, "https://api.contoso.com/v1/", shown or SHOWN, now, "ines", now)


def _gives(**document: Any) -> Service:
    token = {"access_token": "t0ken", "token_type": "Bearer", "expires_in": 3600}
    return Service(lambda request: httpx.Response(200, json=token | document))


async def test_a_token_is_fetched_once_for_all_and_again_near_its_end_or_for_a_new_secret() -> None:
    moment = clock.timestamp()
    clock.replace(lambda: moment)
    service, account = _gives(), _account()
    tokens = Tokens(service)
    assert set(await asyncio.gather(*(tokens.get(account, "s3cret", RULES) for _ in range(5)))) == {"t0ken"}
    (request,) = service.asked
    assert request.headers["authorization"] == "Basic YXBwK2lkOnMzY3JldA=="
    assert request.content == b"grant_type=client_credentials&scope=hosts.read"
    assert request.url.query == b"v=2"
    moment += 3_541
    await tokens.get(account, "s3cret", RULES)
    await tokens.get(replace(account, renewed_at=account.renewed_at + timedelta(seconds=1)), "n3w", RULES)
    tokens.forget(account)
    await tokens.get(account, "s3cret", RULES)
    assert len(service.asked) == 4


async def test_a_service_that_wants_the_pair_in_the_form_gets_it_there() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if b"client_secret=s3cret" not in request.content:
            return httpx.Response(401)
        assert "authorization" not in request.headers
        return httpx.Response(200, json={"access_token": "t0ken", "expires_in": "60"})

    assert await Tokens(Service(answer)).get(_account(), "s3cret", RULES) == "t0ken"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(400, json={"error": "invalid_client s3cret"}),
        httpx.Response(200, content=b"no json"),
        httpx.Response(200, json=[1]),
        httpx.Response(200, json={"access_token": "a\r\nb"}),
        httpx.Response(200, json={"access_token": "x", "token_type": "mac"}),
    ],
)
async def test_what_is_no_token_is_refused_without_a_secret_in_the_error(answer: httpx.Response) -> None:
    with pytest.raises(Refused) as caught:
        await Tokens(Service(lambda request: answer)).get(_account(), "s3cret", RULES)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("account", "headers", "query"),
    [
        (_account(Kind.HEADER, header="X-Key"), {"x-key": "s"}, {}),
        (_account(Kind.QUERY, parameter="key"), {}, {"key": "s"}),
        (_account(Kind.BASIC, user="ines"), {"authorization": "Basic aW5lczpz"}, {}),
        (_account(Kind.BEARER, nothing=""), {"authorization": "Bearer s"}, {}),
        (_account(), {"authorization": "Bearer t0ken"}, {}),
    ],
)
async def test_each_kind_proves_itself_in_its_way(
    account: HttpAccount, headers: dict[str, str], query: dict[str, str]
) -> None:
    found = await credential(account, "s", RULES, Tokens(_gives()))
    assert (dict(found.headers), dict(found.query)) == (headers, query)
    assert "aW5lczpz" not in repr(found)
