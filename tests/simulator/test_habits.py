"""What clients of all kinds do on the wire: PowerShell, .NET, curl, collectors of logs, and SOAR connectors."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import quote, urlencode

import httpx
import pytest

from ringfence.simulator import Simulator, SimulatorControl, serve
from ringfence.simulator.tenant import App, Tenant

LEGACY = "https://securitycenter.onmicrosoft.com/windowsatpservice"


@pytest.mark.parametrize(
    "path",
    [
        "/api/machines",
        "/API/Machines",
        "/api/v1.0/machines",
        "/api/V1.0/MACHINES",
        "/api/machines/",
        "/api/machines?",
        "/api/machines?%24top=5",
        "/api/machines?$top=5&$skip=0",
        "/api/machines?%24filter=computerDnsName+eq+%27wks-001%27",
        "/api/machines?$filter=computerDnsName%20eq%20'wks-001'",
        "/api/machines?$filter=ComputerDnsName%20eq%20'wks-001'",
        "/api/machines?$filter=startswith(computerDnsName,'wks-')&$select=id",
        "/api/%6dachines",
    ],
)
async def test_an_address_can_be_written_in_many_ways(http: httpx.AsyncClient, path: str) -> None:
    reply = await http.get(path)
    assert reply.status_code == 200, reply.text
    assert reply.json()["value"]


async def test_a_blank_may_be_sent_as_a_plus_and_a_plus_as_itself_encoded(
    http: httpx.AsyncClient, control: SimulatorControl
) -> None:
    await control.add_machine("a b+c")
    name = "computerDnsName"
    for text in (f"{name}+eq+'a+b%2Bc'", f"{name}%20eq%20'a%20b%2Bc'", f"{name}+eq+%27a%20b%2bc%27"):
        (found,) = (await http.get(f"/api/machines?$filter={text}")).json()["value"]
        assert found["computerDnsName"] == "a b+c"


@pytest.mark.parametrize("where", ["query", "body"])
@pytest.mark.parametrize(
    "resource", [LEGACY, "https://api.securitycenter.microsoft.com", "https://api.securitycenter.microsoft.com/"]
)
async def test_an_old_sign_in_names_a_resource(
    anonymous: httpx.AsyncClient, contoso: Tenant, registration: App, where: str, resource: str
) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": registration.client_id,
        "client_secret": registration.secrets[0].value,
    }
    query = {"api-version": "1.0"} | ({"resource": resource} if where == "query" else {})
    body = form | ({"resource": resource} if where == "body" else {})
    reply = await anonymous.post(f"/{contoso.id}/oauth2/token?{urlencode(query)}", data=body)
    document = reply.json()
    assert {type(document[name]) for name in ("expires_in", "expires_on", "not_before")} == {str}
    assert document["resource"] == resource
    headers = {"Authorization": f"bearer {document['access_token']}"}
    assert (await anonymous.get("/api/machines", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "accepted", ["application/json", "*/*", "text/html, */*;q=0.1", "application/json;odata.metadata=none"]
)
async def test_whatever_a_client_accepts_it_gets_json(http: httpx.AsyncClient, accepted: str) -> None:
    reply = await http.get("/api/machines?$top=1", headers={"Accept": accepted, "Accept-Encoding": "gzip, deflate, br"})
    assert reply.status_code == 200
    assert reply.headers["Content-Type"].startswith("application/json")


@pytest.mark.parametrize(
    ("content_type", "prefix"),
    [
        ("application/json", b""),
        ("application/json; charset=utf-8", b"\xef\xbb\xbf"),
        ("application/JSON;odata.metadata=minimal", b"\r\n "),
        ("text/plain", b""),
        ("", b""),
    ],
)
async def test_a_body_may_begin_with_a_mark_and_be_called_anything(
    http: httpx.AsyncClient, machine_id: str, content_type: str, prefix: bytes
) -> None:
    body = prefix + json.dumps({"Comment": "x", "IsolationType": "Full"}).encode()
    headers = {"Content-Type": content_type} if content_type else {}
    reply = await http.post(f"/api/machines/{machine_id}/isolate", content=body, headers=headers)
    assert reply.status_code == 201, reply.text


async def test_a_request_that_is_not_for_data_breaks_nothing(http: httpx.AsyncClient) -> None:
    for method in ("HEAD", "OPTIONS", "TRACE", "PUT", "PROPFIND"):
        reply = await http.request(method, "/api/machines")
        assert (reply.status_code, reply.content) == (405, b"")
        assert (await http.request(method, "/")).status_code == 404


async def test_a_hunting_query_may_name_its_body_as_each_api_does(
    http: httpx.AsyncClient, xdr: httpx.AsyncClient, graph: httpx.AsyncClient
) -> None:
    query = "DeviceInfo | take 1"
    assert (await http.post("/api/advancedqueries/run", json={"Query": query})).status_code == 200
    assert (await xdr.post("/api/advancedhunting/run", json={"Query": query})).status_code == 200
    for body in ({"Query": query}, {"query": query, "timespan": "P7D"}):
        assert (await graph.post("/v1.0/security/runHuntingQuery", json=body)).status_code == 200


@pytest.fixture
async def port(simulator: Simulator) -> AsyncIterator[int]:
    """The simulator on a real socket."""
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    task = asyncio.create_task(serve(simulator, port=0, on_ready=ready.set_result, stop=stop))
    yield int((await ready).rpartition(":")[2])
    stop.set()
    await task


class Wire:
    """A connection on which bytes are sent as they are."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, *parts: bytes) -> None:
        """Send bytes, each part by itself."""
        for part in parts:
            self._writer.write(part)
            await self._writer.drain()

    async def head(self) -> tuple[int, dict[str, str]]:
        """Read a status and headers."""
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.partition(":") for line in lines[1:] if line)
        return int(lines[0].split()[1]), {name.lower(): value.strip() for name, _, value in pairs}

    async def reply(self) -> tuple[int, bytes]:
        """Read a whole reply."""
        status, headers = await self.head()
        return status, await self._reader.readexactly(int(headers.get("content-length", 0)))

    async def ended(self) -> bool:
        """Whether the other side has closed."""
        return await self._reader.read(1) == b""


