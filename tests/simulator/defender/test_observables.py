from typing import Any

import httpx
import pytest

from ringfence.simulator import SimulatorControl

SHA1, SHA256 = "a" * 40, "b" * 64
EVIDENCE = [
    {"entityType": "File", "fileName": "a.exe", "sha1": SHA1, "sha256": SHA256},
    {"entityType": "Ip", "ipAddress": "203.0.113.9"},
    {"entityType": "Url", "url": "http://www.fabrikam.com/x"},
    {"entityType": "User", "accountName": "BJones"},
]


@pytest.fixture(autouse=True)
async def alerts(control: SimulatorControl) -> list[str]:
    """Two alerts of today and one of three weeks ago, on two machines."""
    fields: dict[str, Any] = {"evidence": EVIDENCE, "threat_name": "Trojan:Win32/Contoso"}
    keys = await control.inject_alerts("wks-001", **fields)
    keys += await control.inject_alerts("wks-002", **fields)
    return keys + await control.inject_alerts("wks-001", age=21 * 86_400, **fields)


def _code(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]["code"]


async def test_a_file_is_profiled_by_either_hash(http: httpx.AsyncClient) -> None:
    one, two = await http.get(f"/api/files/{SHA1.upper()}"), await http.get(f"/api/files/{SHA256}")
    assert one.json() == two.json()
    assert (one.json()["determinationType"], one.json()["determinationValue"]) == ("Malware", "Trojan:Win32/Contoso")
    assert one.json()["isPeFile"] is True
    assert _code(await http.get(f"/api/files/{'c' * 40}")) == (404, "ResourceNotFound")
    assert _code(await http.get("/api/files/123")) == (400, "InvalidHashValue")


async def test_the_statistics_of_a_file_look_back_as_far_as_asked(http: httpx.AsyncClient) -> None:
    body = (await http.get(f"/api/files/{SHA1}/stats")).json()
    assert body["@odata.context"].endswith("#microsoft.windowsDefenderATP.api.InOrgFileStats")
    assert (body["orgPrevalence"], body["organizationPrevalence"], body["topFileNames"]) == ("2", 2, ["a.exe"])
    assert body["globallyPrevalence"] >= 2
    recent = (await http.get(f"/api/files/{SHA1}/stats?lookBackHours=24")).json()
    assert recent["orgFirstSeen"] > body["orgFirstSeen"]
    assert _code(await http.get(f"/api/files/{SHA1}/stats?lookBackHours=721")) == (400, "InvalidInput")


@pytest.mark.parametrize(
    ("path", "count"),
    [
        (f"files/{SHA1}/alerts", 3),
        (f"files/{SHA1}/machines", 2),
        (f"files/{'c' * 40}/alerts", 0),
        ("domains/www.fabrikam.com/alerts", 3),
        ("domains/fabrikam.com/machines", 2),
        ("domains/example.com/machines", 0),
        ("domains/example.com/alerts", 0),
        ("ips/203.0.113.9/alerts", 3),
        ("ips/203.0.113.1/alerts", 0),
        ("users/bjones/alerts", 3),
        ("users/bjones/machines", 1),
        ("users/nobody/alerts", 0),
        ("users/nobody/machines", 0),
    ],
)
async def test_alerts_and_machines_are_found_by_what_plays_a_part(
    http: httpx.AsyncClient, path: str, count: int
) -> None:
    reply = await http.get(f"/api/{path}")
    assert (reply.status_code, len(reply.json()["value"])) == (200, count)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("files/123/alerts", "InvalidHashValue"),
        (f"files/{SHA256}/machines", "InvalidHashValue"),
        ("domains/nodots/alerts", "InvalidDomainName"),
        ("domains/nodots/stats", "InvalidDomainName"),
        ("ips/10.0.0/alerts", "InvalidIpAddress"),
        ("ips/10.0.0/stats", "InvalidIpAddress"),
    ],
)
async def test_what_is_malformed_is_refused(http: httpx.AsyncClient, path: str, code: str) -> None:
    assert _code(await http.get(f"/api/{path}")) == (400, code)


async def test_domains_and_addresses_tell_their_prevalence(http: httpx.AsyncClient) -> None:
    domain = (await http.get("/api/domains/www.fabrikam.com/stats")).json()
    assert (domain["host"], domain["orgPrevalence"], domain["organizationPrevalence"]) == ("www.fabrikam.com", "2", 2)
    address = (await http.get("/api/ips/203.0.113.9/stats")).json()
    assert (address["ipAddress"], address["organizationPrevalence"]) == ("203.0.113.9", 2)
    unknown = (await http.get("/api/domains/example.com/stats")).json()
    assert (unknown["organizationPrevalence"], unknown["orgFirstSeen"]) == (0, None)


async def test_the_alerts_of_an_address_have_the_recorded_context(http: httpx.AsyncClient) -> None:
    body = (await http.get("/api/ips/203.0.113.9/alerts")).json()
    assert body["@odata.context"].endswith("#AlertEntitySetName")
    assert all(alert["evidence"] == [] for alert in body["value"])
    for route in ("domains/contoso.com", "ips/203.0.113.9", "ips/203.0.113.9/machines", f"files/{SHA1}/machine"):
        assert (await http.get(f"/api/{route}")).content == b""
