from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from notification_world import ADDRESS, VAULT
from outbound_world import Service
from ringfence.actions import ActionError, HttpAnswer
from ringfence.notifications.delivery import Sender
from ringfence.organizations import service as organizations
from ringfence.outbound import accounts, destinations
from ringfence.outbound.model import NewHttpAccount
from ringfence.outbound.tokens import Tokens
from ringfence.runs.http import Http
from ringfence.runs.outside import Outside
from ringfence.storage import Database


@dataclass
class Room:
    database: Database
    organization: str
    service: Service
    hosts: frozenset[str] | None = None

    @property
    def http(self) -> Http:
        outside = Outside(Sender(VAULT, ADDRESS), self.hosts, self.service, Tokens(self.service))
        return Http(self.database, outside, self.organization, None)

    async def ask(self, method: str, address: str, **more: Any) -> HttpAnswer:
        given: dict[str, Any] = {"account": None, "query": {}, "headers": {}, "body": None, "timeout": 5.0}
        given |= {"largest": 1_000, "redirects": 0, "harmless": False, "key": "r:s:0"}
        return await self.http.request(method, address, **(given | more))


@pytest.fixture
def room(embedded: Database) -> Room:
    organization = embedded.run_now(organizations.ensure_default).id
    embedded.run_now(lambda tx: destinations.allow(tx, organization, "open.contoso.com", "", by="ines"))
    new = NewHttpAccount(
        name="rep",
        kind="oauth2",
        address="https://api.contoso.com/v1",
        secret="s3cret",
        token_url="https://login.contoso.com/token",
        client_id="c",
    )
    embedded.run_now(lambda tx: accounts.add(tx, VAULT, organization, new, by="ines"))
    return Room(embedded, organization, Service(lambda request: httpx.Response(200, content=b"ok")))


async def test_allowed_hosts_are_called_and_no_others(room: Room) -> None:
    answer = await room.ask("GET", "https://open.contoso.com/x?a=1", query={"b": "c&d"})
    assert (answer.status, answer.body, answer.address) == (200, b"ok", "https://open.contoso.com/x?a=1&b=c%26d")
    for address in ("https://api.contoso.com/v1/x", "https://127.0.0.1/"):
        with pytest.raises(ActionError, match="may not call") as caught:
            await room.ask("GET", address)
        assert caught.value.permanent
    room.hosts = frozenset({"elsewhere.contoso.com"})
    with pytest.raises(ActionError, match="This installation"):
        await room.ask("GET", "https://open.contoso.com/x")
    with pytest.raises(ActionError, match="credential"):
        await room.ask("GET", "https://open.contoso.com/x", headers={"Authorization": "Bearer x"})


async def test_an_account_signs_its_calls_and_fetches_a_new_token_where_the_old_one_is_refused(room: Room) -> None:
    tokens = iter(["old", "new"])

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "login.contoso.com":
            return httpx.Response(200, json={"access_token": next(tokens)})
        return httpx.Response(200 if request.headers["authorization"] == "Bearer new" else 401)

    room.service.answer = answer
    assert (await room.ask("POST", "hosts", account="rep", body=b"{}")).status == 200
    hosts = [request.url.host for request in room.service.asked]
    assert hosts == ["login.contoso.com", "api.contoso.com", "login.contoso.com", "api.contoso.com"]
    assert room.service.asked[1].headers["idempotency-key"] == "r:s:0"
    with pytest.raises(ActionError, match="no HTTP account"):
        await room.ask("GET", "hosts", account="reb")


async def test_what_changes_something_is_sent_once_for_its_key(room: Room) -> None:
    for _ in range(2):
        assert (await room.ask("POST", "https://open.contoso.com/x", body=b"1")).body == b"ok"
    assert len(room.service.asked) == 1
    for _ in range(2):
        await room.ask("GET", "https://open.contoso.com/x")
    assert len(room.service.asked) == 3


@pytest.mark.parametrize(
    ("method", "harmless", "calls"), [("POST", False, 1), ("PATCH", False, 1), ("POST", True, 2), ("PUT", False, 2)]
)
async def test_what_was_lost_is_sent_again_only_where_that_does_no_harm(
    room: Room, method: str, harmless: bool, calls: int
) -> None:
    def lose(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("gone")

    room.service.answer = lose
    with pytest.raises(ActionError, match="was lost"):
        await room.ask(method, "https://open.contoso.com/x", harmless=harmless)
    with pytest.raises(ActionError):
        await room.ask(method, "https://open.contoso.com/x", harmless=harmless)
    assert len(room.service.asked) == calls


@pytest.mark.parametrize(("status", "calls"), [(429, 2), (503, 2), (500, 2), (404, 2), (504, 1), (201, 1)])
async def test_what_the_service_did_not_do_may_be_sent_again(room: Room, status: int, calls: int) -> None:
    room.service.answer = lambda request: httpx.Response(status)
    for _ in range(2):
        assert (await room.ask("POST", "https://open.contoso.com/x")).status == status
    assert len(room.service.asked) == calls


async def test_what_never_left_may_be_sent_again_and_nothing_leaves_without_an_outside(room: Room) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody there")

    room.service.answer = fail
    for _ in range(2):
        with pytest.raises(ActionError, match="cannot be reached") as caught:
            await room.ask("POST", "https://open.contoso.com/x")
        assert not caught.value.permanent
    closed = Http(room.database, None, room.organization, None)
    with pytest.raises(ActionError, match="Nothing outside"):
        await closed.request(
            "GET",
            "https://open.contoso.com/",
            account=None,
            query={},
            headers={},
            body=None,
            timeout=1.0,
            largest=1,
            redirects=0,
            harmless=False,
            key="k",
        )
