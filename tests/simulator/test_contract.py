"""Roles and paths of every operation as in the fact book, and no input that breaks one."""

import json
import re
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factbook import operations
from ringfence.simulator import SimulatorControl
from ringfence.simulator.defender import REGISTRY

SHA1 = "a" * 40
EVIDENCE = [
    {"entityType": "File", "fileName": "a.exe", "sha1": SHA1, "sha256": "b" * 64},
    {"entityType": "Url", "url": "http://www.fabrikam.com/x"},
    {"entityType": "Ip", "ipAddress": "203.0.113.9"},
]
INDICATOR = {"indicatorValue": SHA1, "indicatorType": "FileSha1", "action": "Block", "title": "t", "description": "d"}


def test_every_operation_is_served_for_exactly_the_documented_roles() -> None:
    for operation in operations("mde"):
        served = REGISTRY.operations.get(operation["id"])
        assert served is not None, operation["id"]
        assert served.method == operation["method"]
        assert set(served.roles) == set(operation["permissions"]["application_any_of"]), operation["id"]


def test_every_documented_path_leads_to_its_operation() -> None:
    for operation in operations("mde"):
        path = re.sub(r"\{[\w|]+\}", "1", operation["path"].partition("?")[0])
        match = REGISTRY.match(operation["method"], path.strip("/").split("/"))
        assert match.operation is not None, path
        assert match.operation.id == operation["id"]


@pytest.fixture
async def world(http: httpx.AsyncClient, control: SimulatorControl, machine_id: str) -> dict[str, str]:
    """One of everything, by the name that paths use."""
    (alert,) = await control.inject_alerts("wks-001", evidence=EVIDENCE, user="asmith")
    action = (await http.post(f"/api/machines/{machine_id}/isolate", json={"Comment": "x"})).json()["id"]
    await http.post(f"/api/machines/{machine_id}/startInvestigation", json={"Comment": "x"})
    await http.post("/api/indicators", json=INDICATOR)
    await http.post("/api/libraryfiles", files={"File": ("a.ps1", b"x")})
    return {"alert": alert, "machine": machine_id, "action": action}


PATHS = [
    (operation.method, "/api/" + re.sub(r"\{\w+\}", "{}", operation.path)) for operation in REGISTRY.operations.values()
]
NAMES = ["Comment", "Sha1", "ScanType", "Commands", "Value", "Action", "MachineIds", "alertIds", "DeviceValue"]
NAMES += ["machineTags", "deviceValue", "Indicators", "IndicatorIds", "reportId", "eventTime", "machineId", "severity"]
NAMES += ["category", "title", "description", "recommendedAction", "status", "Query", *INDICATOR]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.sampled_from(["Add", "Low", "Url", SHA1]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*NAMES, "type", "params"]), inner),
    max_leaves=6,
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    route=st.sampled_from(PATHS),
    key=st.text(min_size=1, max_size=20) | st.sampled_from([SHA1, "1", "10.0.0.1", "fabrikam.com", "a machine"]),
    body=st.dictionaries(st.sampled_from(NAMES), ANYTHING, max_size=8) | ANYTHING,
    query=st.text(max_size=20) | st.sampled_from(["tag=x", "lookBackHours=1", "$top=1", "$filter=id eq '1'"]),
)
async def test_no_input_breaks_an_operation(
    http: httpx.AsyncClient, world: dict[str, str], route: tuple[str, str], key: str, body: Any, query: str
) -> None:
    method, path = route
    wanted = world["machine"] if key == "a machine" else key
    encoded = "".join(f"%{byte:02x}" for byte in wanted.encode("utf-8", "replace"))
    url = f"{path.replace('{}', encoded)}?{quote(query, safe='$=&', errors='replace')}"
    reply = await http.request(method, url, content=json.dumps(body).encode())
    assert reply.status_code in (200, 201, 204, 400, 404, 405)
    if reply.status_code >= 400 and reply.content:
        assert set(reply.json()["error"]) <= {"code", "message", "target", "details"}
