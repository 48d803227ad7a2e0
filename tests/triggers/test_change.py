from typing import Any

import pytest

from ringfence.playbooks.triggers import ChangeTrigger
from ringfence.triggers.base import Match
from ringfence.triggers.change import concerns, match

SEEN = {
    "type": "change",
    "change": {"noun": "containment", "id": "c1", "kind": "contained"},
    "containment": {"state": "contained", "machine_name": "dc-01"},
}


def trigger(**values: Any) -> ChangeTrigger:
    return ChangeTrigger.model_validate({"type": "change", "of": "containment"} | values)


def asked(lineage: tuple[str, ...] = (), **values: Any) -> Match:
    return match(trigger(**values), "playbook", "contoso", lineage, SEEN)


@pytest.mark.parametrize(
    ("values", "noun", "kind", "concerned"),
    [
        ({}, "containment", "contained", True),
        ({}, "containment", "detail", False),
        ({}, "alert", "created", False),
        ({"kinds": ["failed"]}, "containment", "contained", False),
        ({"kinds": ["failed", "contained"]}, "containment", "contained", True),
        ({"of": "account"}, "account", "poll_failed", True),
    ],
)
def test_only_changes_of_the_named_kind_are_looked_at(
    values: dict[str, Any], noun: str, kind: str, concerned: bool
) -> None:
    assert concerns(trigger(**values), noun, kind) is concerned


def test_account_and_condition_narrow_it_down() -> None:
    assert asked().reason == "The containment was contained."
    assert asked(account="contoso").matched
    assert asked(account="fabrikam").reason == "The account is contoso, not fabrikam."
    assert asked(where="containment.machine_name == 'dc-01'").matched
    assert not asked(where="containment.machine_name == 'dc-02'").matched


def test_a_playbook_is_not_started_by_what_it_led_to_itself() -> None:
    assert asked(("other",)).matched
    assert asked(("other", "playbook")).reason == "The change was made by a run that this playbook led to."
