from typing import Any

import pytest

from ringfence.playbooks.triggers import ErrorTrigger
from ringfence.triggers.error import match

SEEN: dict[str, Any] = {
    "run": {"playbook_id": "p1", "playbook": "Contain", "error": "isolate: Never."},
    "failed": [{"step": "isolate"}],
    "trigger": {"type": "defender.alert"},
}


@pytest.mark.parametrize(
    ("values", "playbook", "trigger", "started"),
    [
        ({}, "p2", "defender.alert", True),
        ({}, "p1", "defender.alert", False),
        ({}, "p2", "error", False),
        ({"playbooks": "Contain"}, "p2", "timer", True),
        ({"playbooks": ["Other"]}, "p2", "timer", False),
        ({"account": "contoso"}, "p2", "timer", True),
        ({"account": "fabrikam"}, "p2", "timer", False),
        ({"where": "contains(run.error, 'Never')"}, "p2", "timer", True),
        ({"where": "failed[?step == 'tell']"}, "p2", "timer", False),
        ({"where": "run > `1`"}, "p2", "timer", False),
    ],
)
def test_a_failed_run_starts_what_is_there_for_it_and_never_in_a_circle(
    values: dict[str, Any], playbook: str, trigger: str, started: bool
) -> None:
    declared = ErrorTrigger.model_validate({"type": "error"} | values)
    found = match(declared, playbook, "contoso", SEEN | {"trigger": {"type": trigger}})
    assert found.matched is started
    assert found.reason
