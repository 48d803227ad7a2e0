"""Whatever is sent to any route of any API, to sign-in and to the control plane, is answered, at once, and never with a 500."""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fuzzing import BOUNDED, METHODS, bodies, headers, odata, queries, texts
from ringfence.simulator import Simulator, SimulatorControl, portal, services
from ringfence.simulator.control import Control
from ringfence.simulator.hunting import engine
from ringfence.simulator.hunting.syntax import QueryError
from ringfence.simulator.hunting.timespan import window
from ringfence.simulator.specs import AlertSpec
from ringfence.simulator.tenant import Tenant

SECONDS = 60.0
PREFIXES = {"defender": ("/api/", "/api/v1.0/"), "xdr": ("/api/",), "graph": ("/v1.0/", "/beta/")}
SCOPES = {
    "defender": "https://api.securitycenter.microsoft.com/.default",
    "xdr": "https://api.security.microsoft.com/.default",
    "graph": "https://graph.microsoft.com/.default",
}
_NAMES = """Comment IsolationType Sha1 ScanType Commands type params key value Value Action MachineIds alertIds DeviceValue
machineTags Indicators indicatorValue indicatorType action title description severity expirationTime rbacGroupNames
reportId eventTime machineId category recommendedAction status assignedTo classification determination comment comments
Query query Timespan timespan customTags tags @odata.type ExternalId IndicatorIds generateAlert recommendedActions
application displayName"""
NAMES = _NAMES.split()
VALUES = (
    "Full",
    "Quick",
    "New",
    "Resolved",
    "TruePositive",
    "Malware",
    "FileSha1",
    "Block",
    "a" * 40,
    "PutFile",
    "RunScript",
)
_QUERY = """AlertInfo DeviceInfo | where Title has 'x' and ( ) in between .. 1 now() ago(1d) project distinct count take 5
order by Timestamp strcat , tostring !"""
QUERY_WORDS = _QUERY.split()
_CONTROL_NAMES = """
tenant name machine count age at severity category evidence entityType document lastUpdateTime online tags duplicate
merge_into next_outcome fields type source by sha1 kind operation path status statuses seconds times skip probability
seed lasting rename code headers body retry_after_date skew advance freeze speed cap scenario roles secrets certificates
disabled expires_in_seconds value page_size duplicates quotas delay mitre user incident"""
CONTROL_NAMES = _CONTROL_NAMES.split()
CONTROL_VALUES = (
    "wks-001",
    "contoso",
    "Isolate",
    "status",
    "latency",
    "burst",
    "list_alerts",
    "/api/*",
    "Alert.Read.All",
    "quiet",
)


@pytest.fixture
async def keys(simulator: Simulator, contoso: Tenant, http: httpx.AsyncClient, machine_id: str) -> list[str]:
    """Ids of things that are there."""
    simulator.sleep = _no_wait
    key = portal.raise_alert(contoso, AlertSpec(machine="wks-001", user="asmith"), simulator.clock.now())
    action = (await http.post(f"/api/machines/{machine_id}/isolate", json={"Comment": "x"})).json()["id"]
    return [key, machine_id, action, "wks-001", str(contoso.alerts[key].document["incidentId"]), "a" * 40, "10.20.0.11"]


async def _no_wait(_: float) -> None:
    return


def _routes(name: str) -> list[tuple[str, str]]:
    (api,) = (each for each in services.APIS if each.name == name)
    paths = [(operation.method, operation.path) for operation in api.registry.operations.values()]
    return [(method, prefix + path) for method, path in paths for prefix in PREFIXES[name]]


async def _ask(
    client: httpx.AsyncClient, method: str, path: str, pairs: Any, body: bytes, more: dict[str, str]
) -> httpx.Response:
    query = "&".join(f"{quote(name, errors='replace')}={quote(value, errors='replace')}" for name, value in pairs)
    async with asyncio.timeout(SECONDS):
        return await client.request(method, f"{path}?{query}", content=body, headers=more)


def _filled(path: str, keys: list[str], picks: list[int | str]) -> str:
    rest = iter(picks)

    def fill(_: re.Match[str]) -> str:
        pick = next(rest, 0)
        return quote(keys[pick % len(keys)] if isinstance(pick, int) else pick or "_", safe="", errors="replace")

    return re.sub(r"\{\w+\}", fill, path)


