from ringfence.playbooks.checks.base import example
from ringfence.playbooks.difference import Change, Kind, compare
from ringfence.playbooks.document import read
from ringfence.playbooks.model import Playbook

STEPS = """\
look: {action: defender.get_machine, with: {machine: abc}}
tell: {action: notify.send, after: look, with: {to: soc, text: '${steps.look.id}'}}
wait: {action: logic.delay, after: [look, tell], with: {duration: 5 s}}
"""


def _read(text: str) -> Playbook:
    found = read(text).playbook
    assert found is not None
    return found


def _changes(before: str, after: str) -> list[str]:
    return [each.sentence for each in compare(_read(before), _read(after))]


def test_comments_quotes_and_order_make_no_difference() -> None:
    moved = "\n".join(sorted(STEPS.splitlines(), reverse=True))
    after = "# Reviewed.\n" + example(moved.replace("machine: abc", "machine: 'abc'")).replace(
        "[look, tell]", "[tell, look]"
    )
    assert _changes(example(STEPS), after) == []


def test_a_new_playbook_is_all_new() -> None:
    assert [each.kind for each in compare(None, _read(example(STEPS)))] == [Kind.ADDED] * 3


def test_each_kind_of_change_is_said_with_what_was_and_what_is() -> None:
    after = example(
        STEPS.replace("5 s", "10 s").replace("after: look,", "after: look.error, on_error: wait,")
        + "more: {action: logic.set, after: wait, with: {values: {}}}",
        trigger="{type: manual, on: alert}",
        name="Other",
        extra="log_level: debug\n",
    )
    assert _changes(example(STEPS), after) == [
        "Playbook: name was Example, is Other.",
        "Playbook: log_level is set to debug.",
        'Trigger: on is set to ["alert"].',
        'Step tell: after was ["look"], is ["look.error"].',
        "Step tell: on_error is set to wait.",
        "Step wait: with.duration was 5 s, is 10 s.",
        "Step more is new: logic.set, after wait.",
    ]
    assert _changes(after, example(STEPS))[-1] == "Step more is gone: logic.set, after wait."
    assert "Trigger: on is no longer" in "".join(_changes(after, example(STEPS)))


def test_a_step_that_was_renamed_is_one_change_wherever_it_is_named() -> None:
    after = STEPS.replace("look:", "machine:").replace("look", "machine")
    assert _changes(example(STEPS), example(after)) == ["Step look is now called machine."]
    both = after.replace("soc", "tier-2")
    assert _changes(example(STEPS), example(both)) == [
        "Step look is now called machine.",
        "Step tell: with.to was soc, is tier-2.",
    ]


def test_a_move_in_the_designer_is_one_change_and_long_values_are_cut() -> None:
    moved = example(STEPS, extra="layout: {look: [1, 2]}\n")
    assert _changes(example(STEPS), moved) == ["Positions in the designer have moved."]
    (change,) = compare(_read(example(STEPS)), _read(example(STEPS.replace("abc", "x" * 500))))
    assert isinstance(change, Change)
    assert len(change.sentence) < 200
    assert change.to_json()["after"] == "x" * 500
