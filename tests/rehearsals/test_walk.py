from typing import cast

from rehearsing import CATALOGUE, NOW, Flaky, Player, Reader, small, walked
from ringfence.actions import DefenderPort
from ringfence.playbooks.document import read
from ringfence.rehearsals.piece import Piece
from ringfence.rehearsals.report import How, Report
from ringfence.rehearsals.scene import Doors, rehearsed
from ringfence.rehearsals.walk import walk


def _ends(report: Report) -> dict[str, str]:
    return {each.step: each.end for each in report.steps}


async def test_waits_pass_at_once_and_move_the_time_of_what_follows() -> None:
    piece = small(
        "first: {action: logic.delay, with: {duration: 2 h}}\n"
        "beside: {action: logic.delay, with: {duration: 1 h}}\n"
        "after: {action: logic.set, with: {values: {}}, after: [first, beside]}\n"
    )
    player = Player()
    report = await walked(piece, player)
    times = {turn.planned.name: turn.scene.moment.hour for turn in player.turns}
    assert times == {"first": 10, "beside": 9, "after": 10}
    assert report.steps[0].said[0] == "It would wait until 2026-01-01 10:00:00 UTC."


async def test_a_condition_that_does_not_hold_skips_and_one_that_cannot_be_worked_out_fails() -> None:
    piece = small(
        "one: {action: logic.set, with: {values: {}}, if: trigger.never}\n"
        "two: {action: logic.set, with: {values: {}}, after: one}\n"
        'three: {action: logic.set, with: {values: {a: "${length(trigger.never)}"}}}\n'
        "four: {action: logic.set, with: {values: {}}, after: three.error}\n"
    )
    report = await walked(piece)
    assert _ends(report) == {"one": "skipped", "two": "skipped", "three": "error", "four": "success"}
    assert report.every("three")[0].how is How.IMPOSSIBLE


async def test_what_looks_at_a_step_that_was_only_described_says_so_and_so_does_what_follows() -> None:
    piece = small(
        "tell: {action: notify.send, with: {to: soc, text: x}}\n"
        'look: {action: logic.set, after: tell, with: {values: {a: "${steps.tell.channels}"}}}\n'
        "again: {action: logic.condition, after: look, with: {test: steps.look.a}}\n"
        "free: {action: logic.set, after: tell, with: {values: {}}}\n"
    )
    report = await walked(piece)
    assert {each.step: each.unsure for each in report.steps} == {
        "tell": (),
        "look": ("tell",),
        "again": ("look",),
        "free": (),
    }


async def test_a_loop_goes_over_its_items_and_gives_what_a_run_would_give() -> None:
    piece = small(
        'each: {action: logic.set, with: {values: {n: "${item}"}}, for_each: [1, 2], parallel: 2}\n'
        'tell: {action: notify.send, after: each.each, with: {to: soc, text: "${item}"}}\n'
        'sum: {action: logic.set, after: each.done, with: {values: {all: "${steps.each.results[].n}"}}}\n'
    )
    report = await walked(piece)
    shown = [(each.step, each.iteration, each.end) for each in report.steps]
    assert ("each", 0, "done") in shown
    assert ("tell", 2, "success") in shown
    assert report.every("sum")[0].output == {"all": [1, 2]}


async def test_a_loop_over_no_list_fails() -> None:
    report = await walked(small('one: {action: logic.set, with: {values: {}}, for_each: "${trigger.never}"}'))
    assert "`for_each` gives null" in report.error


async def test_a_step_that_stops_the_run_decides_how_it_ends() -> None:
    piece = small(
        "one: {action: logic.stop, with: {status: cancelled, reason: Enough}}\n"
        "two: {action: notify.send, with: {to: soc, text: x}, after: one.error}\n"
    )
    assert (await walked(piece)).status == "cancelled"


