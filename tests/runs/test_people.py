"""A step asks people, parks, and goes on by their answer, in time also where nobody looks."""

from typing import Any

import pytest

from notification_world import a_channel
from ringfence.actions import ActionError
from ringfence.actions.catalogue import discover
from ringfence.approvals import service as approvals
from ringfence.approvals.model import Approval, State
from ringfence.containment import asking
from ringfence.notifications import outbox
from ringfence.organizations import members, teams
from ringfence.runs import rows
from ringfence.runs.people import Nobody, People
from ringfence.security.rbac import Role
from ringfence.storage import Database
from run_world import Stage

CATALOGUE = discover()


def stage_of(database: Database, **given: object) -> Stage:
    """Set up the playbook that asks, and tells by its steps which way it went."""
    steps: dict[str, dict[str, Any]] = {
        "ask": {"action": "logic.approval", "with": {"question": "Isolate ${trigger.host}?"} | given}
    }
    for way in ("approved", "rejected", "expired"):
        steps[way] = {"action": "logic.set", "after": f"ask.{way}", "with": {"values": {"way": way}}}
    stage = Stage.set(database, steps)
    boss = f"boss-{stage.version_id}"
    database.run_now(lambda tx: members.ensure(tx, stage.organization_id, boss, Role.ORGANIZATION_ADMINISTRATOR))
    database.run_now(lambda tx: teams.put(tx, stage.organization_id, "tier-2", ["ines", "tom"]))
    return stage


def only(stage: Stage) -> Approval:
    (found,) = stage.database.read_now(lambda tx: approvals.listed(tx, stage.organization_id, open_only=False))
    return found


def answer(stage: Stage, by: str, yes: bool) -> Approval:
    asked = only(stage)
    return stage.database.run_now(
        lambda tx: asking.answer(tx, asked.id, organization_id=stage.organization_id, by=by, yes=yes, via="page")
    )


def way(stage: Stage, run_id: str) -> list[str]:
    return [step.step for step in stage.steps(run_id).values() if step.status == "succeeded" and step.step != "ask"]


async def begin(stage: Stage) -> str:
    run_id = stage.request(host="fin-ws-014")
    assert await stage.runner(catalogue=CATALOGUE).advance(run_id) is not None
    assert stage.run(run_id)["status"] == "waiting"
    return run_id


@pytest.mark.parametrize(("yes", "outcome"), [(True, "approved"), (False, "rejected")])
async def test_an_answer_lets_the_run_go_its_way(database: Database, yes: bool, outcome: str) -> None:
    stage = stage_of(database, of="tier-2", timeout="15 min")
    run_id = await begin(stage)
    asked = only(stage)
    assert asked.question.text == "Isolate fin-ws-014?"
    assert asked.question.approvers == ("ines", "tom")
    assert asked.question.bound_to["step"] == "ask"
    assert stage.steps(run_id)["ask"].wake_at == asked.expires_at
    answer(stage, "ines", yes)
    stage.change(f"approval:{asked.id}")
    await stage.runner(catalogue=CATALOGUE).advance(run_id)
    assert stage.run(run_id)["status"] == "succeeded"
    assert way(stage, run_id) == [outcome]
    output = stage.steps(run_id)["ask"].output
    assert isinstance(output, dict)
    assert output["answers"] == [{"by": "ines", "approved": yes, "comment": "", "via": "page"}]


async def test_silence_is_the_third_way_after_an_hour_where_nothing_else_is_said(database: Database) -> None:
    stage = stage_of(database)
    begun = stage.time.now
    run_id = await begin(stage)
    assert (only(stage).expires_at - begun).total_seconds() == 3_600
    await stage.carry(run_id, stage.runner(catalogue=CATALOGUE))
    assert way(stage, run_id) == ["expired"]
    assert only(stage).state is State.EXPIRED


