from datetime import UTC, datetime
from typing import Any, cast

from rehearsing import CATALOGUE, small
from ringfence.actions import ActionError, DefenderPort
from ringfence.playbooks.document import read
from ringfence.playbooks.mocks import Mock
from ringfence.playbooks.model import Effect
from ringfence.rehearsals.report import How, Report
from ringfence.rehearsals.scene import Doors, rehearsed
from ringfence.rehearsals.walk import Ended, Piece, Turn, carry_out, pinned, unfit, walk

NOW = datetime(2026, 1, 1, 8, tzinfo=UTC)


class Player:
    """Carries out what computes, and describes the rest."""

    def __init__(self, **mocks: Mock) -> None:
        self._mocks = mocks
        self.turns: list[Turn] = []

    async def perform(self, turn: Turn) -> Ended:
        self.turns.append(turn)
        if (mock := self._mocks.get(turn.planned.name)) is not None:
            return pinned(turn, mock)
        if turn.action.effect is Effect.PURE:
            return await carry_out(turn, How.COMPUTED)
        return Ended(How.DESCRIBED, turn.action.outcomes[0])


async def _walk(piece: Piece, player: Player | None = None) -> Report:
    return await walk(piece, rehearsed(piece.plan.name, {"type": "manual"}, now=NOW), player or Player())


def _ends(report: Report) -> dict[str, str]:
    return {each.step: each.end for each in report.steps}


async def test_waits_pass_at_once_and_move_the_time_of_what_follows() -> None:
    piece = small(
        "first: {action: logic.delay, with: {duration: 2 h}}\n"
        "beside: {action: logic.delay, with: {duration: 1 h}}\n"
        "after: {action: logic.set, with: {values: {}}, after: [first, beside]}\n"
    )
    player = Player()
    report = await _walk(piece, player)
    times = {turn.planned.name: turn.scene.moment.hour for turn in player.turns}
    assert times == {"first": 10, "beside": 9, "after": 10}
    assert report.steps[0].said[0] == "It would wait until 2026-01-01 10:00:00 UTC."


async def test_a_wait_beyond_the_steps_time_fails_it() -> None:
    report = await _walk(small("one: {action: logic.delay, with: {duration: 2 h}, timeout: 1 h}"))
    assert (report.status, report.error) == ("failed", "one: The step did not end within 3600 s.")


async def test_a_condition_that_does_not_hold_skips_and_one_that_cannot_be_worked_out_fails() -> None:
    piece = small(
        "one: {action: logic.set, with: {values: {}}, if: trigger.never}\n"
        "two: {action: logic.set, with: {values: {}}, after: one}\n"
        'three: {action: logic.set, with: {values: {a: "${length(trigger.never)}"}}}\n'
        "four: {action: logic.set, with: {values: {}}, after: three.error}\n"
    )
    report = await _walk(piece)
    assert _ends(report) == {"one": "skipped", "two": "skipped", "three": "error", "four": "success"}
    assert report.every("three")[0].how is How.IMPOSSIBLE


async def test_what_looks_at_a_step_that_was_only_described_says_so_and_so_does_what_follows() -> None:
    piece = small(
        "tell: {action: notify.send, with: {to: soc, text: x}}\n"
        'look: {action: logic.set, after: tell, with: {values: {a: "${steps.tell.channels}"}}}\n'
        "again: {action: logic.condition, after: look, with: {test: steps.look.a}}\n"
        "free: {action: logic.set, after: tell, with: {values: {}}}\n"
    )
    report = await _walk(piece)
    assert {each.step: each.unsure for each in report.steps} == {
        "tell": (),
        "look": ("tell",),
        "again": ("look",),
        "free": (),
    }


async def test_a_pinned_step_ends_as_it_is_pinned_to_unless_its_inputs_do_not_fit() -> None:
    piece = small(
        "tell: {action: notify.send, with: {to: soc, text: x}, on_error: mend}\n"
        "mend: {action: logic.set, with: {values: {}}}\n"
    )
    failed = await _walk(piece, Player(tell=Mock(error="Away.")))
    assert _ends(failed) == {"tell": "error", "mend": "success"}
    assert failed.status != "failed"
    unusable = small('tell: {action: notify.send, with: {to: soc, text: "${trigger.never}"}}')
    report = await _walk(unusable, Player(tell=Mock(output={"channels": 1})))
    assert "The inputs of notify.send do not fit: text: " in report.error


async def test_a_loop_goes_over_its_items_and_gives_what_a_run_would_give() -> None:
    piece = small(
        'each: {action: logic.set, with: {values: {n: "${item}"}}, for_each: [1, 2], parallel: 2}\n'
        'tell: {action: notify.send, after: each.each, with: {to: soc, text: "${item}"}}\n'
        'sum: {action: logic.set, after: each.done, with: {values: {all: "${steps.each.results[].n}"}}}\n'
    )
    report = await _walk(piece)
    shown = [(each.step, each.iteration, each.end) for each in report.steps]
    assert ("each", 0, "done") in shown
    assert ("tell", 2, "success") in shown
    assert report.every("sum")[0].output == {"all": [1, 2]}


async def test_a_loop_over_no_list_fails() -> None:
    report = await _walk(small('one: {action: logic.set, with: {values: {}}, for_each: "${trigger.never}"}'))
    assert "`for_each` gives null" in report.error


