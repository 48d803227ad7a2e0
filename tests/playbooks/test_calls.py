from ringfence.actions.catalogue import discover
from ringfence.playbooks.calls import called, calls, masked, reached
from ringfence.playbooks.checks.base import example
from ringfence.playbooks.document import read
from ringfence.playbooks.installation import Called
from ringfence.playbooks.masks import Masks
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


def test_masks_are_known_as_deep_as_components_go_and_no_deeper() -> None:
    wanted: Called = ("Look up", "1.0")
    call = "action: playbook.call, with: {component: Look up, version: '1.0'}"
    playbook = _playbook(f"one: {{{call}}}\ntwo: {{action: logic.delay, with: {{duration: 1 s}}, mask: [input]}}")
    component = _playbook(f"a: {{action: logic.set, with: {{values: {{}}}}, mask: [password]}}\nb: {{{call}}}")
    found = masked(playbook, {wanted: component})
    assert found["two"] == Masks.of(["input"])
    assert found["one/a"] == found["one/b/a"] == Masks.of(["password"])
    assert max(name.count("/") for name in found) == 5
    assert masked(playbook, {}) == {"two": Masks.of(["input"])}
