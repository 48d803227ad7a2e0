import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microsoft import SECRET, Microsoft, answer, refused
from ringfence.defender import (
    ClientSecret,
    Cloud,
    DefenderClient,
    DefenderError,
    InvalidArgument,
    MalformedReply,
    ReplyLost,
    WrongAddress,
    cloud,
    odata,
)

ACTION = {"id": "act-1", "type": "Isolate", "status": "Pending", "machineId": "m1"}
WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

Operation = Callable[[DefenderClient], Awaitable[Any]]
OPERATIONS: list[tuple[str, str, str, object, Operation]] = [
    ("get_alert", "GET", "/api/alerts/a%2F1", {"id": "a"}, lambda d: d.get_alert("a/1")),
    ("get_alert_machine", "GET", "/api/alerts/a1/machine", {"id": "m"}, lambda d: d.get_alert_machine("a1")),
    ("get_machine", "GET", "/api/machines/pc.contoso.com", {"id": "m"}, lambda d: d.get_machine("pc.contoso.com")),
    (
        "find_machines_by_ip",
        "GET",
        "/api/machines/findbyip(ip='10.0.0.1',timestamp=2026-01-02T03:04:05Z)",
        {"value": [{"id": "m"}]},
        lambda d: d.find_machines_by_ip("10.0.0.1", WHEN),
    ),
    (
        "get_machine_logon_users",
        "GET",
        "/api/machines/m1/logonusers",
        {"value": [{"id": "contoso\\u"}]},
        lambda d: d.get_machine_logon_users("m1"),
    ),
    ("get_machine_alerts", "GET", "/api/machines/m1/alerts", {"value": []}, lambda d: d.get_machine_alerts("m1")),
    ("isolate_machine", "POST", "/api/machines/m1/isolate", ACTION, lambda d: d.isolate_machine("m1", comment="c")),
    (
        "unisolate_machine",
        "POST",
        "/api/machines/m1/unisolate",
        ACTION,
        lambda d: d.unisolate_machine("m1", comment="c"),
    ),
    ("get_machine_action", "GET", "/api/machineactions/act-1", ACTION, lambda d: d.get_machine_action("act-1")),
    (
        "cancel_machine_action",
        "POST",
        "/api/machineactions/act-1/cancel",
        ACTION,
        lambda d: d.cancel_machine_action("act-1", comment="c"),
    ),
    ("update_alert", "PATCH", "/api/alerts/a1", {"id": "a"}, lambda d: d.update_alert("a1", comment="c")),
]
NAMES = [name for name, *_ in OPERATIONS]


@pytest.mark.parametrize(("name", "method", "path", "body", "operation"), OPERATIONS, ids=NAMES)
async def test_each_operation_sends_its_method_and_path(
    name: str, method: str, path: str, body: object, operation: Operation
) -> None:
    microsoft = Microsoft(answer(body))
    async with microsoft.client() as defender:
        await operation(defender)
    request = microsoft.requests[0]
    assert (request.method, microsoft.urls[0]) == (method, path)
    assert request.headers["Authorization"] == "Bearer token-1"
    assert (request.headers.get("Content-Type") == "application/json") is (method != "GET")


@given(status=st.integers(100, 599), noise=st.binary(), index=st.integers(0, len(OPERATIONS) - 1))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_status_and_no_bytes_lead_out_of_the_tree(status: int, noise: bytes, index: int) -> None:
    async def run() -> None:
        microsoft = Microsoft(otherwise=httpx.Response(status, content=noise))
        async with microsoft.client(attempts=2) as defender:
            with contextlib.suppress(DefenderError):
                await OPERATIONS[index][4](defender)

    asyncio.run(run())


