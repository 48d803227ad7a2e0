"""Idempotency keys: carried out once, answered the same, whatever happens in between."""

import asyncio

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from contoso import Contoso, seed
from ringfence import clock
from ringfence.api.repeating import Repeating
from ringfence.security import rbac, repeats
from ringfence.security.crypto import Vault
from ringfence.storage import Database
from ringfence.tables import service
from webfixtures import csrf, open_client, sign_in

TABLES = "/api/v1/tables"
VAULT = Vault(bytes(32))
KEY = {"Idempotency-Key": "9f2c1d30-make-vip"}
VIP = {"name": "VIP hosts", "kind": "text"}


@pytest.fixture
def token(client: httpx.AsyncClient, embedded: Database) -> dict[str, str]:
    return {"X-CSRF-Token": csrf(client, embedded)}


async def test_the_same_request_is_carried_out_once_and_answered_the_same(
    client: httpx.AsyncClient, token: dict[str, str]
) -> None:
    first = await client.post(TABLES, json=VIP, headers=token | KEY)
    again = await client.post(TABLES, json=VIP, headers=token | KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert ("idempotent-replayed" in first.headers, again.headers["idempotent-replayed"]) == (False, "true")
    assert again.headers["content-type"] == "application/json"
    assert len((await client.get(TABLES)).json()["items"]) == 1
    without = await client.post(TABLES, json=VIP, headers=token)
    assert without.status_code == 409


async def test_another_request_with_the_same_key_is_refused(client: httpx.AsyncClient, token: dict[str, str]) -> None:
    await client.post(TABLES, json=VIP, headers=token | KEY)
    other = await client.post(TABLES, json=VIP | {"kind": "domain"}, headers=token | KEY)
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    elsewhere = await client.delete(f"{TABLES}/VIP hosts", headers=token | KEY)
    assert elsewhere.status_code == 422


async def test_a_request_that_did_nothing_may_be_corrected_with_its_key(
    client: httpx.AsyncClient, token: dict[str, str]
) -> None:
    assert (await client.post(TABLES, json={"name": 3}, headers=token | KEY)).status_code == 400
    assert (await client.post(TABLES, json=VIP | {"kind": "colour"}, headers=token | KEY)).status_code == 400
    assert (await client.post(TABLES, json=VIP, headers=token | KEY)).status_code == 201


async def test_a_key_that_cannot_be_one_is_refused(client: httpx.AsyncClient, token: dict[str, str]) -> None:
    for key in ("", "a b", "x" * 201):
        answer = await client.post(TABLES, json=VIP, headers=token | {"Idempotency-Key": key})
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json"), key


async def test_keys_of_organizations_are_their_own(
    client: httpx.AsyncClient, token: dict[str, str], embedded: Database
) -> None:
    other = embedded.run_now(lambda tx: seed(tx, organization="fabrikam", user="alex.wilber"))
    first = await client.post(TABLES, json=VIP, headers=token | KEY)
    async with open_client(client._transport.app) as stranger:  # type: ignore[attr-defined]
        theirs = {"X-CSRF-Token": sign_in(stranger, embedded, other.user_id)}
        second = await stranger.post(TABLES, json=VIP, headers=theirs | KEY)
    assert second.status_code == 201
    assert second.json()["id"] != first.json()["id"]


class _Route:
    """Acts once it is let go, and takes note of each time."""

    def __init__(self, database: Database, organization_id: str) -> None:
        self.database, self.organization_id = database, organization_id
        self.calls = 0
        self.go = asyncio.Event()
        self.arrived = asyncio.Event()
        self.act = True
        self.fail = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.calls += 1
        self.arrived.set()
        await self.go.wait()
        name = f"Table {self.calls}"
        if self.act:
            await self.database.run(
                lambda tx: service.make(tx, self.organization_id, name, "text", "", by="megan.bowen")
            )
        if self.fail:
            raise KeyboardInterrupt
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body", "body": b"made"})

    async def ask(self) -> tuple[int, bytes]:
        """Ask with the key, and return what was answered."""
        said: list[Message] = []

        async def send(message: Message) -> None:
            said.append(message)

        async def receive() -> Message:
            return {"type": "http.request", "body": b"{}"}

        headers = [(b"idempotency-key", b"once")]
        actor = rbac.command_line("megan.bowen", self.organization_id)
        scope = {"type": "http", "method": "POST", "path": "/act", "headers": headers, "state": {"actor": actor}}
        await Repeating(self, self.database, lambda: VAULT)(scope, receive, send)
        return said[0]["status"], said[-1]["body"]

    def tables(self) -> int:
        """Return how often it acted."""
        return len(self.database.read_now(lambda tx: service.every(tx, self.organization_id)))


@pytest.fixture
def route(embedded: Database, contoso: Contoso) -> _Route:
    return _Route(embedded, contoso.organization_id)


async def test_of_twins_at_the_same_moment_one_acts_and_the_other_is_told(route: _Route) -> None:
    first = asyncio.create_task(route.ask())
    await route.arrived.wait()
    assert (await route.ask())[0] == 409
    route.go.set()
    assert await first == (201, b"made")
    assert await route.ask() == (201, b"made")
    assert (route.calls, route.tables()) == (1, 1)


async def test_what_broke_off_before_it_acted_may_come_again(route: _Route) -> None:
    route.go.set()
    route.act, route.fail = False, True
    with pytest.raises(KeyboardInterrupt):
        await route.ask()
    route.act, route.fail = True, False
    assert await route.ask() == (201, b"made")
    assert route.tables() == 1


async def test_what_broke_off_after_it_acted_is_never_done_twice(route: _Route) -> None:
    route.go.set()
    route.fail = True
    with pytest.raises(KeyboardInterrupt):
        await route.ask()
    route.fail = False
    status, body = await route.ask()
    assert status == 409
    assert b"answer_lost_before" in body
    assert (route.calls, route.tables()) == (1, 1)


async def test_who_lost_the_key_to_another_process_changes_nothing(route: _Route, embedded: Database) -> None:
    """A process that was taken for dead wakes up again: what it was about to do is rolled back."""
    stalled = asyncio.create_task(route.ask())
    await route.arrived.wait()
    later = clock.timestamp() + repeats.LEASE.total_seconds() + 1
    clock.replace(lambda: later)
    second = _Route(embedded, route.organization_id)
    second.calls = 10
    second.go.set()
    assert await second.ask() == (201, b"made")
    route.go.set()
    with pytest.raises(Exception, match="another process"):
        await stalled
    assert route.tables() == 1
    assert await second.ask() == (201, b"made")
