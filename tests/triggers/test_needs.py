import pytest

from ringfence.playbooks.document import read
from ringfence.triggers.needs import missing, needs


def needed(trigger: str, step: str = "{action: logic.set, with: {values: {}}}") -> frozenset[str]:
    playbook = read(f"ringfence: 1\nname: Look\ntrigger: {trigger}\nsteps: {{look: {step}}}\n").playbook
    assert playbook is not None
    return needs(playbook)


@pytest.mark.parametrize(
    ("trigger", "step", "expected"),
    [
        ("{type: defender.alert}", "{action: logic.set}", set()),
        ("{type: defender.alert, where: \"alert.machineId != ''\"}", "{action: logic.set}", {"machine"}),
        ("{type: defender.alert, run_per: machine}", "{action: logic.set}", set()),
        ("{type: defender.alert}", '{action: x, with: {a: ["${trigger.alert.computerDnsName}"]}}', {"machine"}),
        ("{type: defender.alert}", '{action: x, if: "trigger.alert.evidence[0]"}', {"evidence"}),
        ("{type: defender.alert, where: 'alert.evidence && alert.machineId'}", "{action: x}", {"evidence", "machine"}),
        ("{type: defender.alert, where: 'alert.evidences'}", "{action: x}", set()),
        ("{type: manual}", '{action: x, with: {machine: "${trigger.input.machineId}"}}', {"machine"}),
    ],
)
def test_a_playbook_needs_what_it_names(trigger: str, step: str, expected: set[str]) -> None:
    assert needed(trigger, step) == expected


def test_what_is_empty_is_missing() -> None:
    both = frozenset({"machine", "evidence"})
    assert missing(both, {"machineId": None, "evidence": []}) == ["evidence", "machine"]
    assert missing(both, {"machineId": "m", "evidence": [{}]}) == []
    assert missing(frozenset(), {}) == []