async def test_alerts_are_listed_by_the_options_that_are_given() -> None:
    microsoft = Microsoft(answer({"value": [{"id": "a", "severity": "High"}]}))
    async with microsoft.client() as defender:
        found = [
            alert
            async for alert in defender.list_alerts(
                filter=odata.ge("lastUpdateTime", WHEN), order_by="lastUpdateTime asc", top=50, expand=("evidence",)
            )
        ]
    assert [alert.severity for alert in found] == ["High"]
    assert microsoft.urls == [
        "/api/alerts?$filter=lastUpdateTime%20ge%202026-01-02T03:04:05Z&$orderby=lastUpdateTime%20asc&$expand=evidence&$top=50"
    ]


async def test_a_filter_value_cannot_add_an_option() -> None:
    microsoft = Microsoft(answer({"value": []}))
    async with microsoft.client() as defender:
        assert [machine async for machine in defender.list_machines(filter=odata.eq("id", "x&$top=1#'"))] == []
    assert microsoft.urls == ["/api/machines?$filter=id%20eq%20'x%26$top%3D1%23'''&$top=1000"]


async def test_alerts_that_cannot_be_read_do_not_cost_the_others_and_are_told_at_the_end() -> None:
    microsoft = Microsoft(answer({"value": [{"id": "a"}, {"id": None}, 7, {"id": "b"}]}))
    found = []

    async def collect(defender: DefenderClient) -> None:
        async for alert in defender.list_alerts(top=10):
            found.append(alert.id)

    async with microsoft.client() as defender:
        with pytest.raises(MalformedReply, match="2 of the documents"):
            await collect(defender)
    assert found == ["a", "b"]


async def test_a_limit_ends_the_list_and_asks_for_no_more_than_needed() -> None:
    microsoft = Microsoft(otherwise=answer({"value": [ACTION, ACTION, ACTION]}))
    async with microsoft.client() as defender:
        found = [each async for each in defender.list_machine_actions(filter="x eq 1", order_by="y desc", limit=2)]
        assert len(found) == 2
        assert [each async for each in defender.list_alerts(limit=0)] == []
        assert len([each async for each in defender.list_machines(limit=3, top=3)]) == 3
    assert microsoft.urls[0] == "/api/machineactions?$filter=x%20eq%201&$orderby=y%20desc&$top=2"
    assert len(microsoft.requests) == 3


async def test_a_404_with_a_body_means_that_there_are_no_recent_machines() -> None:
    microsoft = Microsoft(refused(404, "ResourceNotFound"), httpx.Response(404))
    async with microsoft.client() as defender:
        assert [machine async for machine in defender.list_machines()] == []
        with pytest.raises(WrongAddress):
            [machine async for machine in defender.list_machines()]


async def test_a_short_list_does_not_lie_by_omission() -> None:
    microsoft = Microsoft(answer({"value": [{"id": "m"}, {}]}))
    async with microsoft.client() as defender:
        with pytest.raises(MalformedReply):
            await defender.find_machines_by_ip("10.0.0.1", WHEN)


async def test_an_isolation_carries_comment_type_and_external_id() -> None:
    microsoft = Microsoft(otherwise=answer(ACTION, 201))
    async with microsoft.client() as defender:
        await defender.isolate_machine("m1", comment="Alert 1 — ü", external_id="run:1")
        assert microsoft.sent() == {"Comment": "Alert 1 — ü", "IsolationType": "Full", "ExternalId": "run:1"}
        await defender.isolate_machine("m1", comment="c", isolation_type="Selective")
        assert microsoft.sent() == {"Comment": "c", "IsolationType": "Selective"}
        await defender.unisolate_machine("m1", comment="c")
        assert microsoft.sent() == {"Comment": "c"}
        await defender.cancel_machine_action("x", comment="c")
        assert microsoft.sent() == {"Comment": "c"}


async def test_an_action_without_a_reason_is_not_sent() -> None:
    microsoft = Microsoft()
    async with microsoft.client() as defender:
        for call in (
            defender.isolate_machine("m1", comment=" "),
            defender.unisolate_machine("m1", comment=""),
            defender.cancel_machine_action("x", comment=""),
            defender.update_alert("a1"),
            defender.get_machine(".."),
            defender.find_machines_by_ip("10.0.0.1')", WHEN),
        ):
            with pytest.raises(InvalidArgument):
                await call
    assert microsoft.requests == []


