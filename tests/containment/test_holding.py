from typing import Any, TypeVar

from containment_world import World
from ringfence.containment.model import Containment, State

T = TypeVar("T")

HOST = "wks-001"


async def contained(world: World, **options: Any) -> Containment:
    """Contain the host."""
    return await world.settle(world.request(world.machine(HOST).id, **options), State.CONTAINED)


async def test_a_host_that_the_portal_released_is_noticed_while_it_is_held(world: World) -> None:
    asked = await contained(world, auto_release_after=86_400.0)
    world.portal(HOST, "Unisolate")
    done = await world.settle(asked, State.SUPERSEDED, within=900)
    assert "analyst@contoso.com (Portal) released the host" in done.detail
    assert world.sent("unisolate_machine") == []
