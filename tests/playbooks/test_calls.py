from ringfence.actions.catalogue import discover
from ringfence.playbooks.calls import called, calls, reached
from ringfence.playbooks.checks.base import example
from ringfence.playbooks.document import read
from ringfence.playbooks.installation import Called
from ringfence.playbooks.model import Playbook


def _playbook(steps: str) -> Playbook:
    found = read(example(steps)).playbook
    assert found is not None
    return found


def test_what_is_called_is_known_where_it_is_written_out() -> None:
    playbook = _playbook(
        "one: {action: playbook.call, with: {component: Look up, version: '1.2'}}\n"
        "two: {action: playbook.call, with: {component: '${trigger.input.name}'}}\n"
        "three: {action: logic.set, with: {values: {}}}"
    )
    assert list(calls(playbook)) == [("Look up", "1.2")]
    assert called(playbook.steps["three"]) is None


def test_components_that_call_each_other_in_a_circle_come_to_an_end() -> None:
    wanted: Called = ("Look up", "")
    playbook = _playbook("one: {action: playbook.call, with: {component: Look up}}")
    component = _playbook(
        "a: {action: playbook.call, with: {component: Look up}}\nb: {action: logic.delay, with: {duration: 1 s}}"
    )
    found = [(step, action.id) for step, action in reached(playbook, {wanted: component}, discover())]
    assert ("one", "logic.delay") in found
