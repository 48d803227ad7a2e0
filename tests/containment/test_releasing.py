from typing import Any, Literal, TypeVar

import httpx
import pytest
import sqlalchemy as sa

from containment_world import World
from ringfence.containment.model import Containment, State
from ringfence.storage.tables import containments

T = TypeVar("T")

HOST = "wks-001"


async def contained(world: World, **options: Any) -> Containment:
    """Contain the host."""
    return await world.settle(world.request(world.machine(HOST).id, **options), State.CONTAINED)


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
