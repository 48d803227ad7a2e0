from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pytest

from rehearsing import small
from ringfence.containment.explaining import Explanation
from ringfence.containment.policy import Guard, Policy, Responses
from ringfence.containment.verdict import Facts, Outcome
from ringfence.errors import Unavailable
from ringfence.playbooks.model import Effect
from ringfence.rehearsals.describing import Describer, Judge
from ringfence.rehearsals.performing import Ended, Turn, carry_out
from ringfence.rehearsals.report import How, StepReport
from ringfence.rehearsals.scene import rehearsed
from ringfence.rehearsals.walk import walk

MACHINE = "a" * 40
FACTS = Facts(MACHINE, "ws-1", (), "Windows11", "Onboarded", "Active", None, False, None, 0, unseen_seconds=1.0)


def _said(outcome: Outcome, **more: Any) -> Explanation:
    values: dict[str, Any] = {
        "target": MACHINE,
        "machine_id": MACHINE,
        "machine_name": "ws-1",
        "device_group": None,
        "outcome": outcome,
        "reasons": ("Because.",),
        "facts": asdict(FACTS),
        "candidates": (),
        "approvers": (),
        "needed": 0,
        "policy_version": "default",
        "overruled": (),
        "held_by": None,
        "at": "",
    }
    return Explanation(**{**values, **more})


def _judging(found: Explanation) -> Judge:
    async def judge(target: str) -> Explanation:
        return found

    return judge


class _Player:
    def __init__(self, describer: Describer, assumed: str | None = None) -> None:
        self._describer, self._assumed = describer, assumed

    async def perform(self, turn: Turn) -> Ended:
        if turn.action.effect is Effect.PURE:
            return await carry_out(turn, How.COMPUTED)
        return await self._describer.describe(turn, self._assumed)


async def _steps(steps: str, describer: Describer, assumed: str | None = None) -> dict[str, StepReport]:
    piece = small(steps)
    run = rehearsed("Small", {"type": "manual"}, now=datetime(2026, 1, 1, tzinfo=UTC))
    report = await walk(piece, run, _Player(describer, assumed))
    return {each.step: each for each in report.steps}


CONTAIN = f"one: {{action: containment.contain, with: {{machine: {MACHINE}, reason: x, auto_release: 24 h}}}}\n"
RELEASE = "two: {action: containment.release, after: one, with: {machine: %s, reason: x}}\n"


@pytest.mark.parametrize(
    ("found", "end", "said"),
    [
        (_said(Outcome.ALLOWED), "success", "Policy allows it: Because."),
        (_said(Outcome.ASK), "success", "Policy asks people first: Because."),
        (_said(Outcome.DENIED), "denied", "Policy denies it: Because."),
        (_said(Outcome.NOT_NEEDED), "not_needed", "Policy finds it not needed: Because."),
        (_said(Outcome.DENIED, held_by="c1"), "success", "Ringfence holds this host already (containment c1)"),
    ],
)
async def test_a_containment_is_told_with_what_policy_says_and_ends_so(found: Explanation, end: str, said: str) -> None:
    step = (await _steps(CONTAIN, Describer(_judging(found))))["one"]
    assert (step.how, step.end) == (How.DESCRIBED, end)
    assert step.said[0] == "Would isolate ws-1, Full, and let it go after 24 h."
    assert any(said in each for each in step.said)
    assert step.verdict is not None
    assert isinstance(step.output, dict)
    assert step.output["machine_id"] == MACHINE


async def test_a_release_lets_go_of_what_the_same_run_would_have_contained_and_of_nothing_else() -> None:
    describer = Describer(_judging(_said(Outcome.ALLOWED)))
    assert (await _steps(CONTAIN + RELEASE % "ws-1", describer))["two"].end == "success"
    assert (await _steps(CONTAIN + RELEASE % "ws-2", describer))["two"].end == "not_owned"


async def test_without_an_account_policy_is_not_asked_and_that_is_said() -> None:
    step = (await _steps(CONTAIN, Describer(None)))["one"]
    assert step.said == (f"Would isolate {MACHINE}.", "Policy was not asked.")


async def test_where_defender_cannot_be_asked_the_rehearsal_goes_on_and_says_so() -> None:
    async def away(target: str) -> Explanation:
        raise Unavailable("Defender is away.")

    step = (await _steps(CONTAIN, Describer(away)))["one"]
    assert step.said[-1] == "Policy could not be asked: Defender is away."


@pytest.mark.parametrize(
    ("guard", "end", "said"),
    [
        (Guard.ALLOW, "success", "allows it"),
        (Guard.REFUSE, "denied", "denies it"),
        (Guard.ASK, "success", "asks people"),
    ],
)
async def test_a_response_is_told_with_the_line_of_policy_that_speaks_of_it(guard: Guard, end: str, said: str) -> None:
    async def policy(device_group: str | None) -> Policy:
        return Policy(responses=Responses(restrict=guard))

    steps = f"one: {{action: defender.restrict_code_execution, with: {{machine: {MACHINE}, comment: x}}}}"
    step = (await _steps(steps, Describer(_judging(_said(Outcome.ALLOWED)), policy)))["one"]
    assert step.end == end
    assert said in step.said[1]


async def test_a_question_is_told_and_taken_for_a_yes_unless_something_else_is_assumed() -> None:
    steps = "one: {action: logic.approval, with: {of: [tier-2, adele], question: Go on?, timeout: 15 min}}"
    step = (await _steps(steps, Describer(None)))["one"]
    assert (step.end, step.said[0]) == ("approved", "Would ask tier-2, adele, for 15 min: Go on?")
    assert (await _steps(steps, Describer(None), "rejected"))["one"].end == "rejected"


async def test_inputs_that_do_not_fit_fail_as_they_would_in_a_run() -> None:
    steps = 'one: {action: notify.send, with: {to: soc, text: "${trigger.never}"}}'
    step = (await _steps(steps, Describer(None)))["one"]
    assert step.status == "failed"
    assert "text" in step.error


async def test_inputs_that_hang_on_a_step_that_was_only_described_are_let_pass() -> None:
    steps = (
        "one: {action: notify.send, with: {to: soc, text: x}}\n"
        'two: {action: notify.send, after: one, with: {to: soc, text: "${steps.one.text}"}}\n'
    )
    assert (await _steps(steps, Describer(None)))["two"].status == "succeeded"