@pytest.mark.parametrize("name", ["defender", "xdr", "graph"])
@BOUNDED
@given(data=st.data())
async def test_any_request_to_an_api_is_answered(
    name: str,
    anonymous: httpx.AsyncClient,
    sign_in: Callable[..., Awaitable[httpx.Response]],
    keys: list[str],
    data: st.DataObject,
) -> None:
    token = (await sign_in(scope=SCOPES[name])).json()["access_token"]
    method, path = data.draw(st.sampled_from(_routes(name)), label="route")
    method = data.draw(st.sampled_from((method, method, method, *METHODS)), label="method")
    picks = data.draw(st.lists(st.integers(0, 6) | texts, max_size=3), label="keys")
    sent = data.draw(headers, label="headers") | {"Authorization": f"Bearer {token}"}
    pairs, body = data.draw(queries, label="query"), data.draw(bodies(NAMES, VALUES), label="body")
    reply = await _ask(anonymous, method, _filled(path, keys, picks), pairs, body, sent)
    assert reply.status_code < 500, reply.text
    if reply.status_code >= 400 and reply.content:
        assert set(reply.json()) == {"error"}


@pytest.mark.parametrize(
    "path", ["/oauth2/v2.0/token", "/oauth2/token", "/v2.0/.well-known/openid-configuration", "/discovery/v2.0/keys"]
)
@BOUNDED
@given(
    tenant=texts | st.sampled_from(["contoso.com", "common"]),
    form=st.dictionaries(
        st.sampled_from(
            [
                "grant_type",
                "client_id",
                "client_secret",
                "scope",
                "resource",
                "client_assertion",
                "client_assertion_type",
            ]
        ),
        texts | st.sampled_from(["client_credentials", "a.b.c", "https://graph.microsoft.com/.default"]),
    ),
    body=st.none() | st.binary(max_size=60),
    more=headers,
    authorization=st.none() | st.sampled_from(["Basic x", "Basic YTpi", "Basic /w==", "Bearer"]),
    method=st.sampled_from(METHODS),
)
async def test_any_sign_in_is_answered(
    path: str,
    anonymous: httpx.AsyncClient,
    tenant: str,
    form: dict[str, str],
    body: bytes | None,
    more: dict[str, str],
    authorization: str | None,
    method: str,
) -> None:
    content = httpx.Request("POST", "http://x", data=form).content if body is None else body
    sent = {"Content-Type": "application/x-www-form-urlencoded"} | more
    sent |= {"Authorization": authorization} if authorization else {}
    reply = await _ask(
        anonymous, method, f"/{quote(tenant, safe='', errors='replace')}{path}", form.items(), content, sent
    )
    assert reply.status_code < 500, reply.text


@BOUNDED
@given(
    token=texts | st.sampled_from(["a.b.c", "eyJhbGciOiJub25lIn0.e30.", "..", "eyJ9.eyJ9.x"]),
    path=st.sampled_from(["/api/alerts", "/v1.0/security/incidents"]),
)
async def test_any_token_is_judged(anonymous: httpx.AsyncClient, token: str, path: str) -> None:
    header = b"Bearer " + token.encode("utf-8", "replace").replace(b"\n", b"").replace(b"\r", b"").replace(b"\0", b"")
    reply = await anonymous.get(path, headers=[(b"Authorization", header.strip())])
    assert reply.status_code == 401


CONTROL = [
    (method, route.path)
    for route in Control(Simulator.from_scenario("quiet")).routes()
    for method in sorted(route.methods or ())
]


@BOUNDED
@given(data=st.data())
async def test_any_order_to_the_control_plane_is_answered(
    anonymous: httpx.AsyncClient, control: SimulatorControl, simulator: Simulator, keys: list[str], data: st.DataObject
) -> None:
    method, path = data.draw(st.sampled_from(CONTROL), label="route")
    picks = data.draw(st.lists(st.integers(0, 6) | texts, max_size=3), label="keys")
    pairs = data.draw(
        queries | st.lists(st.tuples(st.sampled_from(["tenant", "machine", "after", "operation"]), texts)),
        label="query",
    )
    body = data.draw(bodies(CONTROL_NAMES, CONTROL_VALUES), label="body")
    reply = await _ask(anonymous, method, _filled(re.sub(r":\w+\}", "}", path), keys, picks), pairs, body, {})
    assert reply.status_code < 500, reply.text
    if reply.status_code >= 400 and reply.content:
        assert reply.status_code == 405 or reply.json()["error"]["message"]
    simulator.faults.clear()
    assert (await control.state())["tenants"]


@BOUNDED
@given(text=odata | st.lists(st.sampled_from(QUERY_WORDS), max_size=20).map(" ".join))
@example("DeviceInfo | where " + "not(" * 39 + "true" + ")" * 39)
def test_any_query_is_run_or_refused(simulator: Simulator, contoso: Tenant, text: str) -> None:
    now = simulator.clock.now()
    with contextlib.suppress(QueryError):
        assert engine.run(contoso, text, now, window(None, now)).schema
