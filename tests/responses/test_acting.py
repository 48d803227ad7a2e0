"""What goes wrong between asking and Defender's confirmation: never twice, never another's, never called done too early."""

import pytest

from containment_world import World
from response_world import HOST, Responses
from ringfence.responses.kinds import Kind
from ringfence.responses.model import State

RESTRICTION = "RestrictCodeExecution"


class Killed(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("keeps", [True, False], ids=["ExternalId kept", "ExternalId ignored"])
@pytest.mark.parametrize("kind", [Kind.RESTRICT, Kind.SCAN])
async def test_a_reply_lost_after_the_effect_is_found_again_and_nothing_is_sent_twice(
    desk: Responses, kind: Kind, keeps: bool
) -> None:
    desk.world.tenant.settings.keep_external_id = keeps
    traits = {Kind.RESTRICT: "restrict_code_execution", Kind.SCAN: "run_av_scan"}
    desk.world.fault("drop_reply_after_effect", traits[kind])
    asked = desk.request(kind)
    await desk.drive()
    assert desk.look(asked).state is State.SUBMITTING
    await desk.settle(asked, State.DONE)
    assert len(desk.world.sent(traits[kind])) == 1


async def test_a_request_that_never_arrived_is_sent_again_only_when_nobody_can_still_be_sending_it(
    desk: Responses,
) -> None:
    desk.world.fault("drop_before_effect", "restrict_code_execution")
    asked = desk.request(Kind.RESTRICT)
    await desk.drive()
    desk.world.advance(20)
    await desk.drive()
    assert desk.look(asked).state is State.SUBMITTING
    await desk.settle(asked, State.DONE)
    assert "approved" in desk.states(asked)[2:]
    assert len(desk.world.actions(RESTRICTION)) == 1


async def test_a_crash_between_announcing_and_sending_sends_once(desk: Responses) -> None:
    asked = desk.request(Kind.RESTRICT)

    def crash(request: object) -> None:
        if "/restrictCodeExecution" in str(getattr(request, "url", "")):
            raise Killed

    desk.world.wire.before = crash
    with pytest.raises(Killed):
        await desk.driver().drive_due()
    desk.world.wire.before = lambda _: None
    assert desk.look(asked).state is State.SUBMITTING
    await desk.settle(asked, State.DONE)
    assert len(desk.world.actions(RESTRICTION)) == 1


async def test_the_opposite_in_progress_is_told_apart_and_waited_for(desk: Responses) -> None:
    desk.world.portal(HOST, "UnrestrictCodeExecution")
    asked = desk.request(Kind.RESTRICT)
    await desk.drive()
    seen = desk.look(asked)
    assert seen.state is State.APPROVED
    assert "A lifting of the app restriction by analyst@contoso.com" in seen.detail
    await desk.settle(asked, State.DONE)
    assert desk.world.machine(HOST).restricted


@pytest.mark.parametrize("duplicates", ["refuse", "return_pending"])
async def test_a_restriction_by_somebody_else_is_theirs(desk: Responses, duplicates: str) -> None:
    settings = desk.world.tenant.settings
    desk.world.tenant.settings = settings.model_copy(update={"duplicates": duplicates})
    desk.world.portal(HOST, RESTRICTION)
    asked = desk.request(Kind.RESTRICT)
    await desk.settle(asked, State.NOT_NEEDED)
    assert "theirs to take back" in desk.look(asked).detail
    assert desk.world.actions(RESTRICTION) == []


async def test_an_offline_machine_is_waited_for_and_what_is_not_wanted_any_more_is_cancelled(desk: Responses) -> None:
    desk.world.change(HOST, online=False)
    asked = desk.request(Kind.RESTRICT)
    await desk.pass_time(1200)
    assert desk.look(asked).state is State.PENDING
    desk.undo(asked)
    await desk.settle(asked, State.CANCELLED)
    desk.world.change(HOST, online=True)
    desk.world.advance(600)
    assert not desk.world.machine(HOST).restricted


@pytest.mark.parametrize(("outcome", "state"), [("Failed", State.FAILED), ("TimeOut", State.TIMED_OUT)])
async def test_what_the_device_reports_is_told_as_it_is(desk: Responses, outcome: str, state: State) -> None:
    desk.world.change(HOST, next_outcome=outcome)
    asked = desk.request(Kind.SCAN)
    await desk.settle(asked, state, within=4 * 86_400)
    assert desk.look(asked).done_at is None


async def test_two_quarantines_of_different_files_do_not_wait_for_each_other(desk: Responses) -> None:
    desk.world.change(HOST, online=False)
    first = desk.request(Kind.QUARANTINE)
    second = desk.request(Kind.QUARANTINE, parameters={"sha1": "b" * 40})
    await desk.drive()
    third = desk.request(Kind.QUARANTINE)
    await desk.drive()
    assert desk.look(first).state is desk.look(second).state is State.PENDING
    assert desk.look(third).joined_id == first.id


async def test_a_refusal_that_cannot_pass_ends_it(desk: Responses) -> None:
    desk.world.app.roles.remove("Machine.Scan")
    world: World = desk.world
    world.fault("status", "run_av_scan", status=403)
    asked = desk.request(Kind.SCAN)
    await desk.settle(asked, State.FAILED)
    assert desk.events(asked)[-1]["facts"]["error"]
