from typing import Any

import httpx
import pytest

from ringfence.simulator import Simulator, SimulatorControl, create_app
from ringfence.simulator.control_client import SimulatorControlError
from ringfence.simulator.tenant import Tenant

ORIGIN = "http://127.0.0.1:8900"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/_sim/nothing", None, 404, "unknown_route"),
        ("PUT", "/_sim", None, 404, "unknown_route"),
        ("DELETE", "/_sim/journal", None, 404, "unknown_route"),
        ("GET", "/_sim/journal?after=x", None, 400, "bad_after"),
        ("GET", "/_sim/journal?tenant=nobody", None, 404, "unknown_tenant"),
        ("POST", "/_sim/alerts", b"{", 400, "bad_json"),
        ("POST", "/_sim/alerts", b"[]", 400, "bad_json"),
        ("POST", "/_sim/alerts", b"{}", 400, "bad_request"),
        ("POST", "/_sim/alerts", b'{"machine":"nowhere"}', 404, "unknown_machine"),
        ("POST", "/_sim/alerts", b'{"machine":"wks-001","at":"soon"}', 400, "bad_request"),
        ("PATCH", "/_sim/alerts/none", b"{}", 404, "unknown_alert"),
        ("PATCH", "/_sim/machines/none", b"{}", 404, "unknown_machine"),
        ("PATCH", "/_sim/machines/wks-001", b'{"fields":{"id":"x"}}', 400, "bad_request"),
        ("POST", "/_sim/portal-action", b'{"machine":"none","type":"Isolate"}', 404, "unknown_machine"),
        ("POST", "/_sim/faults", b'{"kind":"status"}', 400, "bad_request"),
        ("POST", "/_sim/clock", b"{}", 400, "bad_request"),
        ("POST", "/_sim/clock", b'{"advance":-1}', 400, "bad_request"),
        ("POST", "/_sim/reset", b'{"scenario":"none"}', 400, "bad_scenario"),
        ("PATCH", "/_sim/apps/none", b"{}", 404, "unknown_app"),
        ("PATCH", "/_sim/tenants/contoso", b'{"colour":1}', 400, "bad_request"),
        ("PATCH", "/_sim/tenants/nobody", b"{}", 404, "unknown_tenant"),
        ("PATCH", "/_sim/journal", b'{"cap":0}', 400, "bad_request"),
    ],
)
async def test_a_wrong_control_request_is_refused_clearly(
    anonymous: httpx.AsyncClient, method: str, path: str, body: bytes | None, status: int, code: str
) -> None:
    reply = await anonymous.request(method, path, content=body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)
    assert reply.json()["error"]["message"]


@pytest.mark.parametrize("host", ["192.0.2.7", "10.0.0.1", "::ffff:192.0.2.7", "elsewhere"])
async def test_only_this_machine_may_control(simulator: Simulator, host: str) -> None:
    transport = httpx.ASGITransport(create_app(simulator), client=(host, 5))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as stranger:
        reply = await stranger.get("/_sim/state")
    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "not_local")


@pytest.mark.parametrize("host", ["127.0.0.9", "::1", "::ffff:127.0.0.1"])
async def test_every_loopback_address_is_this_machine(simulator: Simulator, host: str) -> None:
    transport = httpx.ASGITransport(create_app(simulator), client=(host, 5))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        assert (await client.get("/_sim/state")).status_code == 200


