from ringfence.simulator import portal, sightings, timestamps
from ringfence.simulator.defender import profiles
from ringfence.simulator.specs import AlertSpec
from ringfence.simulator.tenant import Tenant

NOON = 1_772_366_400.0
SHA1 = "a" * 40


def _seen(tenant: Tenant, at: float) -> None:
    spec = AlertSpec(machine="wks-001", evidence=[{"entityType": "File", "fileName": "a.dll", "sha1": SHA1}])
    portal.raise_alert(tenant, spec, at)


def test_a_file_that_nobody_met_has_no_profile(contoso: Tenant) -> None:
    assert profiles.file(contoso, sha1=SHA1) is None


def test_the_hashes_of_a_file_belong_together(contoso: Tenant) -> None:
    _seen(contoso, NOON)
    first = profiles.file(contoso, sha1=SHA1)
    assert first is not None
    assert profiles.file(contoso, sha1=SHA1) == first
    assert (len(first["md5"]), len(first["sha256"]), first["determinationType"]) == (32, 64, "Unknown")
    assert first["globalFirstObserved"] < first["globalLastObserved"]


def test_only_the_sightings_of_the_last_hours_are_recent(contoso: Tenant) -> None:
    _seen(contoso, NOON)
    _seen(contoso, NOON - 10 * 3_600)
    found = sightings.find(contoso, sightings.has_file(sha1=SHA1))
    assert len(profiles.recent(found, NOON, 24)) == 2
    (recent,) = profiles.recent(found, NOON, 5)
    assert recent.last > timestamps.to_ticks(NOON - 3_600)
    assert profiles.prevalence(contoso, SHA1, found) >= 1
