"""The kill switch: nothing that has not left leaves any more, wherever it waits; releases go on."""

import asyncio

import httpx

from containment_world import World
from ringfence.containment import policies
from ringfence.containment.model import State
from ringfence.containment.policies import PROVIDER, Scope

HOST, OTHER = "wks-001", "wks-002"
SWITCH_WITHIN = 1.0


def freeze(world: World, *, on: bool = True, everywhere: bool = False) -> None:
    where = PROVIDER if everywhere else Scope(world.organization_id)
    world.database.run_now(lambda tx: policies.freeze(tx, where, on=on, by="megan", reason="Storm"))


async def test_what_is_approved_and_not_sent_is_never_sent(world: World) -> None:
    asked = world.request(HOST)

    def at_the_last_read(request: httpx.Request) -> None:
        if request.method == "GET" and request.url.path.endswith("/machineactions"):
            world.simulator.clock.advance(SWITCH_WITHIN)
            freeze(world, everywhere=True)

    world.wire.before = at_the_last_read
    await world.drive()
    found = world.look(asked)
    assert found.state is State.DENIED
    assert "kill switch is on" in found.detail
    assert world.states(asked) == ["requested", "approved", "denied"]
    assert world.sent("isolate_machine") == []


async def test_a_request_that_is_repeated_after_a_refusal_is_stopped_before_it_leaves_again(world: World) -> None:
    world.fault("status", "isolate_machine", status=429, headers={"Retry-After": "1"})
    asked = world.request(HOST)

    def after_the_refusal(request: httpx.Request) -> None:
        if request.url.path.endswith("/isolate"):
            freeze(world)

    world.wire.after = after_the_refusal
    await world.drive()
    assert world.look(asked).state is State.DENIED
    assert len(world.sent("isolate_machine")) == 1
    assert world.actions("Isolate") == []
    assert "turned on before the request left" in " ".join(world.details(asked))


async def test_new_requests_are_denied_and_releases_go_on_until_it_is_off(world: World) -> None:
    held = await world.settle(world.request(world.machine(HOST).id), State.CONTAINED)
    freeze(world)
    refused = world.request(OTHER)
    await world.drive()
    assert world.look(refused).state is State.DENIED
    world.let_go(held)
    await world.settle(held, State.RELEASED)
    freeze(world, on=False)
    await world.settle(world.request(OTHER), State.CONTAINED)


async def test_a_lost_isolation_is_still_looked_for(world: World) -> None:
    world.fault("drop_before_effect", "isolate_machine")
    asked = world.request(HOST)
    await world.drive()
    freeze(world)
    await world.pass_time(120)
    found = world.look(asked)
    assert (found.state, found.final) == (State.APPROVED, False)
    assert "looking whether the lost isolation shows up" in found.detail
    await world.settle(asked, State.DENIED, within=1200)
    assert world.actions("Isolate") == []


async def test_a_hundred_that_are_being_decided_stop_within_a_second(world: World) -> None:
    world.set_policy(max_per_hour=1000)
    names = [each.record.document["computerDnsName"] for each in world.tenant.machines.values()]
    for name in names[:100]:
        world.request(str(name))
    sent_after: list[float] = []
    frozen_at: list[float] = []

    def watch(request: httpx.Request) -> None:
        if request.url.path.endswith("/isolate"):
            if frozen_at:
                sent_after.append(world.simulator.clock.now() - frozen_at[0])
            elif len(world.sent("isolate_machine")) >= 3:
                frozen_at.append(world.simulator.clock.now())
                freeze(world)
                world.simulator.clock.advance(SWITCH_WITHIN)

    world.wire.before = watch
    await world.drive()
    await asyncio.sleep(0)
    assert frozen_at
    # Those that were on the wire at that very moment.
    assert all(late <= SWITCH_WITHIN for late in sent_after)
    world.wire.before = lambda request: None
    sent = len(world.sent("isolate_machine"))
    await world.pass_time(30)
    assert len(world.sent("isolate_machine")) == sent