async def test_web_pages_may_not_control(anonymous: httpx.AsyncClient) -> None:
    reply = await anonymous.post("/_sim/reset", headers={"Origin": "https://example.com"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "from_a_page")


async def test_with_several_tenants_the_one_that_is_meant_must_be_named() -> None:
    simulator = Simulator.from_scenario("ransomware", frozen=True)
    async with SimulatorControl(ORIGIN, transport=httpx.ASGITransport(create_app(simulator))) as control:
        with pytest.raises(SimulatorControlError, match="contoso, fabrikam"):
            await control.inject_alerts("wks-001")
        assert await control.inject_alerts("fab-001", tenant="fabrikam")


async def test_alerts_are_injected_with_their_times(control: SimulatorControl, contoso: Tenant) -> None:
    (old,) = await control.inject_alerts("wks-001", age=60, lastUpdateTime="2026-03-01T11:00:00.5Z")
    (at,) = await control.inject_alerts("wks-001", at="2026-02-01T00:00:00Z", severity="High", title="T", status="New")
    assert contoso.alerts[old].document["alertCreationTime"] == "2026-03-01T11:59:00Z"
    assert contoso.alerts[old].document["lastUpdateTime"] == "2026-03-01T11:00:00.5Z"
    assert contoso.alerts[at].document["alertCreationTime"] == "2026-02-01T00:00:00Z"
    assert len(set(await control.inject_alerts("wks-001", count=2_000))) == 2_000


async def test_machines_come_go_and_change(control: SimulatorControl, contoso: Tenant) -> None:
    assert len(await control.add_machine("vm-", count=4, os="Ubuntu")) == 4
    changed = await control.edit_machine("vm-002", online=False, tags=["Lab"], fields={"riskScore": "High"})
    assert (changed["online"], changed["tags"], changed["document"]["riskScore"]) == (False, ["Lab"], "High")
    assert (await control.edit_machine("vm-002", online=True))["online"] is True


async def test_the_journal_can_be_capped(
    anonymous: httpx.AsyncClient, control: SimulatorControl, simulator: Simulator
) -> None:
    for _ in range(4):
        await anonymous.get("/api/alerts")
    reply = await anonymous.patch("/_sim/journal", json={"cap": 2})
    assert reply.json() == {"last": 4, "cap": 2, "dropped": 2}
    assert [entry["sequence"] for entry in await control.journal(after=3)] == [4]


async def test_strange_characters_in_a_request_do_not_break_the_journal(
    http: httpx.AsyncClient, control: SimulatorControl, machine_id: str
) -> None:
    await http.post(f"/api/machines/{machine_id}/isolate", content=b'{"Comment":"\\ud800"}')
    entry = (await control.journal(operation="isolate_machine"))[0]
    assert (entry["status"], entry["body"]) == (201, {"Comment": "?"})


async def test_apps_and_their_secrets_are_managed(control: SimulatorControl, contoso: Tenant) -> None:
    app = await control.add_app("Second", roles=["Alert.Read.All"])
    secret = await control.add_secret(app["client_id"], value="known", expires_in_seconds=None)
    await control.remove_secret(app["client_id"], app["secrets"][0]["id"])
    changed = await control.edit_app(app["client_id"], roles=["User.Read.All"])
    assert [item["value"] for item in changed["secrets"]] == ["known"]
    assert changed["roles"] == ["User.Read.All"]
    for attempt in (
        control.remove_secret(app["client_id"], "none"),
        control.expire_secret(app["client_id"], "none"),
        control.edit_app(app["client_id"], certificates=["nonsense"]),
    ):
        with pytest.raises(SimulatorControlError):
            await attempt
    assert secret["value"] == "known"


async def test_the_state_shows_the_true_isolation(control: SimulatorControl, machine_id: str) -> None:
    await control.portal_action("wks-001", "Isolate")
    await control.advance(10)
    state = await control.state()
    isolated: list[Any] = [item["id"] for item in state["tenants"][0]["machines"] if item["isolated"]]
    assert isolated == [machine_id]
    assert state["scenario"] == "quiet"
    assert state["tenants"][0]["actions"][0]["requestSource"] == "Portal"


async def test_the_clock_ends_with_the_calendar(control: SimulatorControl) -> None:
    for _ in range(62):
        await control.advance(3_000_000_000)
    with pytest.raises(SimulatorControlError, match="year 8000"):
        await control.advance(3_000_000_000)