@pytest.fixture
async def wire(port: int) -> AsyncIterator[Wire]:
    """A connection to the simulator."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    yield Wire(reader, writer)
    writer.close()


@pytest.fixture
async def head(sign_in: Callable[..., Awaitable[httpx.Response]]) -> bytes:
    """Headers that sign a request in."""
    token = (await sign_in()).json()["access_token"]
    return f"Host: api.security.microsoft.com\r\nAuthorization: Bearer {token}\r\n".encode()


async def test_a_connection_is_kept_and_requests_are_answered_in_order(
    wire: Wire, head: bytes, machine_id: str
) -> None:
    one = f"GET /api/machines/{machine_id} HTTP/1.1\r\n".encode() + head + b"\r\n"
    for _ in range(3):
        await wire.send(one)
        assert (await wire.reply())[0] == 200
    await wire.send(b"GET /api/nothing HTTP/1.1\r\n" + head + b"\r\n" + one)
    assert [(await wire.reply())[0], (await wire.reply())[0]] == [404, 200]


async def test_a_client_that_asks_whether_it_may_go_on_is_told_so(wire: Wire, head: bytes, machine_id: str) -> None:
    body = b'{"Comment":"x"}'
    request = f"POST /api/machines/{machine_id}/isolate HTTP/1.1\r\nExpect: 100-continue\r\n"
    await wire.send(f"{request}Content-Length: {len(body)}\r\n".encode() + head + b"\r\n")
    assert (await wire.head())[0] == 100
    await wire.send(body)
    assert (await wire.reply())[0] == 201


async def test_a_body_may_come_in_chunks(wire: Wire, head: bytes, machine_id: str) -> None:
    request = f"POST /api/machines/{machine_id}/isolate HTTP/1.1\r\nTransfer-Encoding: chunked\r\n".encode()
    await wire.send(request + head + b"\r\n", b'8\r\n{"Commen\r\n', b'7\r\nt":"x"}\r\n', b"0\r\n\r\n")
    assert (await wire.reply())[0] == 201


async def test_a_get_may_have_a_body(wire: Wire, head: bytes) -> None:
    await wire.send(b"GET /api/machines?$top=1 HTTP/1.1\r\nContent-Length: 2\r\n" + head + b"\r\n{}")
    assert (await wire.reply())[0] == 200


async def test_an_old_client_has_its_connection_closed(wire: Wire, head: bytes) -> None:
    await wire.send(b"GET /api/machines?$top=1 HTTP/1.0\r\n" + head + b"\r\n")
    assert (await wire.reply())[0] == 200
    assert await wire.ended()


async def test_a_request_that_is_none_is_refused_and_the_next_client_is_served(
    wire: Wire, port: int, head: bytes
) -> None:
    await wire.send(b"\x16\x03\x01\x00\xa5 not http\r\n\r\n")
    assert (await wire.reply())[0] == 400
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        assert (await client.get("/api/machines")).status_code == 401
        long = quote("x" * 60_000)
        assert (await client.get(f"/api/machines?$filter={long}")).status_code in (400, 401, 414, 431)
        compressed = gzip.compress(b'{"Comment":"x"}')
        squeezed = await client.post(
            "/api/machines/1/isolate", content=compressed, headers={"Content-Encoding": "gzip"}
        )
        assert squeezed.status_code == 401
