from typing import Any

import httpx
import pytest

from ringfence.simulator import SimulatorControl


@pytest.mark.parametrize(
    ("item", "kind", "shown"),
    [
        ({"entityType": "Ip", "ipAddress": "203.0.113.9"}, "ipEvidence", {"ipAddress": "203.0.113.9"}),
        ({"entityType": "Url", "url": "https://fabrikam.example"}, "urlEvidence", {"url": "https://fabrikam.example"}),
        (
            {"entityType": "File", "fileName": "a", "detectionStatus": "Blocked"},
            "fileEvidence",
            {"detectionStatus": "blocked", "remediationStatus": "blocked"},
        ),
        ({"entityType": "Process", "processId": 9}, "processEvidence", {"processId": 9, "userAccount": None}),
        ({"entityType": "Registry", "registryKey": "K"}, "registryKeyEvidence", {"registryKey": "K"}),
        ({"entityType": "Registry", "registryValue": "V"}, "registryValueEvidence", {"registryValue": "V"}),
    ],
)
async def test_each_kind_of_thing_has_its_type(
    graph: httpx.AsyncClient, control: SimulatorControl, item: dict[str, Any], kind: str, shown: dict[str, Any]
) -> None:
    (key,) = await control.inject_alerts("wks-001", evidence=[item])
    device, found = (await graph.get(f"/v1.0/security/alerts_v2/{key}")).json()["evidence"]
    assert device["@odata.type"] == "#microsoft.graph.security.deviceEvidence"
    assert found["@odata.type"] == f"#microsoft.graph.security.{kind}"
    assert {name: found[name] for name in shown} == shown
