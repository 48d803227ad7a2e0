"""Whole histories of containments, through the real client, the simulator and a database."""

from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeVar

import httpx
import pytest

from containment_world import World
from ringfence.containment.claims import LEASE
from ringfence.containment.model import HELD, Containment, State
from ringfence.storage import Database, Transaction

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


# --- deadlines and duties -----------------------------------------------------------------------------------------------


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