async def test_nothing_begins_when_the_time_of_the_run_is_over() -> None:
    steps = (
        "wait: {action: logic.delay, with: {duration: 50 min}}\n"
        "again: {action: logic.delay, with: {duration: 20 min}, after: wait}\n"
        "never: {action: logic.set, with: {values: {}}, after: again.error}\n"
        "end: {action: logic.set, with: {values: {}}, after: wait}"
    )
    report = await walked(small(steps, "timeout: 1 h\n"))
    ends = {each.step: (each.end, each.error) for each in report.steps}
    assert ends["again"] == ("error", "The step did not end before the time of the run was over.")
    assert (ends["end"][0], report.status) == ("success", "partly_failed")
    late = await walked(small(steps, "timeout: 40 min\n"))
    assert late.status == "failed"
    over = await walked(small(steps.replace("50 min", "1 h"), "timeout: 1 h\n"))
    assert over.error.startswith("The run did not end within 3600 s. Not begun: ")
    assert {each.step for each in over.steps if each.error} == {"again", "end"}


INNER = """\
ringfence: 1
kind: component
name: Judge
outputs: {risk: {value: "${steps.look.id}", type: string}}
steps:
  look: {action: defender.get_machine, with: {machine: %s}}
  wait: {action: logic.delay, after: look, with: {duration: 20 min}}
"""


async def _called(door: Flaky, more: str) -> Report:
    component = read(INNER % ("a" * 40)).playbook
    assert component is not None, read(INNER).problems
    caller = small(f'judge: {{action: playbook.call, with: {{component: Judge, version: "1.0"}}{more}}}').playbook
    piece = Piece.of(caller, CATALOGUE, {("Judge", "1.0"): component})
    run = rehearsed(piece.plan.name, {"type": "manual"}, now=NOW)
    return await walk(piece, run, Reader(), Doors(defender=cast(DefenderPort, door)))


async def test_a_call_is_tried_again_with_all_its_steps_as_long_as_its_time_lasts() -> None:
    report = await _called(Flaky(2), ", retry: {attempts: 3, backoff: 10 s}, timeout: 30 min")
    assert [(each.step, each.round, each.end) for each in report.steps] == [
        ("judge", "", "success"),
        *(
            (name, f"try {number}", end)
            for number in (1, 2)
            for name, end in (
                ("judge/(inputs)", "success"),
                ("judge/look", "error"),
                ("judge/wait", "skipped"),
                ("judge", "error"),
            )
        ),
        *((name, "try 3", "success") for name in ("judge/(inputs)", "judge/look", "judge/wait", "judge")),
    ]
    assert report.steps[0].said == tuple(f"look: Defender is busy. It would try again in {n} s." for n in (10, 20))
    assert report.steps[0].output == {"risk": "a"}
    tired = await _called(Flaky(2), ", retry: {attempts: 2, backoff: 10 s}")
    assert (tired.status, tired.error) == ("failed", "judge: look: Defender is busy.")
    late = await _called(Flaky(1), ", retry: {attempts: 2, backoff: 15 min}, timeout: 30 min")
    assert (late.status, late.steps[0].error) == (
        "failed",
        "wait: The step did not end before the time of the call was over.",
    )


async def test_loops_in_components_that_are_called_in_a_loop_are_walked_through() -> None:
    component = read(
        "ringfence: 1\nkind: component\nname: Many\ninputs: {of: {type: list}}\n"
        "outputs: {count: {type: number, value: '${steps.each.count}'}}\n"
        "steps:\n  each: {action: logic.set, for_each: '${inputs.of}', with: {values: {n: '${item}'}}}\n"
    ).playbook
    assert component is not None
    call = "{component: Many, version: '1.0', inputs: {of: '${item}'}}"
    caller = small(f"all: {{action: playbook.call, for_each: [[1, 2], [3]], with: {call}}}").playbook
    report = await walked(Piece.of(caller, CATALOGUE, {("Many", "1.0"): component}))
    assert report.steps[0].output == {"count": 2, "results": [{"count": 2}, {"count": 1}], "failed": []}
    each = [(step.round, step.output) for step in report.every("all/each") if "," in step.round]
    assert each == [("1, 1", {"n": 1}), ("1, 2", {"n": 2}), ("2, 1", {"n": 3})]
