"""Whole histories of containments, through the real client, the simulator and a database."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

import httpx
import pytest
import sqlalchemy as sa

from containment_world import World
from ringfence.containment.model import HELD, Containment, State
from ringfence.containment.moves import SEND_WITHIN, purpose
from ringfence.containment.service import LEASE
from ringfence.defender import Priority
from ringfence.simulator import lifecycle
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import containments

T = TypeVar("T")
HOST = "wks-001"


async def contained(world: World, **options: Any) -> Containment:
    """Contain the host."""
    return await world.settle(world.request(world.machine(HOST).id, **options), State.CONTAINED)


async def test_nothing_is_called_contained_before_the_action_succeeded(world: World) -> None:
    asked = world.request(HOST)
    for _ in range(30):
        await world.drive()
        seen = world.look(asked)
        assert (seen.state == State.CONTAINED) == (seen.confirmed_at is not None)
        if seen.state == State.CONTAINED:
            assert world.actions("Isolate", HOST)[0].status == "Succeeded"
            break
        world.advance(1)
    assert world.machine(HOST).isolated
    assert world.states(asked) == ["requested", "approved", "submitting", "pending", "contained"]


@pytest.mark.parametrize(
    ("state", "values", "meant"),
    [
        (State.REQUESTED, {}, Priority.CONTAIN),
        (State.APPROVED, {}, Priority.CONTAIN),
        (State.SUBMITTING, {}, Priority.CONTAIN),
        (State.PENDING, {}, Priority.CONFIRM),
        (State.CONTAINED, {}, Priority.CONFIRM),
        (State.PENDING, {"release_requested_at": datetime(2026, 1, 31, tzinfo=UTC)}, Priority.RELEASE),
        (State.PENDING, {"deadline_at": datetime(2026, 1, 31, tzinfo=UTC)}, Priority.RELEASE),
        (State.RELEASING, {}, Priority.RELEASE),
        (State.RELEASE_FAILED, {}, Priority.RELEASE),
        (State.RELEASING, {"release_action_id": "a"}, Priority.CONFIRM),
    ],
)
async def test_defender_is_called_for_what_the_state_is_about(
    world: World, state: State, values: dict[str, Any], meant: Priority
) -> None:
    asked = world.request(HOST)
    assert purpose(replace(asked, state=state, **values)) is meant


async def test_a_released_host_is_called_so_only_after_the_action_succeeded(world: World) -> None:
    asked = await contained(world)
    world.let_go(asked)
    await world.drive()
    assert world.look(asked).state == State.RELEASING
    assert "accepted the release" in world.look(asked).detail or "has the release as" in world.look(asked).detail
    done = await world.settle(asked, State.RELEASED)
    assert done.released_at is not None
    assert not world.machine(HOST).isolated
    assert world.states(asked)[-3:] == ["contained", "releasing", "released"]


# --- at most once -----------------------------------------------------------------------------------------------------


async def test_two_requests_for_one_machine_isolate_once_and_the_last_holder_releases(world: World) -> None:
    machine_id = world.machine(HOST).id
    first = world.request(machine_id, key="run-1:contain:0")
    second = world.request(machine_id.upper(), key="run-2:contain:0")
    assert second.id == first.id
    await world.settle(first, State.CONTAINED)
    third = world.request(HOST, key="run-3:contain:0")
    await world.drive()
    assert world.look(third).state == State.NOT_NEEDED
    assert world.look(third).joined_id == first.id
    assert world.holders(first) == {"run-1:contain:0", "run-2:contain:0", "run-3:contain:0"}
    assert len(world.sent("isolate_machine")) == 1
    for run in ("run-1:", "run-3:"):
        world.let_go(first, holder_prefix=run)
        await world.pass_time(60)
        assert world.machine(HOST).isolated
    # The one that joined by name lets go by its own containment, which leads to the one that it joined.
    world.let_go(third, holder_prefix="run-2:")
    await world.settle(first, State.RELEASED)
    assert not world.machine(HOST).isolated
    assert len(world.sent("unisolate_machine")) == 1


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


async def test_a_request_taken_back_before_it_was_sent_sends_nothing(world: World) -> None:
    asked = world.request(HOST)
    world.let_go(asked)
    await world.settle(asked, State.CANCELLED)
    assert world.sent("isolate_machine") == []


async def test_a_request_taken_back_while_defender_is_asked_sends_nothing(world: World) -> None:
    asked = world.request(HOST)

    def take_back(request: httpx.Request) -> None:
        if request.url.path == "/api/machineactions":
            world.let_go(asked)

    world.wire.before = take_back
    await world.settle(asked, State.CANCELLED)
    assert world.sent("isolate_machine") == []


async def test_a_process_that_was_held_up_between_announcing_and_sending_does_not_send(world: World) -> None:
    class Slow(Database):
        async def run(self, work: Callable[[Transaction], T]) -> T:
            done = await super().run(work)
            if isinstance(done, Containment) and done.state == State.SUBMITTING:
                world.advance(LEASE * 2)
            return done

    asked = world.request(HOST)
    slow, quick = Slow(world.database.url, threads=1), world.database
    world.database = slow
    await world.driver().drive_due()
    world.database = quick
    slow.close()
    assert world.sent("isolate_machine") == []
    await world.settle(asked, State.CONTAINED)
    assert len(world.sent("isolate_machine")) == 1


class Crash(BaseException):
    """The process ends here, as by SIGKILL: nothing that handles exceptions may handle it."""


class Fuse:
    """Count steps and crash at one of them, once."""

    def __init__(self, at: int) -> None:
        self.left = at

    def step(self, *_: object) -> None:
        self.left -= 1
        if self.left == 0:
            raise Crash

    @property
    def fired(self) -> bool:
        return self.left <= 0


class Mortal(Database):
    """A database whose user dies before, or right after, a transaction."""

    fuse = Fuse(0)
    after = False

    async def run(self, work: Callable[[Transaction], T]) -> T:
        if not self.after:
            self.fuse.step()
        done = await super().run(work)
        if self.after:
            self.fuse.step()
        return done


@pytest.fixture
def mortal(world: World) -> Iterator[Mortal]:
    opened = Mortal(world.database.url, threads=2)
    yield opened
    opened.close()


async def live_through(world: World, mortal: Mortal, place: str, fuse: Fuse, let_go_when: set[State]) -> Containment:
    """Contain and release the host by drivers of which the first dies at a step, and return the end."""
    world.wire.before = fuse.step if place == "before a request" else lambda _: None
    world.wire.after = fuse.step if place == "after a reply" else lambda _: None
    mortal.fuse = fuse if "transaction" in place else Fuse(0)
    mortal.after = place == "after a transaction"
    asked = world.request(world.machine(HOST).id)
    for _ in range(200):
        found = world.look(asked)
        if found.final:
            return found
        if found.state in HELD:
            assert world.actions("Isolate")[-1].status == "Succeeded"
        if found.state in let_go_when and found.release_requested_at is None:
            world.let_go(asked)
        steady, world.database = world.database, mortal
        try:
            await world.driver().drive_due()
        except Crash:
            # Nobody gives the lease back; it runs out.
            world.advance(LEASE)
        finally:
            world.database = steady
        world.advance(5)
    raise AssertionError(world.look(asked))


PLACES = ["before a request", "after a reply", "before a transaction", "after a transaction"]


@pytest.mark.parametrize(
    ("place", "keeps"),
    # Where the tenant ignores the ExternalId, what is different is how a lost reply is found again.
    [*((place, True) for place in PLACES), *((place, False) for place in PLACES[:2])],
)
async def test_wherever_the_process_dies_there_is_one_isolation_and_one_release(
    world: World, mortal: Mortal, place: str, keeps: bool
) -> None:
    world.set_policy(max_per_hour=1000)
    world.tenant.settings.keep_external_id = keeps
    for at in range(1, 100):
        fuse = Fuse(at)
        isolated, released = len(world.actions("Isolate")), len(world.actions("Unisolate"))
        end = await live_through(world, mortal, place, fuse, {State.CONTAINED})
        assert end.state == State.RELEASED, (at, end.detail)
        assert len(world.actions("Isolate")) == isolated + 1, at
        assert len(world.actions("Unisolate")) == released + 1, at
        assert not world.machine(HOST).isolated
        if not fuse.fired:
            assert at > 10
            return
    raise AssertionError("the journey never ended without a crash")


@pytest.mark.parametrize("place", PLACES)
async def test_wherever_the_process_dies_a_host_let_go_early_ends_free(
    world: World, mortal: Mortal, place: str
) -> None:
    world.set_policy(max_per_hour=1000)
    world.tenant.settings.pending_seconds = 40
    for at in range(1, 100):
        fuse = Fuse(at)
        isolated = len(world.actions("Isolate"))
        end = await live_through(world, mortal, place, fuse, {State.SUBMITTING, State.PENDING, State.CONTAINED})
        assert end.state in (State.CANCELLED, State.RELEASED), (at, end.detail)
        assert len(world.actions("Isolate")) <= isolated + 1, at
        world.advance(3600)
        assert not world.machine(HOST).isolated
        if not fuse.fired:
            assert at > 5
            return
    raise AssertionError("the journey never ended without a crash")


# --- others in the tenant -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("duplicates", ["refuse", "return_pending"])
async def test_a_host_isolated_in_the_portal_is_neither_isolated_again_nor_ever_released(
    world: World, duplicates: Literal["refuse", "return_pending"]
) -> None:
    world.tenant.settings.duplicates = duplicates
    world.portal(HOST, "Isolate")
    asked = world.request(HOST)
    await world.drive()
    assert "An isolation of this host by analyst@contoso.com (Portal) is in progress" in world.look(asked).detail
    done = await world.settle(asked, State.NOT_NEEDED)
    assert "Already isolated by analyst@contoso.com (Portal)" in done.detail
    world.let_go(asked)
    await world.pass_time(3600)
    assert world.machine(HOST).isolated
    assert world.sent("isolate_machine") == world.sent("unisolate_machine") == []


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


async def test_a_host_that_the_portal_released_is_noticed_while_it_is_held(world: World) -> None:
    asked = await contained(world, auto_release_after=86_400.0)
    world.portal(HOST, "Unisolate")
    done = await world.settle(asked, State.SUPERSEDED, within=900)
    assert "analyst@contoso.com (Portal) released the host" in done.detail
    assert world.sent("unisolate_machine") == []


async def test_a_release_begun_in_the_portal_is_waited_for_and_not_repeated(world: World) -> None:
    asked = await contained(world)
    world.portal(HOST, "Unisolate")
    world.let_go(asked)
    await world.drive()
    assert "A release of this host by analyst@contoso.com (Portal) is in progress" in world.look(asked).detail
    done = await world.settle(asked, State.SUPERSEDED)
    assert "released the host" in done.detail
    assert world.sent("unisolate_machine") == []


@pytest.mark.parametrize("duplicates", ["refuse", "return_pending"])
async def test_a_release_that_somebody_begins_in_the_last_moment_is_theirs(
    world: World, duplicates: Literal["refuse", "return_pending"]
) -> None:
    world.tenant.settings.duplicates = duplicates
    asked = await contained(world)

    def be_first(request: httpx.Request) -> None:
        if request.url.path.endswith("/unisolate"):
            world.wire.before = lambda _: None
            world.portal(HOST, "Unisolate")

    world.wire.before = be_first
    world.let_go(asked)
    await world.settle(asked, State.SUPERSEDED)
    assert world.actions("Unisolate") == []


async def test_a_host_isolated_again_by_the_portal_is_not_ours_to_release(world: World) -> None:
    asked = await contained(world)
    for kind in ("Unisolate", "Isolate"):
        world.portal(HOST, kind)
        world.advance(30)
    world.let_go(asked)
    done = await world.settle(asked, State.SUPERSEDED)
    assert "analyst@contoso.com (Portal) " in done.detail
    await world.pass_time(3600)
    assert world.machine(HOST).isolated
    assert world.sent("unisolate_machine") == []


async def test_an_isolation_on_top_of_ours_is_kept_when_we_let_go(world: World) -> None:
    asked = await contained(world)
    world.portal(HOST, "Isolate")
    await world.pass_time(1800)
    assert world.look(asked).state == State.CONTAINED
    world.let_go(asked)
    done = await world.settle(asked, State.SUPERSEDED)
    assert "isolated again" in done.detail
    assert world.machine(HOST).isolated


async def test_an_isolation_cancelled_by_somebody_else_says_who(world: World) -> None:
    world.change(HOST, online=False)
    asked = world.request(HOST)
    await world.settle(asked, State.PENDING)
    lifecycle.cancel(world.tenant, world.actions("Isolate")[0], "bjones@contoso.com", "No", world.simulator.clock.now())
    done = await world.settle(asked, State.CANCELLED)
    assert done.detail == "Cancelled by bjones@contoso.com."


# --- deadlines and duties -----------------------------------------------------------------------------------------------


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


async def test_the_timer_releases_a_host_even_if_nobody_was_there_when_it_ran_out(world: World) -> None:
    asked = await contained(world, auto_release_after=86_400.0)
    world.advance(86_400 - 60)
    await world.drive()
    assert world.look(asked).state == State.CONTAINED
    world.advance(86_400)
    await world.settle(asked, State.RELEASED)
    assert not world.machine(HOST).isolated
    assert world.holders(asked) == set()


async def test_the_timer_serves_the_holder_who_wants_the_host_held_longest(world: World) -> None:
    first = await contained(world, auto_release_after=3600.0)
    world.advance(1800)
    world.request(world.machine(HOST).id, auto_release_after=7200.0)
    world.advance(3600)
    await world.drive()
    assert world.look(first).state == State.CONTAINED
    world.advance(3600)
    await world.settle(first, State.RELEASED)


async def test_a_holder_without_a_timer_stops_the_timer(world: World) -> None:
    first = world.request(HOST, auto_release_after=3600.0)
    await world.settle(first, State.PENDING)
    world.request(world.machine(HOST).id)
    await world.settle(first, State.CONTAINED)
    world.advance(86_400)
    await world.drive()
    assert world.look(first).state == State.CONTAINED


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


async def test_a_release_that_defender_fails_is_tried_again_until_it_succeeds(world: World) -> None:
    asked = await contained(world)
    world.change(HOST, next_outcome="Failed")
    world.let_go(asked)
    failed = await world.settle(asked, State.RELEASE_FAILED)
    assert "still cut off" in failed.detail
    world.tenant.settings.keep_external_id = False
    world.change(HOST, next_outcome="TimeOut")
    await world.settle(asked, State.RELEASING)
    await world.settle(asked, State.RELEASE_FAILED)
    await world.settle(asked, State.RELEASED)
    assert not world.machine(HOST).isolated
    assert len(world.actions("Unisolate")) == 3


async def test_a_release_that_fails_for_days_is_still_tried_every_few_minutes(world: World) -> None:
    asked = await contained(world)
    world.change(HOST, next_outcome="Failed")
    world.let_go(asked)
    await world.settle(asked, State.RELEASE_FAILED)
    world.database.run_now(lambda tx: tx.execute(sa.update(containments).values(attempts=5000)))
    world.advance(300)
    world.change(HOST, next_outcome="Failed")
    await world.settle(asked, State.RELEASING)
    failed = await world.settle(asked, State.RELEASE_FAILED)
    assert "again in 300 s" in failed.detail


async def test_asking_again_for_a_failed_release_tries_at_once(world: World) -> None:
    asked = await contained(world)
    world.change(HOST, next_outcome="Failed")
    world.let_go(asked)
    await world.settle(asked, State.RELEASE_FAILED)
    world.let_go(asked)
    await world.drive()
    assert world.look(asked).state == State.RELEASING


async def test_a_release_that_defender_refuses_pages_somebody_and_goes_on_when_it_is_mended(world: World) -> None:
    asked = await contained(world)
    body = {
        "error": {"code": "Forbidden", "message": "Missing application roles. API required roles: Machine.Isolate."}
    }
    world.fault("status", "unisolate_machine", status=403, body=body, times=3)
    world.let_go(asked)
    failed = await world.settle(asked, State.RELEASE_FAILED)
    assert "Grant the application" in failed.detail
    await world.settle(asked, State.RELEASED, within=600)


async def test_a_new_request_during_the_release_waits_for_it_and_contains_anew(world: World) -> None:
    first = await contained(world)
    world.let_go(first)
    await world.settle(first, State.RELEASING)
    second = world.request(world.machine(HOST).id)
    assert second.id != first.id
    await world.drive()
    assert "is releasing this host" in world.look(second).detail
    await world.settle(second, State.CONTAINED)
    assert world.look(first).state == State.RELEASED
    assert len(world.actions("Isolate")) == 2


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


async def test_many_actions_on_a_machine_do_not_hide_the_one_that_counts(world: World) -> None:
    asked = await contained(world)
    for _ in range(60):
        for kind in ("Unisolate", "Isolate"):
            world.portal(HOST, kind)
            world.advance(30)
    world.let_go(asked)
    done = await world.settle(asked, State.SUPERSEDED)
    assert "isolated again" in done.detail
