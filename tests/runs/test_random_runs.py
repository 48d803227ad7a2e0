"""Random playbooks, carried by rows through random crashes, do what plain recursion over the same outcomes says."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from databases import Sqlite
from naive import Naive
from ringfence.playbooks.checks import check_text
from ringfence.runs.model import StepRun
from run_world import LEASE, Crash, Fragile, Stage, source_of

Steps = dict[str, dict[str, Any]]
NAMES = ("a", "b", "c", "d", "e", "f", "g")
# The last answer of each attempt decides; those before are waits.
WAITS = st.lists(st.sampled_from(["wait 0", "wait 20", "topic case:7"]), max_size=1)
VERBS = st.sampled_from(["ok", "yes", "no", "error", "refuse"])
TRIES = st.lists(st.tuples(WAITS, VERBS).map(lambda each: [*each[0], each[1]]), min_size=1, max_size=2)
KINDS = st.sampled_from(["pure", "pure", "read", "write", "contain"])


OUTPUTS = {"outputs": {"step": {"type": "string", "value": "component"}}}
Components = dict[str, Steps]


@st.composite
def playbooks(draw: st.DrawFn, most: int = len(NAMES), callable_: tuple[str, ...] = ()) -> Steps:
    """Draw a playbook without cycles: each step follows earlier ones only, of the run or of one loop's body."""
    steps: Steps = {}
    homes: dict[str, str | None] = {}
    for number, name in enumerate(draw(st.permutations(NAMES))[: draw(st.integers(1, most))]):
        loops = [other for other, step in steps.items() if "for_each" in step]
        home = draw(st.sampled_from([None, *loops, *loops]))
        before = [other for other in steps if homes[other] == home]
        step: dict[str, Any] = {
            "action": f"contoso.{draw(KINDS)}",
            "with": {"do": draw(TRIES), "value": number},
            "retry": {"attempts": draw(st.integers(1, 3)), "backoff": "7 s"},
        }
        called = draw(st.sampled_from([None, None, *callable_])) if callable_ else None
        if called is not None:
            step = {"action": "playbook.call", "with": {"component": called, "version": "1.0"}}
            if attempts := draw(st.sampled_from([0, 2, 2, 3])):
                step["retry"] = {"attempts": attempts, "backoff": "11 s"}
        if "retry" in step and draw(st.integers(0, 5)) == 0:
            step["retry"]["errors"] = [draw(st.sampled_from(["busy", "other"]))]
        after = draw(st.lists(st.sampled_from(before), max_size=3, unique=True)) if before else []
        edges = [f"{other}{draw(st.sampled_from(_ways(steps[other])))}" for other in after]
        if home is not None:
            by = [".each", ".each", ".success"] + [".yes"] * (steps[home]["action"] != "playbook.call")
            edges.insert(0, f"{home}{draw(st.sampled_from(by))}")
        if edges:
            _follow(draw, step, edges, steps)
        if home is None and draw(st.integers(0, 2)) == 0:
            step["for_each"] = draw(st.lists(TRIES, max_size=3))
            step["parallel"] = draw(st.integers(1, 3))
            if called is None:
                step["with"] = {"do": "${item}", "value": "${index}"}
        _rescue(draw, name, step, number, before, steps)
        steps[name], homes[name] = step, home
    return steps


@st.composite
def with_components(draw: st.DrawFn) -> tuple[Steps, Components]:
    """Draw a playbook that may call one component and another one, which may call the first."""
    first = draw(playbooks(3))
    second = draw(playbooks(2, ("First",)))
    return draw(playbooks(4, ("First", "Second"))), {"First": first, "Second": second}


def _ways(step: dict[str, Any]) -> list[str]:
    """List by what a step of the same scope can be followed."""
    if "for_each" in step:
        return ["", "", ".done", ".error"]
    if step["action"] == "playbook.call":
        return ["", "", ".success", ".error"]
    return ["", "", ".success", ".yes", ".no", ".error"]


def _follow(draw: st.DrawFn, step: dict[str, Any], edges: list[str], steps: Steps) -> None:
    step["after"] = edges
    step["join"] = draw(st.sampled_from(["all", "any"]))
    if step["join"] == "all":
        looks = []
        for edge in edges:
            other, _, outcome = edge.partition(".")
            whole = "for_each" in steps[other] and outcome in ("", "done", "error")
            looks.append(f"steps.{other}.{'count' if whole else 'step'}")
        if step["action"] != "playbook.call":
            step["with"]["value"] = "${[" + ", ".join(looks) + "]}"
        if draw(st.booleans()):
            step["if"] = f"steps.{edges[0].partition('.')[0]}.{looks[0].rpartition('.')[2]} != `null`"
            # What a loop keeps is there though it failed, and then the plain reading of `if` would differ.
            if looks[0].endswith("count"):
                del step["if"]


