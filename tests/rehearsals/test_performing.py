from typing import cast

from rehearsing import NOW, Flaky, Player, Reader, small, walked
from ringfence.actions import DefenderPort
from ringfence.playbooks.mocks import Mock
from ringfence.rehearsals.performing import unfit
from ringfence.rehearsals.report import Report
from ringfence.rehearsals.scene import Doors, rehearsed
from ringfence.rehearsals.walk import walk


async def test_a_wait_beyond_the_steps_time_fails_it() -> None:
    report = await walked(small("one: {action: logic.delay, with: {duration: 2 h}, timeout: 1 h}"))
    assert (report.status, report.error) == ("failed", "one: The step did not end within 3600 s.")


async def test_a_pinned_step_ends_as_it_is_pinned_to_unless_its_inputs_do_not_fit() -> None:
    piece = small(
        "tell: {action: notify.send, with: {to: soc, text: x}, on_error: mend}\n"
        "mend: {action: logic.set, with: {values: {}}}\n"
    )
    failed = await walked(piece, Player(tell=Mock(error="Away.")))
    assert {each.step: each.end for each in failed.steps} == {"tell": "error", "mend": "success"}
    assert failed.status != "failed"
    unusable = small('tell: {action: notify.send, with: {to: soc, text: "${trigger.never}"}}')
    report = await walked(unusable, Player(tell=Mock(output={"channels": 1})))
    assert "The inputs of notify.send do not fit: text: " in report.error


def test_inputs_that_are_missing_or_of_a_wrong_kind_do_not_fit() -> None:
    action = small("one: {action: notify.send, with: {to: soc, text: x}}").actions["one"]
    assert unfit(action, {"to": "soc", "text": "x", "title": None}) == ""
    assert unfit(action, {"to": "soc"}).endswith("text: it is missing.")
    assert "text" in unfit(action, {"to": "soc", "text": 5})


async def _read_with(door: Flaky, more: str) -> Report:
    piece = small(f"one: {{action: defender.get_machine, with: {{machine: {'a' * 40}}}{more}}}")
    run = rehearsed(piece.plan.name, {"type": "manual"}, now=NOW)
    return await walk(piece, run, Reader(), Doors(defender=cast(DefenderPort, door)))


async def test_a_pinned_error_that_may_pass_is_tried_again_as_the_retry_says() -> None:
    busy = {"error": "Busy.", "code": "Throttled"}
    for more, mock, status, attempts in (
        ("attempts: 3, backoff: 10 s", {**busy, "times": 2, "output": {"channels": 1}}, "succeeded", 3),
        ("attempts: 3, errors: [throttled]", {**busy, "times": 1}, "succeeded", 2),
        ("attempts: 2", {**busy, "times": 2}, "failed", 2),
        ("attempts: 3", busy, "failed", 3),
        ("attempts: 3, errors: [timeout]", busy, "failed", 1),
        ("attempts: 3", {**busy, "permanent": True}, "failed", 1),
        ("attempts: 3", {"error": "Busy."}, "failed", 1),
        ("attempts: 3, backoff: 2 h", {**busy, "times": 1}, "failed", 1),
    ):
        step = f"tell: {{action: notify.send, with: {{to: soc, text: x}}, timeout: 1 h, retry: {{{more}}}}}"
        report = await walked(small(step), Player(tell=Mock.model_validate(mock)))
        assert (report.status, report.steps[0].attempts) == (status, attempts), (more, mock)


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
