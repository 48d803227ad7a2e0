from typing import Any

from ringfence.actions.catalogue import discover
from ringfence.playbooks.checks.base import example
from ringfence.playbooks.components import compile_whole
from ringfence.playbooks.document import read
from ringfence.playbooks.proof import Sight, StepProof
from ringfence.proving.play import Hold, Played
from ringfence.proving.scenes import Scene
from ringfence.proving.verdict import better, judge

STEPS = """\
cut: {action: containment.contain, with: {machine: x, reason: y}, if: "`true`"}
free: {after: cut, action: containment.release, with: {machine: x, reason: y}}"""
_FOUND = read(example(STEPS)).playbook
assert _FOUND is not None
PLAN = compile_whole(_FOUND, discover(), {})
SEEN = (Sight(after=0.0, what="contained"),)
BOTH = {"unisolate_machine": ["m"]}


def hold(**values: Any) -> Hold:
    given: dict[str, Any] = {"id": "c", "step": "cut", "machine": "wks-001", "state": "released", "detail": "Done."}
    return Hold(**{**given, "confirmed": 10.0, "released": 30.0, "seen": SEEN, **values})


def verdict(
    steps: dict[str, tuple[str, str | None, str]], *holds: Hold, out: dict[str, list[str]] | None = None
) -> StepProof:
    played = Played(Scene("one", None), steps, holds, ("Noted.",), BOTH if out is None else out)
    return judge("cut", "containment.contain", "containment.release", PLAN, played)


DONE = ("succeeded", "success", "")


def test_a_release_is_proven_by_the_step_or_the_timer_that_let_go() -> None:
    by_step = verdict({"cut": DONE, "free": DONE}, hold())
    assert (by_step.proven, by_step.by, by_step.seen, by_step.notes) == (True, "step", SEEN, ("Noted.",))
    assert verdict({"cut": DONE, "free": ("skipped", None, "")}, hold()).by == "timer"


def test_whatever_is_missing_is_said() -> None:
    for found, said in (
        (verdict({"cut": DONE}, hold(released=None)), "never let go"),
        (verdict({"cut": DONE}, hold(), out={}), "never let go"),
        (
            verdict({"cut": ("succeeded", "denied", "")}, hold(confirmed=None, state="denied", detail="Protected.")),
            "Protected",
        ),
        (verdict({"cut": ("failed", None, "No such machine.")}), "No such machine"),
        (verdict({"cut": ("skipped", None, "")}), "`if` did not hold"),
        (verdict({"free": ("failed", None, "Away.")}), "free failed: Away."),
        (verdict({"cut": ("succeeded", "not_needed", "")}), "ended in not_needed"),
    ):
        assert not found.proven
        assert said in found.why, found.why
        assert found.advice


def test_of_two_scenes_the_one_that_says_more_counts() -> None:
    good, seen = verdict({"cut": DONE}, hold()), verdict({"cut": DONE}, hold(released=None))
    nothing = verdict({})
    assert better(None, nothing) is nothing
    assert better(seen, nothing) is seen
    assert better(nothing, seen) is seen
    assert better(seen, good) is good
    assert better(good, seen) is good
