from pathlib import Path
from typing import Any

import httpx
from ruamel.yaml import YAML

from ringfence.simulator import SimulatorControl
from ringfence.simulator.tenant import Tenant
from ringfence.simulator.xdr.documents import ENTITY_KEYS


async def test_entities_carry_only_what_applies_to_them(
    xdr: httpx.AsyncClient, control: SimulatorControl, contoso: Tenant
) -> None:
    evidence = [
        {"entityType": "Ip", "ipAddress": "203.0.113.9"},
        {"entityType": "File", "fileName": "a.exe", "sha1": "a" * 40, "detectionStatus": "Blocked"},
    ]
    (key,) = await control.inject_alerts("wks-001", incident=3, evidence=evidence)
    (alert,) = (await xdr.get("/api/incidents/3")).json()["alerts"]
    address, file = alert["entities"]
    assert set(address) == {"entityType", "evidenceCreationTime", "ipAddress", "verdict", "remediationStatus"}
    assert (file["sha1"], file["deviceId"], file["remediationStatus"]) == (
        "a" * 40,
        contoso.alerts[key].document["machineId"],
        "Remediated",
    )
    assert set(file) <= {*ENTITY_KEYS, "deviceId", "detectionStatus", "verdict", "remediationStatus"}


async def test_an_alert_names_its_device_as_defender_knows_it(
    xdr: httpx.AsyncClient, control: SimulatorControl, machine_id: str
) -> None:
    (key,) = await control.inject_alerts("wks-001", incident=3)
    (alert,) = (await xdr.get("/api/incidents/3")).json()["alerts"]
    (device,) = alert["devices"]
    assert (alert["alertId"], alert["incidentId"], device["mdatpDeviceId"]) == (key, 3, machine_id)
    assert (device["deviceDnsName"], device["onboardingStatus"]) == ("wks-001", "Onboarded")


async def test_incidents_alerts_and_devices_hold_the_documented_keys(
    xdr: httpx.AsyncClient, control: SimulatorControl
) -> None:
    path = Path(__file__).parents[2] / "facts" / "entities.yaml"
    facts: Any = YAML(typ="safe").load(path)["xdr"]["xdrIncident"]
    await control.inject_alerts("wks-001", incident=3)
    incident = (await xdr.get("/api/incidents")).json()["value"][0]
    for shown, rules in ((incident, facts["properties"]), (incident["alerts"][0], facts["xdrAlert"])):
        assert set(shown) == set(rules)
        for key, rule in rules.items():
            assert rule["nullable"] or shown[key] is not None, key
    assert set(incident["alerts"][0]["devices"][0]) == set(facts["device_keys"])
