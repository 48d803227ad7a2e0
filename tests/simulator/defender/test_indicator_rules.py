from typing import Any

import httpx
import pytest

from ringfence.simulator import SimulatorControl
from ringfence.simulator.defender import indicator_rules
from ringfence.simulator.operations import ApiError

BODY = {
    "indicatorValue": "203.0.113.9",
    "indicatorType": "IpAddress",
    "action": "Block",
    "title": "t",
    "description": "d",
}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"indicatorValue": ""}, "InvalidInput"),
        ({"indicatorValue": None}, "InvalidInput"),
        ({"indicatorValue": 7}, "InvalidRequestBody"),
        ({"indicatorType": "ipAddress"}, "InvalidRequestBody"),
        ({"indicatorType": None}, "MissingRequiredParameter"),
        ({"action": "block"}, "InvalidRequestBody"),
        ({"action": "Audit"}, "InvalidInput"),
        ({"title": None}, "MissingRequiredParameter"),
        ({"description": ""}, "MissingRequiredParameter"),
        ({"severity": "Critical"}, "InvalidRequestBody"),
        ({"expirationTime": "never"}, "InvalidRequestBody"),
        ({"rbacGroupNames": "all"}, "InvalidRequestBody"),
        ({"generateAlert": "true"}, "InvalidRequestBody"),
        ({"indicatorValue": "203.0.113.0/24"}, "InvalidIpAddress"),
        ({"indicatorType": "FileSha1"}, "InvalidHashValue"),
        ({"indicatorType": "FileMd5"}, "InvalidHashValue"),
        ({"indicatorType": "FileSha256"}, "InvalidHashValue"),
        ({"indicatorType": "CertificateThumbprint"}, "InvalidHashValue"),
        ({"indicatorType": "DomainName", "indicatorValue": "http://contoso.com"}, "InvalidDomainName"),
        ({"indicatorType": "Url", "indicatorValue": "http://"}, "InvalidUrl"),
    ],
)
def test_what_breaks_a_rule_is_refused(change: dict[str, Any], code: str) -> None:
    with pytest.raises(ApiError) as caught:
        indicator_rules.read({**BODY, **change})
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("FileSha1", "a" * 40),
        ("FileMd5", "a" * 32),
        ("FileSha256", "a" * 64),
        ("CertificateThumbprint", "a" * 40),
        ("IpAddress", "2001:db8::1"),
        ("DomainName", "mail.contoso.com"),
        ("Url", "https://contoso.com/x?y=1"),
    ],
)
def test_each_type_takes_its_own_values(kind: str, value: str) -> None:
    assert indicator_rules.read({**BODY, "indicatorType": kind, "indicatorValue": value})["indicatorValue"] == value


async def test_a_tenant_has_a_limit_of_active_indicators(http: httpx.AsyncClient, control: SimulatorControl) -> None:
    await control.configure("contoso", indicator_limit=1)
    first = {**BODY, "expirationTime": "2026-03-01T12:01:00Z"}
    assert (await http.post("/api/indicators", json=first)).status_code == 200
    assert (await http.post("/api/indicators", json={**first, "title": "again"})).status_code == 200
    reply = await http.post("/api/indicators", json={**BODY, "action": "Allowed"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "InvalidInput")
    await control.advance(60)
    assert (await http.post("/api/indicators", json={**BODY, "action": "Allowed"})).status_code == 200