async def test_a_step_that_stops_the_run_decides_how_it_ends() -> None:
    piece = small(
        "one: {action: logic.stop, with: {status: cancelled, reason: Enough}}\n"
        "two: {action: notify.send, with: {to: soc, text: x}, after: one.error}\n"
    )
    assert (await _walk(piece)).status == "cancelled"


def test_inputs_that_are_missing_or_of_a_wrong_kind_do_not_fit() -> None:
    action = small("one: {action: notify.send, with: {to: soc, text: x}}").actions["one"]
    assert unfit(action, {"to": "soc", "text": "x", "title": None}) == ""
    assert unfit(action, {"to": "soc"}).endswith("text: it is missing.")
    assert "text" in unfit(action, {"to": "soc", "text": 5})


COMPONENT = """\
ringfence: 1
kind: component
name: Judge
inputs: {machine: {type: string, required: true}}
outputs: {risk: {value: "${steps.look.riskScore}", type: string}}
steps:
  look: {action: defender.get_machine, with: {machine: "${inputs.machine}"}}
"""
CALL = (
    'judge: {action: playbook.call, with: {component: Judge, version: "1.0", inputs: {machine: abc}}}\n'
    'after: {action: logic.set, after: judge, with: {values: {risk: "${steps.judge.risk}"}}}\n'
)


async def test_a_component_is_gone_into_where_it_is_at_hand_and_pinned_as_a_whole_otherwise() -> None:
    component = read(COMPONENT).playbook
    assert component is not None, read(COMPONENT).problems
    caller = small(CALL).playbook
    inside = Piece.of(caller, CATALOGUE, {("Judge", "1.0"): component})
    report = await _walk(inside, Player(**{"judge/look": Mock(output={"riskScore": "High"})}))
    assert report.every("after")[0].output == {"risk": "High"}
    assert report.every("judge/look")[0].input == {"machine": "abc"}
    whole = inside.pinned({"judge": Mock(output={"risk": "Low"})})
    report = await _walk(whole, Player(**whole.mocks))
    assert [each.step for each in report.steps] == ["judge", "after"]
    assert report.every("after")[0].output == {"risk": "Low"}


class Flaky:
    """A door to Defender behind which a call fails so often, then succeeds."""

    def __init__(self, failures: int, retry_after: float | None = None) -> None:
        self.left = failures
        self._retry_after = retry_after

    async def read(self, operation: str, /, **arguments: object) -> Any:
        self.left -= 1
        if self.left >= 0:
            raise ActionError("Defender is busy.", code="busy", permanent=False, retry_after=self._retry_after)
        return {"id": "a"}


class Reader(Player):
    """Carries out what only reads, too."""

    async def perform(self, turn: Turn) -> Ended:
        return await carry_out(turn, How.READ)


async def _read_with(door: Flaky, more: str) -> Report:
    piece = small(f"one: {{action: defender.get_machine, with: {{machine: {'a' * 40}}}{more}}}")
    run = rehearsed(piece.plan.name, {"type": "manual"}, now=NOW)
    return await walk(piece, run, Reader(), Doors(defender=cast(DefenderPort, door)))


async def test_a_step_is_tried_again_as_its_retry_says_and_the_pauses_pass_at_once() -> None:
    report = await _read_with(Flaky(2), ", retry: {attempts: 3, backoff: 10 s}")
    assert (report.status, report.steps[0].said[:2]) == (
        "succeeded",
        ("Defender is busy. It would try again in 10 s.", "Defender is busy. It would try again in 20 s."),
    )
    for more in ("", ", retry: {attempts: 3, backoff: 10 s, errors: [other]}", ", retry: {attempts: 2}"):
        report = await _read_with(Flaky(2), more)
        assert (report.status, report.steps[0].error) == ("failed", "Defender is busy."), more
    late = await _read_with(Flaky(2), ", timeout: 15 s, retry: {attempts: 3, backoff: 10 s}")
    assert late.steps[0].error == "Defender is busy. There is no time left to try again."
    held = await _read_with(Flaky(1, retry_after=30.0), "")
    assert (held.status, held.steps[0].said[0]) == ("succeeded", "Defender is busy. It would try again in 30 s.")


async def test_nothing_begins_when_the_time_of_the_run_is_over() -> None:
    steps = (
        "wait: {action: logic.delay, with: {duration: 50 min}}\n"
        "again: {action: logic.delay, with: {duration: 20 min}, after: wait}\n"
        "never: {action: logic.set, with: {values: {}}, after: again.error}\n"
        "end: {action: logic.set, with: {values: {}}, after: wait}"
    )
    report = await _walk(small(steps, "timeout: 1 h\n"))
    ends = {each.step: (each.end, each.error) for each in report.steps}
    assert ends["again"] == ("error", "The step did not end before the time of the run was over.")
    assert (ends["end"][0], report.status) == ("success", "partly_failed")
    late = await _walk(small(steps, "timeout: 40 min\n"))
    assert late.status == "failed"
    over = await _walk(small(steps.replace("50 min", "1 h"), "timeout: 1 h\n"))
    assert over.error.startswith("The run did not end within 3600 s. Not begun: ")
    assert {each.step for each in over.steps if each.error} == {"again", "end"}
