import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from rehearsing import ALERT, CONTAIN, piece, small
from ringfence.rehearsals.piece import Piece
from ringfence.rehearsals.reaching import Reached, containing, reach
from ringfence.rehearsals.scene import rehearsed

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CUT = "cut: {action: containment.contain, after: %s, with: {machine: '%s', reason: x}}\n"


def _reach(made: Piece, goal: str = "cut") -> Reached | None:
    run = rehearsed(made.plan.name, {"type": "manual"}, now=NOON, alert=ALERT)
    found = asyncio.run(reach(made, run, goal))
    return found[0] if found else None


def test_what_only_a_run_would_know_is_taken_for_what_leads_there_and_said() -> None:
    made = piece(CONTAIN)
    assert containing(made.plan) == ("isolate",)
    found = _reach(made, "isolate")
    assert found is not None
    assert (found.machine, found.inputs["auto_release"]) == ("a" * 40, "24 h")
    assert found.conditions == ("risky is yes", "ask is approved")


def test_what_the_alert_alone_decides_is_decided() -> None:
    steps = "check: {action: logic.condition, with: {test: \"trigger.alert.severity == '%s'\"}}\n"
    assert _reach(small(steps % "Low" + CUT % ("check.yes", "x"))) is None
    found = _reach(small(steps % "High" + CUT % ("check.yes", "${trigger.alert.machineId}")))
    assert found is not None
    assert (found.machine, found.conditions) == ("a" * 40, ())


def test_waits_count() -> None:
    found = _reach(small("pause: {action: logic.delay, with: {duration: 2 h}}\n" + CUT % ("pause", "x")))
    assert found is not None
    assert found.at == NOON + timedelta(hours=2)


@pytest.mark.parametrize(
    ("steps", "machine", "conditions"),
    [
        # The host comes from what a step would have read.
        ("m: {action: defender.get_machine, with: {machine: x}}\n" + CUT % ("m", "${steps.m.id}"), None, ()),
        # By an error edge.
        ("m: {action: defender.get_machine, with: {machine: x}}\n" + CUT % ("m.error", "x"), "x", ("m fails",)),
        # By a condition of the step itself that looks at what is not known.
        (
            "m: {action: defender.get_machine, with: {machine: x}}\n"
            "cut: {action: containment.contain, after: m, if: steps.m.a, with: {machine: x, reason: x}}\n",
            "x",
            ("the condition of cut holds",),
        ),
        # What could not be worked out because it looks at what is not known stands in no way.
        (
            "m: {action: defender.get_machine, with: {machine: x}}\n"
            "n: {action: logic.set, after: m, with: {values: {a: '${length(steps.m.tags)}'}}}\n" + CUT % ("n", "x"),
            "x",
            (),
        ),
        # In a loop over what is not known.
        (
            "q: {action: defender.get_machine, with: {machine: x}}\n"
            "each: {action: logic.set, for_each: '${steps.q.items}', after: q, with: {values: {}}}\n"
            + CUT
            % ("each.each", "${item}"),
            None,
            (),
        ),
    ],
)
def test_the_unknown_never_stands_in_the_way(steps: str, machine: str | None, conditions: tuple[str, ...]) -> None:
    found = _reach(small(steps))
    assert found is not None
    assert (found.machine, found.conditions) == (machine, conditions)


def test_in_a_loop_over_what_is_known_every_host_is_found() -> None:
    made = small("cut: {action: containment.contain, for_each: [one, two], with: {machine: '${item}', reason: x}}\n")
    assert containing(made.plan) == ("cut",)
    found = asyncio.run(reach(made, rehearsed("Small", {"type": "manual"}, now=NOON), "cut"))
    assert [each.machine for each in found] == ["one", "two"]


def test_a_pinned_step_is_known() -> None:
    steps = "m: {action: defender.get_machine, with: {machine: x}, mock: {output: {id: abc}}}\n"
    found = _reach(small(steps + CUT % ("m", "${steps.m.id}")))
    assert found is not None
    assert found.machine == "abc"
