import pytest
from pydantic import ValidationError

from ringfence.simulator.specs import AlertSpec, Event, MachineSpec, Scenario, TenantSpec


def test_a_fleet_is_numbered_with_leading_zeros() -> None:
    assert MachineSpec(name="wks-", count=3, first=9).names() == ["wks-009", "wks-010", "wks-011"]


def test_a_misspelled_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="severty"):
        AlertSpec.model_validate({"machine": "a", "severty": "High"})


def test_an_event_holds_exactly_one_thing() -> None:
    with pytest.raises(ValidationError, match="exactly one"):
        Event.model_validate({"at": 1})


def test_evidence_needs_a_type_and_known_keys() -> None:
    with pytest.raises(ValidationError, match="entityType"):
        AlertSpec.model_validate({"machine": "a", "evidence": [{"sha1": "x"}]})
    with pytest.raises(ValidationError, match="unknown evidence key colour"):
        AlertSpec.model_validate({"machine": "a", "evidence": [{"entityType": "File", "colour": "red"}]})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"targets": ["b"]}, "target 'b' is not a machine"),
        ({"events": [{"at": 1, "alert": {"machine": "b"}}]}, "names machine 'b'"),
        ({"events": [{"at": 1, "update": {"ref": "x", "status": "Resolved"}}]}, "updates 'x'"),
        ({"machines": [{"name": "a", "fields": {"id": "x"}}]}, "never changes"),
    ],
)
def test_a_tenant_that_names_what_it_lacks_is_refused(change: dict[str, object], message: str) -> None:
    data = {"name": "contoso", "apps": [{"name": "app"}], "machines": [{"name": "a"}]} | change
    with pytest.raises(ValidationError, match=message):
        TenantSpec.model_validate(data)


def test_two_tenants_cannot_share_a_name() -> None:
    tenant = {"name": "contoso", "apps": [{"name": "app"}]}
    with pytest.raises(ValidationError, match="same name"):
        Scenario.model_validate({"name": "x", "tenants": [tenant, tenant]})
