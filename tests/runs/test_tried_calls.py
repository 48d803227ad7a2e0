"""Calls that may be tried again or have a time of their own: all steps of the component anew, counted, and durable."""

from datetime import timedelta
from typing import Any

import pytest

from ringfence.playbooks import rounds
from ringfence.runs import cancelling
from ringfence.storage import Database
from run_world import NOON, Fragile, Stage

Steps = dict[str, dict[str, Any]]

FIRST, SECOND = rounds.of_try(0, 1), rounds.of_try(0, 2)


def staged(database: Database, inside: Steps, **more: Any) -> Stage:
    """Set up a playbook that calls a component of these steps; `more` is what else the call says."""
    steps: Steps = {
        "look": {"action": "playbook.call", "with": {"component": "Look", "version": "1.0"}, **more},
        "tell": {"action": "contoso.write", "after": "look", "with": {"value": "${steps.look}"}},
        "cry": {"action": "contoso.write", "after": "look.error"},
    }
    stage = Stage.set(database, steps)
    stage.component("Look", inside, outputs={"of": {"type": "string", "value": "${steps.ask.step}"}})
    return stage


ASKS: Steps = {
    "note": {"action": "contoso.write"},
    "ask": {"action": "contoso.read", "after": "note", "with": {"do": [["error"], ["ok"]]}},
}
RETRY = {"attempts": 3, "backoff": "10 s"}


async def test_all_of_a_component_is_tried_again_with_keys_of_its_own_and_the_attempts_are_counted(
    database: Database,
) -> None:
    stage = staged(database, ASKS, retry=RETRY)
    run_id = stage.request()
    assert (await stage.carry(run_id))["status"] == "succeeded"
    found = stage.rounds(run_id)
    look = found["look", 0]
    assert (look.status, look.outcome, look.attempt, look.output) == ("succeeded", "success", 2, {"of": "look/ask"})
    assert [(each["number"], each["error"]) for each in look.attempts] == [(1, "ask: Not now."), (2, "")]
    first, again = found["look/ask", FIRST], found["look/ask", SECOND]
    assert (first.status, first.error_code, first.permanent, again.status) == ("failed", "busy", False, "succeeded")
    assert [key for key, _ in stage.world.effects[:2]] == [f"{run_id}:look/note:{each}" for each in (FIRST, SECOND)]
    assert stage.time.now - NOON == timedelta(seconds=10)
    warned = [line for line in stage.told(run_id) if line[1] == "warn"]
    assert warned == [("look", "warn", "Attempt 1 failed, trying again in 10 s: ask: Not now.")]


@pytest.mark.parametrize(
    ("verb", "retry", "attempts"),
    [
        ("refuse", RETRY, 1),
        ("error", RETRY, 3),
        ("error", {**RETRY, "errors": ["Busy"]}, 3),
        ("error", {**RETRY, "errors": ["timeout"]}, 1),
    ],
)
async def test_only_what_may_pass_and_is_meant_is_tried_again(
    embedded: Database, verb: str, retry: dict[str, Any], attempts: int
) -> None:
    stage = staged(embedded, {"ask": {"action": "contoso.read", "with": {"do": [[verb]]}}}, retry=retry)
    run_id = stage.request()
    assert (await stage.carry(run_id))["status"] == "partly_failed"
    look = stage.steps(run_id)["look"]
    code = "refused" if verb == "refuse" else "busy"
    assert (look.status, look.attempt, look.error_code) == ("failed", attempts, code)
    assert len(stage.world.calls) == attempts + 1


async def test_a_timeout_covers_all_tries_of_a_call_and_what_waits_is_looked_at_once_more(embedded: Database) -> None:
    waits: Steps = {
        "ask": {"action": "contoso.read", "with": {"do": [["error"], ["topic case:7", "topic case:7"]]}},
        "then": {"action": "contoso.write", "after": "ask"},
    }
    stage = staged(embedded, waits, retry=RETRY, timeout="1 min")
    run_id = stage.request()
    await stage.carry(run_id)
    look = stage.steps(run_id)["look"]
    said = "The call look did not end within 60 s."
    assert (look.status, look.attempt, look.error_code) == ("failed", 2, "timeout")
    assert look.error == f"ask: {said}"
    assert stage.time.now - NOON == timedelta(minutes=1)
    assert stage.world.keys() == ["cry"]
    came = staged(
        embedded, {"ask": {"action": "contoso.read", "with": {"do": [["topic case:7", "ok"]]}}}, timeout="1 min"
    )
    run_id = came.request()
    await came.runner().advance(run_id)
    came.time.pass_by(3_600)
    assert (await came.carry(run_id))["status"] == "succeeded"


