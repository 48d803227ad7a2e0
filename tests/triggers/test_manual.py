from typing import Any

import pytest

from ringfence.errors import Invalid
from ringfence.playbooks.model import NO_TRIGGER, DefenderAlertTrigger
from ringfence.playbooks.triggers import ManualTrigger, TimerTrigger
from ringfence.triggers.manual import allowed_on, demand, read_inputs

ALERTS = DefenderAlertTrigger.model_validate({"type": "defender.alert"})
TIMER = TimerTrigger.model_validate({"type": "timer", "every": "1 h"})


def manual(**values: Any) -> ManualTrigger:
    return ManualTrigger.model_validate({"type": "manual"} | values)


def test_what_a_playbook_may_be_started_on() -> None:
    assert allowed_on(manual()) == ("nothing",)
    assert allowed_on(manual(on="machine")) == ("machine",)
    assert allowed_on(ALERTS) == ("alert",)
    assert allowed_on(TIMER) == ()


@pytest.mark.parametrize(
    ("trigger", "subject", "said"),
    [
        (TIMER, "nothing", "'P' is not started by hand: its trigger is timer."),
        (ALERTS, "nothing", "'P' is started on an alert."),
        (ALERTS, "machine", "'P' is started on an alert, not on the machine."),
        (manual(on=["alert", "machine"]), "nothing", "'P' is started on an alert or on a machine."),
        (manual(), "alert", "'P' is started on nothing, and not on the alert."),
    ],
)
def test_who_starts_it_on_something_else_is_told(trigger: Any, subject: str, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        demand(trigger, "P", subject)
    assert caught.value.message.endswith(said)
    assert caught.value.advice


def test_the_right_subject_passes() -> None:
    demand(manual(), "P", "nothing")
    demand(manual(on=["alert", "machine"]), "P", "machine")
    demand(ALERTS, "P", "alert")


def test_inputs_have_their_defaults() -> None:
    asked = manual(inputs={"why": {"required": True}, "how": {"default": "slowly"}, "note": {}})
    assert read_inputs(asked, {"why": "drill"}) == {"why": "drill", "how": "slowly", "note": ""}
    assert read_inputs(ALERTS, {}) == {}


def test_every_mistake_in_the_inputs_is_told() -> None:
    asked = manual(inputs={"why": {"required": True, "description": "the reason"}, "how": {"default": "slowly"}})
    with pytest.raises(Invalid) as caught:
        read_inputs(asked, {"why": " ", "what": "x", "how": "y" * 10_001})
    assert caught.value.problems == (
        "There is no input 'what'; there are: why, how.",
        "The input 'why' is missing: the reason.",
        "The input 'how' has 10001 characters; 10000 are the most.",
    )


def test_a_component_is_not_started() -> None:
    assert allowed_on(NO_TRIGGER) == ()
    with pytest.raises(Invalid, match="'P' is a component: it is called, not started"):
        demand(NO_TRIGGER, "P", "nothing")
