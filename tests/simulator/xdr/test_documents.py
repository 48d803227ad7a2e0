import httpx

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
