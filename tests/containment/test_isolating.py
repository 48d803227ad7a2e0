from typing import Any, Literal, TypeVar

import httpx
import pytest

from containment_world import World
from ringfence.containment.model import Containment, State
from ringfence.containment.reach import SEND_WITHIN
from ringfence.simulator import lifecycle

T = TypeVar("T")

HOST = "wks-001"


async def contained(world: World, **options: Any) -> Containment:
    """Contain the host."""
    return await world.settle(world.request(world.machine(HOST).id, **options), State.CONTAINED)


@pytest.mark.parametrize("keeps", [True, False], ids=["ExternalId kept", "ExternalId ignored"])
async def test_a_reply_lost_after_the_effect_is_found_again_and_nothing_is_sent_twice(
    world: World, keeps: bool
) -> None:
    world.tenant.settings.keep_external_id = keeps
    world.fault("drop_reply_after_effect", "isolate_machine")
    asked = world.request(HOST)
    await world.drive()
    lost = world.look(asked)
    assert lost.state == State.SUBMITTING
    assert "reply was lost" in lost.detail
    world.advance(5)
    await world.drive()
    assert world.look(asked).state == State.PENDING
    await world.settle(asked, State.CONTAINED)
    world.fault("drop_reply_after_effect", "unisolate_machine")
    world.let_go(asked)
    await world.settle(asked, State.RELEASED)
    assert len(world.sent("isolate_machine")) == len(world.sent("unisolate_machine")) == 1


@pytest.mark.parametrize("fault", [{"kind": "drop_before_effect"}, {"kind": "status", "status": 503}])
async def test_a_request_that_never_arrived_is_sent_again_when_no_earlier_one_can_be_under_way(
    world: World, fault: dict[str, Any]
) -> None:
    world.fault(operation="isolate_machine", **fault)
    asked = world.request(HOST)
    await world.drive()
    world.advance(SEND_WITHIN)
    await world.drive()
    assert world.look(asked).state == State.SUBMITTING
    assert len(world.sent("isolate_machine")) == 1
    await world.settle(asked, State.CONTAINED)
    world.fault(operation="unisolate_machine", **fault)
    world.let_go(asked)
    await world.drive()
    world.advance(SEND_WITHIN)
    await world.drive()
    assert len(world.sent("unisolate_machine")) == 1
    await world.settle(asked, State.RELEASED)
    assert len(world.actions("Isolate")) == len(world.actions("Unisolate")) == 1


async def test_a_reply_that_cannot_be_read_counts_as_lost(world: World) -> None:
    world.fault("malformed_body", "isolate_machine")
    world.fault("malformed_body", "unisolate_machine")
    asked = await contained(world)
    world.let_go(asked)
    await world.settle(asked, State.RELEASED)
    assert len(world.actions("Isolate")) == len(world.actions("Unisolate")) == 1


async def test_an_isolation_that_shows_up_late_is_followed_even_if_nobody_wants_it_any_more(world: World) -> None:
    # The list does not show the isolation until a minute after its reply was lost; the request is taken back meanwhile.
    world.fault("drop_reply_after_effect", "isolate_machine")
    world.fault("status", "list_machine_actions", status=200, body={"value": []}, times=12)
    asked = world.request(HOST)
    await world.drive()
    world.let_go(asked)
    done = await world.settle(asked, State.RELEASED)
    assert not world.machine(HOST).isolated
    assert "approved" in world.states(done)[2:]


async def test_what_was_lost_for_good_is_not_sent_again_after_it_was_taken_back(world: World) -> None:
    world.fault("drop_before_effect", "isolate_machine")
    asked = world.request(HOST)
    await world.drive()
    world.let_go(asked)
    await world.pass_time(300)
    assert "after all" in world.look(asked).detail
    done = await world.settle(asked, State.CANCELLED, within=600)
    assert "no trace" in done.detail
    assert world.actions("Isolate") == []


@pytest.mark.parametrize("kind", ["Isolate", "Unisolate"])
@pytest.mark.parametrize("duplicates", ["refuse", "return_pending"])
async def test_an_action_that_somebody_begins_in_the_last_moment_is_told_apart(
    world: World, duplicates: Literal["refuse", "return_pending"], kind: str
) -> None:
    world.tenant.settings.duplicates = duplicates

    def be_first(request: httpx.Request) -> None:
        if request.url.path.endswith("/isolate"):
            world.wire.before = lambda _: None
            world.portal(HOST, kind)

    world.wire.before = be_first
    asked = world.request(HOST)
    await world.drive()
    waiting = world.look(asked)
    assert waiting.state == State.APPROVED
    world.advance(5)
    await world.drive()
    what = "An isolation" if kind == "Isolate" else "A release"
    assert f"{what} of this host by analyst@contoso.com (Portal) is in progress" in world.look(asked).detail
    if kind == "Isolate":
        await world.settle(asked, State.NOT_NEEDED)
        assert world.actions("Isolate") == []
    else:
        await world.settle(asked, State.CONTAINED)
        assert len(world.actions("Isolate")) == 1


