from pathlib import Path
from typing import Any

import httpx

from contoso import Contoso
from ringfence.settings import Settings
from ringfence.storage import Database
from ringfence.web import create_web
from ringfence.web.rate_limits import neighbourhood
from run_world import Time
from webfixtures import open_client, sign_in
from webserver import OPEN, Asked, make_services


def asking(embedded: Database, **limits: Any) -> httpx.AsyncClient:
    settings = Settings(data=Path("unused"), **(OPEN | limits))
    return open_client(create_web(make_services(embedded, Asked(), settings)))


async def test_an_address_where_nobody_is_signed_in_is_limited(embedded: Database) -> None:
    time = Time().start()
    async with asking(embedded, rate_address=2) as client:
        answers = [await client.get("/sign-in") for _ in range(3)]
        assert [each.status_code for each in answers] == [200, 200, 429]
        assert [each.headers["ratelimit"] for each in answers] == [
            '"address";r=1;t=30',
            '"address";r=0;t=60',
            '"address";r=0;t=60',
        ]
        assert answers[2].headers["ratelimit-policy"] == '"address";q=2;w=60'
        assert answers[2].headers["retry-after"] == "30"
        assert "Wait 30 seconds" in answers[2].text
        assert (await client.get("/static/js/app.js")).status_code == 200
        assert (await client.get("/healthz")).status_code == 200
        time.pass_by(30)
        assert (await client.get("/sign-in")).status_code == 200


async def test_who_is_signed_in_is_limited_by_session_and_not_by_address(embedded: Database, contoso: Contoso) -> None:
    Time().start()
    async with asking(embedded, rate_address=1, rate_session=2) as client:
        sign_in(client, embedded, contoso.user_id)
        assert [(await client.get("/alerts")).status_code for _ in range(3)] == [200, 200, 429]
        refused = await client.get("/api/v1/alerts")
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
        # Another session of the same person has a measure of its own.
        sign_in(client, embedded, contoso.user_id)
        assert (await client.get("/alerts")).headers["ratelimit-policy"] == '"session";q=2;w=60'


async def test_all_sessions_of_an_organization_share_a_limit(embedded: Database, contoso: Contoso) -> None:
    Time().start()
    async with asking(embedded, rate_organization=2) as client:
        for expected in (200, 200, 429):
            sign_in(client, embedded, contoso.user_id)
            assert (await client.get("/alerts")).status_code == expected


async def test_a_limit_of_nothing_limits_nothing_and_says_nothing(embedded: Database) -> None:
    async with asking(embedded) as client:
        assert "ratelimit" not in (await client.get("/sign-in")).headers


def test_addresses_that_one_machine_may_choose_from_are_one() -> None:
    assert neighbourhood("192.0.2.1") == "192.0.2.1"
    assert neighbourhood("2001:db8:1:2:3::4") == neighbourhood("2001:db8:1:2::9%eth0") == "2001:db8:1:2::/64"
    assert neighbourhood("testclient") == "testclient"


async def test_servers_beside_each_other_count_together(embedded: Database, contoso: Contoso) -> None:
    Time().start()
    async with asking(embedded, rate_organization=3) as one, asking(embedded, rate_organization=3) as other:
        answers = []
        for client in (one, other, one, other, one):
            sign_in(client, embedded, contoso.user_id)
            answers.append((await client.get("/alerts")).status_code)
    assert answers == [200, 200, 200, 429, 429]
