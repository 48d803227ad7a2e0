"""Somebody looks before each request leaves, also before one that is repeated."""

import httpx
import pytest

from ringfence.defender import ClientSecret, Cloud, DefenderClient, RetryPolicy, looking_first
from ringfence.simulator import Simulator, create_app
from ringfence.simulator.faults import Fault


class Closed(Exception):
    """It may not leave."""


async def nothing(seconds: float) -> None:
    return None


@pytest.fixture
def simulator() -> Simulator:
    return Simulator.from_scenario("quiet", frozen=True)


def client(simulator: Simulator) -> DefenderClient:
    tenant = next(iter(simulator.tenants.values()))
    app = next(iter(tenant.apps.values()))
    return DefenderClient(
        Cloud.simulator("http://127.0.0.1:8900"),
        tenant.id,
        ClientSecret(app.client_id, app.secrets[0].value),
        transport=httpx.ASGITransport(create_app(simulator)),
        retry=RetryPolicy(attempts=5, sleep=nothing, chance=lambda: 0.0),
    )


def machine_of(simulator: Simulator) -> str:
    return next(iter(next(iter(simulator.tenants.values())).machines))


async def test_a_repeated_request_is_looked_at_again_and_may_be_stopped(simulator: Simulator) -> None:
    simulator.faults.add(
        Fault.model_validate({"kind": "status", "status": 429, "operation": "isolate_machine", "times": 2})
    )
    looks = 0

    async def look() -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            raise Closed

    async with client(simulator) as defender:
        with looking_first(look), pytest.raises(Closed):
            await defender.isolate_machine(machine_of(simulator), comment="Storm")
    assert looks == 3
    assert len(simulator.journal.find(operation="isolate_machine")) == 2
    assert next(iter(simulator.tenants.values())).actions == {}


async def test_nobody_looks_outside_of_the_block(simulator: Simulator) -> None:
    async def look() -> None:
        raise Closed

    async with client(simulator) as defender:
        with looking_first(look):
            pass
        await defender.isolate_machine(machine_of(simulator), comment="Storm")
    assert len(simulator.journal.find(operation="isolate_machine")) == 1
