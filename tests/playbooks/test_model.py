from typing import Any

import pytest
from pydantic import ValidationError

from ringfence.playbooks.model import DefenderAlertTrigger, Effect, ParameterKind, Playbook, Step
from ringfence.playbooks.triggers import ManualTrigger


def _playbook(**changes: Any) -> Playbook:
    return Playbook.model_validate({"ringfence": 1, "name": "Example", "trigger": {"type": "manual"}} | changes)


def _trigger(**changes: Any) -> DefenderAlertTrigger:
    return DefenderAlertTrigger.model_validate({"type": "defender.alert"} | changes)


def test_the_least_playbook_has_a_name_and_a_trigger() -> None:
    playbook = _playbook()
    assert playbook.trigger == ManualTrigger(type="manual")
    assert (playbook.kind, playbook.log_level, playbook.steps) == ("playbook", "info", {})


def test_another_version_of_the_language_is_refused() -> None:
    with pytest.raises(ValidationError, match="ringfence"):
        _playbook(ringfence=2)


def test_unknown_keys_are_refused_everywhere() -> None:
    for change in ({"nme": 1}, {"trigger": {"type": "manual", "x": 1}}, {"steps": {"a": {"action": "b.c", "x": 1}}}):
        with pytest.raises(ValidationError, match="Extra inputs"):
            _playbook(**change)


def test_python_names_of_keys_are_not_keys() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        Step.model_validate({"action": "a.b", "with_": {}})


def test_a_single_value_may_stand_for_a_list_of_one() -> None:
    assert _trigger(status="New", severity="High", category="Ransomware").status == ("New",)
    assert Step.model_validate({"action": "a.b", "after": "one.yes"}).after == ("one.yes",)


def test_a_trigger_listens_for_new_alerts_unless_told_otherwise() -> None:
    assert _trigger().changes == ("created",)
    assert _trigger(changes=["updated", "reopened"]).changes == ("updated", "reopened")


def test_a_trigger_takes_a_service_or_an_account_but_not_both() -> None:
    assert _trigger(account="contoso").service is None
    with pytest.raises(ValidationError, match="not both"):
        _trigger(account="contoso", service="contoso")


def test_a_trigger_starts_a_run_for_each_alert_unless_told_otherwise() -> None:
    assert (_trigger().run_per, _trigger().gather) == ("alert", None)
    folded = _trigger(run_per="machine")
    assert (folded.window.seconds, folded.gather) == (900.0, None)
    assert _trigger(run_per="incident", window="1 h", gather="30 s").gather is not None


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"window": "5 min"}, "need `run_per"),
        ({"gather": "5 s"}, "need `run_per"),
        ({"run_per": "machine", "window": "0 s"}, "cannot be a window"),
        ({"run_per": "machine", "window": "8 d"}, "cannot be a window"),
        ({"run_per": "machine", "gather": "20 min"}, "too long to gather"),
        ({"run_per": "machine", "window": "2 d", "gather": "2 h"}, "too long to gather"),
        ({"run_per": "host"}, "Input should be"),
    ],
)
def test_folding_that_makes_no_sense_is_refused(keys: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        _trigger(**keys)


@pytest.mark.parametrize("start", ["30 days ago", "1 hour ago", "now", "2026-01-31", "2026-01-31T10:00:00Z"])
def test_a_poll_can_start_in_the_past(start: str) -> None:
    assert _trigger(max_historical_poll_start=start).max_historical_poll_start == start


def test_a_poll_start_that_nobody_understands_is_refused() -> None:
    with pytest.raises(ValidationError, match="30 days ago"):
        _trigger(max_historical_poll_start="a while ago")


@pytest.mark.parametrize("name", ["a-b", "1a", "", "a.b", "a b", "x" * 65, "a\n"])
def test_names_of_steps_are_plain_words(name: str) -> None:
    with pytest.raises(ValidationError, match="cannot be a step's name"):
        _playbook(steps={name: {"action": "a.b"}})


def test_models_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        _playbook().name = "Other"  # type: ignore[misc]


def test_every_effect_and_kind_is_explained() -> None:
    for member in Effect:
        assert f"{member}:" in (Effect.__doc__ or "")
    for kind in ParameterKind:
        assert f"{kind}:" in (ParameterKind.__doc__ or "")
        assert kind.is_expression is (kind is not ParameterKind.VALUE)