async def test_when_the_time_of_a_call_is_over_nothing_more_of_it_begins(embedded: Database) -> None:
    inside: Steps = {
        "ask": {"action": "contoso.read", "with": {"do": [["topic case:7", "topic case:7"]]}, "on_error": "help"},
        "help": {"action": "contoso.write"},
        "many": {"action": "contoso.write", "after": "ask.error", "for_each": [1, 2]},
    }
    stage = staged(embedded, inside, timeout="1 min", retry={"attempts": 2, "backoff": "2 min"})
    run_id = stage.request()
    await stage.carry(run_id)
    error = stage.steps(run_id)["look"].error
    assert error == "The call look did not end within 60 s. Not begun: look/help, look/many."
    assert stage.world.keys() == ["cry"]
    late = staged(embedded, ASKS, timeout="1 min", retry={"attempts": 2, "backoff": "2 min"})
    run_id = late.request()
    await late.carry(run_id)
    assert late.steps(run_id)["look"].error == "ask: Not now. There is no time left to try again."


async def test_a_call_in_its_pause_is_cancelled_with_its_run(embedded: Database) -> None:
    stage = staged(embedded, ASKS, retry=RETRY)
    run_id = stage.request()
    await stage.runner().advance(run_id)
    look = stage.steps(run_id)["look"]
    assert (look.status, look.attempt, look.error) == ("waiting", 2, "ask: Not now.")
    stage.database.run_now(lambda tx: cancelling.request(tx, stage.organization_id, run_id, by="ada"))
    run = await stage.carry(run_id)
    assert run["status"] == "cancelled"
    assert stage.steps(run_id)["look"].error == "Cancelled by ada: it was at its attempt 2."


@pytest.mark.parametrize("kind", ["stop", "run's time", "inputs"])
async def test_a_run_that_stops_or_whose_time_is_over_ends_its_calls(embedded: Database, kind: str) -> None:
    inside: Steps = {"ask": {"action": "contoso.read", "with": {"do": [["error"], ["stopped_failed"]]}}}
    call = {"component": "Look", "version": "1.0", **({"inputs": {"x": 1}} if kind == "inputs" else {})}
    more: dict[str, Any] = {"timeout": "15 s"} if kind == "run's time" else {}
    if kind == "run's time":
        inside["ask"]["with"]["do"] = [["error"], ["topic case:7", "topic case:7"]]
    stage = Stage.set(embedded, {"look": {"action": "playbook.call", "retry": RETRY, "with": call}}, **more)
    stage.component("Look", inside)
    run_id = stage.request()
    run = await stage.carry(run_id)
    look = stage.steps(run_id)["look"]
    assert run["status"] == "failed"
    assert (look.status, look.attempt) == {"stop": ("succeeded", 2), "inputs": ("failed", 1)}.get(kind, ("failed", 2))


@pytest.mark.parametrize("ends", ["before", "after"])
async def test_a_process_may_end_at_every_boundary_of_a_call_that_is_tried_again(
    embedded: Database, ends: str, request: pytest.FixtureRequest
) -> None:
    inside: Steps = {
        **ASKS,
        "each": {"action": "contoso.write", "after": "ask", "for_each": [1, 2], "parallel": 2},
    }
    stage = staged(embedded, inside, retry=RETRY, timeout="1 h")
    fragile = Fragile(embedded.url, threads=2)
    request.addfinalizer(fragile.close)
    fragile.world, fragile.ends = stage.world, ends
    ended: set[tuple[tuple[Any, ...], ...]] = set()
    for crash_at in range(1, 60):
        stage.world.effects.clear()
        stage.world.moments, stage.world.crash_at = 0, crash_at
        run_id = stage.request()
        crashed = await stage.crash_and_inherit(run_id, fragile)
        rows = stage.rounds(run_id)
        ended.add(tuple(sorted((key, str(row.status), row.attempt) for key, row in rows.items())))
        # An effect that is had again after a crash has the key that it had.
        assert len({key for key, _ in stage.world.effects}) == 5
        assert [len(row.attempts) for key, row in rows.items() if key == ("look", 0)] == [2]
        if not crashed:
            break
    assert not crashed
    assert len(ended) == 1
