"""Random plans, carried by rows through random crashes, do what plain recursion over the same outcomes says."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from databases import Sqlite
from run_world import LEASE, Crash, Fragile, Stage

Steps = dict[str, dict[str, Any]]
NAMES = ("a", "b", "c", "d", "e", "f", "g")
# The last answer of each attempt decides; those before are waits.
WAITS = st.lists(st.sampled_from(["wait 0", "wait 20", "topic case:7"]), max_size=2)
TRIES = st.lists(
    st.tuples(WAITS, st.sampled_from(["ok", "yes", "no", "error", "refuse", "bug"])), min_size=1, max_size=3
)


@st.composite
def plans(draw: st.DrawFn) -> Steps:
    """Draw a playbook without cycles: each step follows earlier ones only."""
    steps: Steps = {}
    for number, name in enumerate(draw(st.permutations(NAMES))[: draw(st.integers(1, len(NAMES)))]):
        before = list(steps)
        kind = draw(st.sampled_from(["pure", "pure", "read", "write", "contain"]))
        tries = draw(TRIES)
        step: dict[str, Any] = {
            "action": f"contoso.{kind}",
            "with": {"do": [[*waits, verb] for waits, verb in tries], "value": number},
            "retry": {"attempts": draw(st.integers(1, 3)), "backoff": "7 s"},
        }
        after = draw(st.lists(st.sampled_from(before), max_size=3, unique=True)) if before else []
        outcomes = [draw(st.sampled_from(["", "", ".success", ".yes", ".no", ".error"])) for _ in after]
        if after:
            step["after"] = [f"{other}{outcome}" for other, outcome in zip(after, outcomes, strict=True)]
            step["join"] = draw(st.sampled_from(["all", "any"]))
            if step["join"] == "all":
                step["with"]["value"] = "${[" + ", ".join(f"steps.{other}.step" for other in after) + "]}"
                if draw(st.booleans()):
                    step["if"] = f"steps.{after[0]}.step == '{after[0]}'"
        steps[name] = step
        for other in before:
            if "on_error" not in steps[other] and draw(st.integers(0, 5)) == 0:
                # An additional way in: what it is given must not hang on who comes first.
                steps[other]["on_error"] = name
                step["with"]["value"] = number
                step.pop("if", None)
                break
    return steps


def interpret(steps: Steps) -> dict[str, tuple[str, str | None, int]]:
    """Say by plain recursion how each step ends: status, outcome, attempts."""
    known: dict[str, tuple[str, str | None, int]] = {}

    def taken(edge: str) -> bool:
        name, _, outcome = edge.partition(".")
        status, ended, _ = end(name)
        if outcome == "error":
            return status == "failed"
        return status == "succeeded" and ended == (outcome or "success")

    def runs(name: str) -> bool:
        step = steps[name]
        rescues = [other for other in steps if steps[other].get("on_error") == name]
        if any(taken(f"{other}.error") for other in rescues):
            return True
        edges = [taken(edge) for edge in step.get("after", [])]
        if not edges:
            return not rescues
        return any(edges) if step["join"] == "any" else all(edges)

    def end(name: str) -> tuple[str, str | None, int]:
        if name not in known:
            known[name] = call(name) if runs(name) else ("skipped", None, 1)
        return known[name]

    def call(name: str) -> tuple[str, str | None, int]:
        step = steps[name]
        if "if" in step and end(step["after"][0].partition(".")[0])[0] != "succeeded":
            return ("skipped", None, 1)
        script, attempts = step["with"]["do"], step["retry"]["attempts"]
        for attempt in range(1, attempts + 1):
            verb = script[min(attempt, len(script)) - 1][-1]
            if verb in ("refuse", "bug") or (verb == "error" and attempt == attempts):
                return ("failed", None, attempt)
            if verb != "error":
                return ("succeeded", "success" if verb == "ok" else verb, attempt)
        raise AssertionError("unreachable")

    for name in steps:
        end(name)
    return known


def inputs(steps: Steps, ended: dict[str, tuple[str, str | None, int]]) -> dict[str, Any]:
    """Say what each step that was called was given."""
    found: dict[str, Any] = {}
    for name, step in steps.items():
        if ended[name][0] == "skipped":
            continue
        value = step["with"]["value"]
        if isinstance(value, str):
            others = [edge.partition(".")[0] for edge in step["after"]]
            value = [other if ended[other][0] == "succeeded" else None for other in others]
        found[name] = value
    return found


@pytest.fixture(scope="module")
def fragile(sqlite: Sqlite) -> Iterator[Fragile]:
    with tempfile.TemporaryDirectory() as folder:
        opened = Fragile(sqlite.new_url(Path(folder)), threads=2)
        yield opened
        opened.close()


@given(steps=plans(), crashes=st.lists(st.integers(1, 30), max_size=3), ends=st.sampled_from(["before", "after"]))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
async def test_any_plan_through_any_crashes_ends_as_plain_recursion_says(
    fragile: Fragile, steps: Steps, crashes: list[int], ends: str
) -> None:
    stage = Stage.set(fragile, steps)
    fragile.world, fragile.ends = stage.world, ends
    run_id = stage.request()
    for number, crash_at in enumerate([*crashes, None]):
        stage.world.moments, stage.world.crash_at = 0, crash_at
        try:
            run = await stage.carry(run_id, stage.runner(f"worker {number}"), topics=["case:7"] * 100)
        except Crash:
            stage.time.pass_by(LEASE)
            continue
        break
    expected = interpret(steps)
    rows = stage.steps(run_id)
    assert {name: (row.status.value, row.outcome, row.attempt) for name, row in rows.items()} == expected
    given_inputs = inputs(steps, expected)
    assert {name: row.input["value"] for name, row in rows.items() if row.input is not None} == given_inputs
    assert set(stage.world.inputs) == set(given_inputs)
    outside = {name for name in given_inputs if steps[name]["action"] in ("contoso.write", "contoso.contain")}
    assert set(stage.world.keys()) == outside
    failed = [name for name, (status, _, _) in expected.items() if status == "failed"]
    unhandled = _unhandled(steps, expected, failed)
    assert run["status"] == ("failed" if unhandled else "partly_failed" if failed else "succeeded")


def _unhandled(steps: Steps, ended: dict[str, tuple[str, str | None, int]], failed: list[str]) -> list[str]:
    def handled(name: str) -> bool:
        rescuer = steps[name].get("on_error")
        followers = [other for other, step in steps.items() if f"{name}.error" in step.get("after", [])]
        return any(ended[other][0] != "skipped" for other in [*followers, *([rescuer] if rescuer else [])])

    return [name for name in failed if not handled(name)]
