"""Whole histories of responses, through the real client, the simulator and both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest

from response_world import HOST, Responses
from ringfence import clock
from ringfence.containment import policies
from ringfence.defender import Priority
from ringfence.responses.kinds import Kind
from ringfence.responses.model import State
from ringfence.responses.moves import purpose

MACHINE_KINDS = (Kind.RESTRICT, Kind.QUARANTINE, Kind.SCAN, Kind.PACKAGE)
TYPES = {
    Kind.RESTRICT: "RestrictCodeExecution",
    Kind.QUARANTINE: "StopAndQuarantineFile",
    Kind.OFFBOARD: "Offboard",
    Kind.SCAN: "RunAntiVirusScan",
    Kind.PACKAGE: "CollectInvestigationPackage",
}


@pytest.mark.parametrize("kind", MACHINE_KINDS)
async def test_it_is_called_done_only_after_the_machine_action_succeeded(desk: Responses, kind: Kind) -> None:
    asked = desk.request(kind)
    for _ in range(60):
        await desk.drive()
        seen = desk.look(asked)
        assert (seen.state is State.DONE) == (seen.done_at is not None)
        if seen.state is State.DONE:
            break
        desk.world.advance(5)
    (action,) = desk.world.actions(TYPES[kind], HOST)
    assert action.status == "Succeeded"
    assert desk.states(asked) == ["requested", "approved", "submitting", "pending", "done"]
    assert desk.look(asked).over is (kind is not Kind.RESTRICT)


@pytest.mark.parametrize("protection", ["tag", "name", "group"])
@pytest.mark.parametrize("kind", [Kind.RESTRICT, Kind.QUARANTINE, Kind.OFFBOARD])
async def test_a_protected_host_is_not_touched(desk: Responses, kind: Kind, protection: str) -> None:
    group = str(desk.world.machine(HOST).record.document["rbacGroupName"])
    policy = {
        "tag": {"protected_tags": ["Backup"]},
        "name": {"protected_names": [HOST]},
        "group": {"protected_groups": [group]},
    }
    desk.world.set_policy(**policy[protection])
    desk.world.change(HOST, tags=["Backup"])
    asked = desk.request(kind)
    await desk.drive()
    seen = desk.look(asked)
    assert seen.state is State.DENIED
    assert "protected" in seen.detail
    assert desk.world.actions(TYPES[kind]) == []


@pytest.mark.parametrize("kind", [*MACHINE_KINDS, Kind.OFFBOARD, Kind.INDICATORS])
async def test_the_kill_switch_stops_what_is_new_and_lets_undoing_go_on(desk: Responses, kind: Kind) -> None:
    held = await desk.settle(desk.request(Kind.RESTRICT, "wks-002"), State.DONE)
    desk.world.set_policy(frozen=True)
    asked = desk.request(kind)
    await desk.drive()
    assert desk.look(asked).state is State.DENIED
    assert "kill switch" in desk.look(asked).detail
    desk.undo(held)
    await desk.settle(held, State.UNDONE)
    assert not desk.world.machine("wks-002").restricted


async def test_a_kill_switch_between_the_decision_and_the_request_still_stops_it(desk: Responses) -> None:
    desk.world.portal(HOST, "UnrestrictCodeExecution")
    asked = desk.request(Kind.RESTRICT)
    await desk.drive()
    assert desk.look(asked).state is State.APPROVED
    desk.world.set_policy(frozen=True)
    await desk.settle(asked, State.DENIED)
    assert desk.world.actions("RestrictCodeExecution") == []


async def test_a_restriction_waits_for_a_person_where_policy_asks(desk: Responses) -> None:
    desk.world.set_policy()
    asked = desk.request(Kind.RESTRICT, run_id=None)
    await desk.drive()
    # Asked for without a run, it is a person's, and who asked knows best.
    assert desk.look(asked).state is not State.AWAITING_APPROVAL


async def test_defender_is_called_for_what_the_state_is_about(desk: Responses) -> None:
    asked = desk.request(Kind.SCAN)
    assert purpose(asked) is Priority.CONTAIN
    assert purpose(replace(asked, state=State.PENDING)) is Priority.CONFIRM
    assert purpose(replace(asked, state=State.DONE)) is Priority.CONFIRM
    assert purpose(replace(asked, state=State.UNDOING)) is Priority.RELEASE
    assert purpose(replace(asked, state=State.UNDOING, undo_action_id="a")) is Priority.CONFIRM
    assert purpose(replace(asked, state=State.PENDING, undo_requested_at=clock.now())) is Priority.RELEASE


async def test_a_host_that_is_not_exactly_one_record_is_refused_with_candidates(desk: Responses) -> None:
    asked = desk.request(Kind.SCAN, "wks-0")
    await desk.drive()
    seen = desk.look(asked)
    assert seen.state is State.DENIED
    assert "No device bears exactly" in seen.detail


async def test_a_response_past_its_deadline_is_withdrawn_before_and_after_it_was_sent(desk: Responses) -> None:
    desk.world.change(HOST, online=False)
    sent = desk.request(Kind.SCAN, deadline=600.0)
    await desk.drive()
    assert desk.look(sent).state is State.PENDING
    late = desk.request(Kind.SCAN, "wks-002", deadline=1.0)
    desk.world.advance(2)
    await desk.drive()
    assert desk.look(late).state is State.WITHDRAWN
    await desk.pass_time(1200)
    assert desk.look(sent).state is State.WITHDRAWN
    desk.world.change(HOST, online=True)
    desk.world.advance(600)
    assert [action.status for action in desk.world.actions("RunAntiVirusScan", HOST)] == ["Cancelled"]


async def test_policy_that_changes_while_a_question_is_open_voids_the_answer(desk: Responses) -> None:
    asked = desk.request(Kind.OFFBOARD)
    await desk.drive()
    first = desk.question(asked)
    for person in ("bjones", "ckhan"):
        desk.answer(asked, person)
    desk.world.set_policy(max_per_hour=3)
    await desk.drive()
    second = desk.question(asked)
    assert second.id != first.id
    assert desk.look(asked).state is State.AWAITING_APPROVAL
    assert desk.world.actions("Offboard") == []
    scope = policies.Scope(desk.world.organization_id)
    assert desk.world.database.read_now(lambda tx: policies.newest(tx, scope)).version == 2


async def test_silence_ends_a_question_and_nothing_is_done(desk: Responses) -> None:
    asked = desk.request(Kind.OFFBOARD)
    await desk.pass_time(timedelta(hours=1).total_seconds())
    assert desk.look(asked).state is State.EXPIRED
    assert desk.world.actions("Offboard") == []
