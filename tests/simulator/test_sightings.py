from typing import Any

from ringfence.simulator import portal, sightings
from ringfence.simulator.specs import AlertSpec
from ringfence.simulator.tenant import Tenant

NOON = 1_772_366_400.0


def _raise(tenant: Tenant, machine: str, at: float, *evidence: dict[str, Any]) -> str:
    return portal.raise_alert(tenant, AlertSpec(machine=machine, evidence=list(evidence)), at)


def test_sightings_name_alerts_machines_and_the_time_between(contoso: Tenant) -> None:
    file = {"entityType": "File", "sha1": "A" * 40, "sha256": "b" * 64}
    first = _raise(contoso, "wks-001", NOON - 3_600, file, file)
    second = _raise(contoso, "wks-002", NOON, file)
    found = sightings.find(contoso, sightings.has_file(sha1="a" * 40))
    assert found == sightings.find(contoso, sightings.has_file(sha256="b" * 64))
    assert [record.key for record in sightings.alerts(found)] == sorted([first, second])
    assert {machine.name for machine in sightings.machines(contoso, found)} == {"wks-001", "wks-002"}
    begin, end = sightings.span(found)
    assert begin is not None
    assert end is not None
    assert begin < "2026-03-01T11:00:00Z" < end
    assert sightings.span([]) == (None, None)


def test_a_domain_holds_the_hosts_below_it(contoso: Tenant) -> None:
    _raise(contoso, "wks-001", NOON, {"entityType": "Url", "url": "www.fabrikam.com/x"})
    assert len(sightings.find(contoso, sightings.has_domain("Fabrikam.com"))) == 1
    assert sightings.find(contoso, sightings.has_domain("rikam.com")) == []
    assert sightings.host_of({"entityType": "Url", "url": "http://[x"}) is None
    assert sightings.host_of({"entityType": "Url", "url": None}) is None


def test_a_user_plays_a_part_as_related_user_or_in_evidence(contoso: Tenant) -> None:
    related = portal.raise_alert(contoso, AlertSpec(machine="wks-001", user="asmith"), NOON)
    seen = _raise(contoso, "wks-002", NOON, {"entityType": "User", "accountName": "ASmith"})
    assert {record.key for record in sightings.of_user(contoso, "asmith")} == {related, seen}


def test_odd_alerts_hold_no_evidence(contoso: Tenant) -> None:
    portal.raise_verbatim(contoso, {"evidence": [7, "x"], "firstEventTime": "soon"}, NOON)
    assert sightings.find(contoso, lambda _: True) == []
    portal.raise_verbatim(contoso, {"evidence": [{}], "firstEventTime": "soon", "lastEventTime": 7}, NOON)
    (found,) = sightings.find(contoso, lambda _: True)
    assert found.first == found.last
    assert sightings.machines(contoso, [found]) == []
