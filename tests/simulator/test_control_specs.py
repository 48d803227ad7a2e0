import pytest
from pydantic import ValidationError

from ringfence.simulator.control_specs import InjectAlerts, SetClock


def test_an_injection_gives_the_alert_alone() -> None:
    wanted = InjectAlerts.model_validate({"machine": "a", "tenant": "t", "count": 3, "severity": "High"})
    assert wanted.alert().model_dump() == wanted.model_dump(
        exclude={"tenant", "at", "age", "last_update_time", "count"}
    )


@pytest.mark.parametrize("name", ["lastUpdateTime", "last_update_time"])
def test_the_update_time_is_taken_under_both_names(name: str) -> None:
    assert InjectAlerts.model_validate({"machine": "a", name: "2026-03-01"}).last_update_time == "2026-03-01"


@pytest.mark.parametrize("change", [{"at": "soon"}, {"count": 0}, {"age": float("inf")}, {"colour": "red"}])
def test_nonsense_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        InjectAlerts.model_validate({"machine": "a"} | change)


def test_the_clock_must_be_told_something() -> None:
    with pytest.raises(ValidationError, match="give advance"):
        SetClock.model_validate({})