def _rescue(draw: st.DrawFn, name: str, step: dict[str, Any], number: int, before: list[str], steps: Steps) -> None:
    for other in before:
        if "on_error" not in steps[other] and draw(st.integers(0, 5)) == 0:
            # An additional way in: what it is given must not hang on who comes first.
            steps[other]["on_error"] = name
            if "for_each" not in step and step["action"] != "playbook.call":
                step["with"]["value"] = number
            step.pop("if", None)
            break


@pytest.fixture(scope="module")
def fragile(sqlite: Sqlite) -> Iterator[Fragile]:
    with tempfile.TemporaryDirectory() as folder:
        opened = Fragile(sqlite.new_url(Path(folder)), threads=2)
        yield opened
        opened.close()


@given(steps=playbooks(), crashes=st.lists(st.integers(1, 30), max_size=2), ends=st.sampled_from(["before", "after"]))
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
async def test_any_playbook_through_any_crashes_ends_as_plain_recursion_says(
    fragile: Fragile, steps: Steps, crashes: list[int], ends: str
) -> None:
    await _agrees(fragile, steps, {}, crashes, ends)


@given(
    story=with_components(), crashes=st.lists(st.integers(1, 40), max_size=2), ends=st.sampled_from(["before", "after"])
)
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
async def test_any_calls_and_loops_in_each_other_through_any_crashes_end_as_plain_recursion_says(
    fragile: Fragile, story: tuple[Steps, Components], crashes: list[int], ends: str
) -> None:
    await _agrees(fragile, *story, crashes, ends)


async def _agrees(fragile: Fragile, steps: Steps, components: Components, crashes: list[int], ends: str) -> None:
    stage = Stage.set(fragile, steps)
    for name, inside in components.items():
        stage.component(name, inside, **OUTPUTS)
    found = {problem.code for problem in check_text(source_of(steps), stage.catalogue)}
    # Steps that cannot run are refused at publishing; what becomes of them is known all the same.
    assert found <= {"unreachable-step", "containment-without-release"}
    fragile.world, fragile.ends = stage.world, ends
    run_id = stage.request()
    for number, crash_at in enumerate([*crashes, None]):
        stage.world.moments, stage.world.crash_at = 0, crash_at
        try:
            run = await stage.carry(run_id, stage.runner(f"worker {number}"), topics=["case:7"] * 200)
        except Crash:
            stage.time.pass_by(LEASE)
            continue
        break
    expected = Naive(steps, components).play()
    rows = stage.rounds(run_id)
    assert {key: (row.status.value, row.outcome, row.attempt) for key, row in rows.items()} == {
        key: (end.status, end.outcome, end.attempt) for key, end in expected.ends.items()
    }
    assert run["status"] == expected.status
    said = {key: _step(steps, components, key[0]) for key in expected.ends}
    called = {
        key
        for key, end in expected.ends.items()
        if end.status != "skipped" and said[key]["action"] != "playbook.call" and not _whole(said[key], rows, key)
    }
    assert {key: rows[key].input["value"] for key in called} == {key: expected.ends[key].value for key in called}
    outside = {key for key in called if said[key]["action"] in ("contoso.write", "contoso.contain")}
    assert {(key.split(":")[1], int(key.split(":")[2])) for key, _ in stage.world.effects} == outside
    _in_order(steps, stage.world.order, {key for key in called if "/" not in key[0]})


def _step(steps: Steps, components: Components, name: str) -> dict[str, Any]:
    """Find a step by its name in a run; what goes into a component counts as its call."""
    first, slash, rest = name.partition("/")
    if not slash or rest == "(inputs)":
        return steps[first]
    return _step(components[steps[first]["with"]["component"]], components, rest)


def _whole(step: dict[str, Any], rows: dict[tuple[str, int], StepRun], key: tuple[str, int]) -> bool:
    """Tell whether a row is that of a whole loop: its items have rows one level further in."""
    return "for_each" in step and isinstance(rows[key].input, dict) and "items" in rows[key].input


def _in_order(steps: Steps, order: list[tuple[str, int]], called: set[tuple[str, int]]) -> None:
    """No step was called before those that it had to wait for, and no item before its turn."""
    first = {key: order.index(key) for key in called}
    for name, iteration in called:
        step = steps[name]
        if step.get("join") == "all" and not any(other.get("on_error") == name for other in steps.values()):
            for other in (edge.partition(".")[0] for edge in step["after"]):
                rounds = [at for key, at in first.items() if key[0] == other and iteration in (0, key[1])]
                assert all(at < first[name, iteration] for at in rounds)
        if "for_each" in step and iteration > 1:
            assert first[name, iteration - 1] < first[name, iteration]