async def test_a_release_under_way_in_the_portal_is_waited_for_before_isolating(world: World) -> None:
    world.portal(HOST, "Unisolate")
    asked = world.request(HOST)
    await world.drive()
    assert "A release of this host by analyst@contoso.com (Portal) is in progress" in world.look(asked).detail
    await world.settle(asked, State.CONTAINED)
    assert [entry.status for entry in world.sent("isolate_machine")] == [201]


async def test_an_isolation_cancelled_by_somebody_else_says_who(world: World) -> None:
    world.change(HOST, online=False)
    asked = world.request(HOST)
    await world.settle(asked, State.PENDING)
    lifecycle.cancel(world.tenant, world.actions("Isolate")[0], "bjones@contoso.com", "No", world.simulator.clock.now())
    done = await world.settle(asked, State.CANCELLED)
    assert done.detail == "Cancelled by bjones@contoso.com."


async def test_a_host_that_is_off_is_withdrawn_at_the_deadline_and_not_cut_off_days_later(world: World) -> None:
    asked = world.request("lap-001")
    await world.settle(asked, State.PENDING)
    world.advance(4 * 3600 - 120)
    await world.drive()
    assert world.look(asked).state == State.PENDING
    done = await world.settle(asked, State.WITHDRAWN)
    assert "deadline" in done.detail
    assert world.actions("Isolate")[0].status == "Cancelled"
    world.change("lap-001", online=True)
    world.advance(3 * 86_400)
    assert not world.machine("lap-001").isolated


async def test_an_isolation_that_ends_while_it_is_being_withdrawn_counts_as_it_ended(world: World) -> None:
    asked = world.request("lap-001")
    await world.settle(asked, State.PENDING)

    def wake_up(request: httpx.Request) -> None:
        if request.url.path.endswith("/cancel"):
            world.change("lap-001", online=True)
            world.advance(60)

    world.wire.before = wake_up
    world.advance(4 * 3600)
    done = await world.settle(asked, State.CONTAINED)
    assert "after the deadline" in done.detail
    world.let_go(asked)
    await world.settle(asked, State.RELEASED)


async def test_a_cancellation_whose_reply_is_lost_is_seen_to_have_worked(world: World) -> None:
    asked = world.request("lap-001")
    await world.settle(asked, State.PENDING)
    world.fault("drop_reply_after_effect", "cancel_machine_action")
    world.let_go(asked)
    done = await world.settle(asked, State.CANCELLED)
    assert "on request" in done.detail


async def test_an_isolation_that_fails_or_times_out_says_so(world: World) -> None:
    for outcome, state in (("Failed", State.FAILED), ("TimeOut", State.TIMED_OUT)):
        world.change(HOST, next_outcome=outcome)
        asked = world.request(HOST)
        done = await world.settle(asked, state)
        assert done.confirmed_at is None
        assert not world.machine(HOST).isolated


async def test_a_holder_that_joins_while_the_isolation_is_being_confirmed_stops_the_timer_too(world: World) -> None:
    first = world.request(HOST, auto_release_after=3600.0)
    await world.settle(first, State.PENDING)

    def join(request: httpx.Request) -> None:
        world.wire.before = lambda _: None
        world.request(world.machine(HOST).id)

    world.advance(60)
    world.wire.before = join
    held = await world.settle(first, State.CONTAINED)
    assert held.auto_release_at is None
    assert len(world.holders(first)) == 2


async def test_what_had_to_wait_is_decided_again_before_it_is_sent(world: World) -> None:
    world.change(HOST, online=False)
    world.portal(HOST, "Unisolate")
    asked = world.request(HOST)
    await world.settle(asked, State.APPROVED)
    world.advance(1800)
    world.change(HOST, tags=["Ringfence-Protected"], online=True)
    done = await world.settle(asked, State.DENIED)
    assert "No longer allowed after waiting" in done.detail
    assert world.sent("isolate_machine") == []
