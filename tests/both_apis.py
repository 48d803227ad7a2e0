"""A simulated tenant whose alerts both sources read."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx

from ringfence import clock
from ringfence.defender import ClientSecret, Cloud, DefenderClient
from ringfence.simulator import Simulator, create_app
from ringfence.simulator.control_client import SimulatorControl

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
ORIGIN = "http://127.0.0.1:8900"


@asynccontextmanager
async def both_apis() -> AsyncIterator[tuple[SimulatorControl, Any]]:
    """Sign in to a simulated tenant as the client that both sources use; the time is START."""
    simulator = Simulator.from_scenario("quiet", frozen=True, start=START)
    clock.replace(lambda: START.timestamp())
    tenant = next(iter(simulator.tenants.values()))
    app = next(iter(tenant.apps.values()))
    transport = httpx.ASGITransport(create_app(simulator))
    credential = ClientSecret(app.client_id, app.secrets[0].value)
    async with (
        SimulatorControl(ORIGIN, transport=transport) as control,
        DefenderClient(Cloud.simulator(ORIGIN), tenant.id, credential, transport=transport) as client,
    ):
        yield control, client