async def test_an_update_sends_only_what_changes() -> None:
    microsoft = Microsoft(otherwise=answer({"id": "a1"}))
    async with microsoft.client() as defender:
        await defender.update_alert("a1", status="Resolved", assigned_to="", classification="TruePositive")
        assert microsoft.sent() == {"status": "Resolved", "assignedTo": "", "classification": "TruePositive"}
        await defender.update_alert("a1", determination="Malware", comment="c")
        assert microsoft.sent() == {"determination": "Malware", "comment": "c"}


async def test_an_update_is_repeated_unless_it_adds_a_comment() -> None:
    microsoft = Microsoft(answer({}, 500), answer({"id": "a1"}), answer({}, 500))
    async with microsoft.client() as defender:
        await defender.update_alert("a1", status="Resolved")
        with pytest.raises(ReplyLost):
            await defender.update_alert("a1", comment="c")


async def test_an_ipv6_address_is_written_plainly() -> None:
    microsoft = Microsoft(answer({"value": []}))
    async with microsoft.client() as defender:
        await defender.find_machines_by_ip(" 2001:DB8::0001 ", WHEN)
    assert microsoft.urls[0].startswith("/api/machines/findbyip(ip='2001%3Adb8%3A%3A1',")


async def test_roles_are_those_of_the_token() -> None:
    async with Microsoft().client() as defender:
        assert await defender.roles() is None


@pytest.mark.parametrize(
    "base",
    [
        "https://api.contoso.com",
        "http://api.security.microsoft.com",
        "https://api-gcc.securitycenter.microsoft.us",
        "https://api.security.microsoft.com.contoso.com",
    ],
)
def test_a_host_outside_the_cloud_is_refused(base: str) -> None:
    with pytest.raises(InvalidArgument, match="its own cloud"):
        Microsoft().client(api_base=base)


def test_a_simulator_s_client_does_not_call_the_real_service() -> None:
    with pytest.raises(InvalidArgument):
        Microsoft().client(Cloud.simulator("http://127.0.0.1:8700"), api_base="https://api.security.microsoft.com")


async def test_a_simulator_is_called_over_plain_http() -> None:
    microsoft = Microsoft(answer({"id": "m"}))
    async with microsoft.client(Cloud.simulator("http://127.0.0.1:8700")) as defender:
        await defender.get_machine("m")
    assert str(microsoft.requests[0].url) == "http://127.0.0.1:8700/api/machines/m"


async def test_a_client_is_used_inside_its_block_only() -> None:
    microsoft = Microsoft()
    defender = microsoft.client()
    with pytest.raises(RuntimeError, match="async with"):
        await defender.get_machine("m")
    async with defender:
        pass
    with pytest.raises(RuntimeError, match="async with"):
        await defender.get_machine("m")


async def test_a_client_says_who_it_is() -> None:
    microsoft = Microsoft(answer({"id": "m"}))
    client = DefenderClient(
        cloud("commercial"),
        "contoso.com",
        ClientSecret("app-1", SECRET),
        transport=microsoft.transport,
        timeout=5.0,
        user_agent="contoso/1.0",
    )
    async with client as defender:
        await defender.get_machine("m")
    assert microsoft.requests[0].headers["User-Agent"] == "contoso/1.0"


async def test_what_a_reply_wants_kept_is_not_sent_back() -> None:
    microsoft = Microsoft(answer({"id": "m"}, Set_Cookie="a=b"), otherwise=answer({"id": "m"}))
    async with microsoft.client() as client:
        for _ in range(2):
            await client.get_machine("m")
    assert [request.headers.get("Cookie") for request in microsoft.requests] == [None, None]