async def test_silence_is_escalated_to_everybody_where_nobody_is_named(database: Database) -> None:
    stage = stage_of(database, of="tier-2", timeout="15 min", on_silence="escalate")
    run_id = await begin(stage)
    stage.time.pass_by(901)
    again = await stage.runner(catalogue=CATALOGUE).advance(run_id)
    asked = only(stage)
    assert asked.open
    assert again is not None
    assert again[1] == asked.expires_at
    boss = f"boss-{stage.version_id}"
    assert boss in asked.may_answer
    answer(stage, boss, True)
    stage.change(f"approval:{asked.id}")
    await stage.runner(catalogue=CATALOGUE).advance(run_id)
    assert way(stage, run_id) == ["approved"]


async def test_two_must_say_yes_where_two_are_wanted(database: Database) -> None:
    stage = stage_of(database, of=["tier-2"], count=2, timeout="15 min")
    run_id = await begin(stage)
    assert answer(stage, "ines", True).open
    stage.change(f"approval:{only(stage).id}")
    assert await stage.runner(catalogue=CATALOGUE).advance(run_id) is not None
    assert not answer(stage, "tom", True).open
    stage.change(f"approval:{only(stage).id}")
    await stage.runner(catalogue=CATALOGUE).advance(run_id)
    assert way(stage, run_id) == ["approved"]


async def test_a_step_that_asks_again_after_a_crash_finds_its_question_and_its_answer(database: Database) -> None:
    stage = stage_of(database, of="tier-2", timeout="15 min")
    run_id = await begin(stage)
    answer(stage, "tom", True)
    context = {"of": ["tier-2"], "question": "?", "timeout": 60.0, "escalate": False, "escalate_to": [], "count": 1}
    run = database.run_now(lambda tx: rows.claim(tx, run_id, owner="second", lease=30.0))
    assert run is not None
    again = await People(run, database).ask(**context, key=f"{run_id}:ask:0")  # type: ignore[arg-type]
    assert (again.state, again.id) == ("approved", only(stage).id)


async def test_a_name_that_is_nobodys_fails_the_step(database: Database) -> None:
    stage = stage_of(database, of="tier-9")
    run_id = stage.request(host="x")
    await stage.runner(catalogue=CATALOGUE).advance(run_id)
    assert stage.run(run_id)["status"] == "failed"
    assert "neither a person nor a team named 'tier-9'" in stage.steps(run_id)["ask"].error


async def test_by_hand_there_is_nobody_to_ask() -> None:
    with pytest.raises(ActionError, match="in a run only"):
        await Nobody().answered("a1")
    with pytest.raises(ActionError, match="in a run only"):
        await Nobody().tell(channels=["soc"], title="t", text="", key="k")
    with pytest.raises(ActionError, match="in a run only"):
        await Nobody().ask(of=[], question="?", timeout=1.0, escalate=False, escalate_to=[], count=1, key="k")


async def test_a_message_goes_to_its_channels_once_whatever_crashes(database: Database) -> None:
    steps = {"tell": {"action": "notify.send", "with": {"to": ["soc", "ines"], "text": "Look at ${trigger.host}."}}}
    stage = Stage.set(database, steps)
    for name in ("soc", "ines", "other"):
        a_channel(database, stage.organization_id, name)
    run_id = stage.request(host="fin-ws-014")
    await stage.runner(catalogue=CATALOGUE).advance(run_id)
    assert stage.run(run_id)["status"] == "succeeded"
    other = stage.request(host="x")
    again = database.run_now(lambda tx: rows.claim(tx, other, owner="second", lease=30.0))
    assert again is not None
    await People(again, database).tell(channels=["soc"], title="Twice?", text="", key=f"{run_id}:tell:0")
    told = database.read_now(lambda tx: outbox.listed(tx, stage.organization_id))
    assert sorted((each.channel, each.detail) for each in told) == [
        ("ines", "Look at fin-ws-014."),
        ("soc", "Look at fin-ws-014."),
    ]


async def test_a_channel_that_is_not_there_fails_the_step(database: Database) -> None:
    stage = Stage.set(database, {"tell": {"action": "notify.send", "with": {"to": "soc", "text": "Hello"}}})
    run_id = stage.request()
    await stage.runner(catalogue=CATALOGUE).advance(run_id)
    assert "no channel named 'soc'" in stage.steps(run_id)["tell"].error
