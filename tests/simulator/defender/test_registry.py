import httpx

from ringfence.simulator import Simulator
from ringfence.simulator.defender import NOUNS, REGISTRY
from ringfence.simulator.tenant import Tenant


def test_every_operation_says_which_roles_it_needs() -> None:
    assert len(NOUNS) >= 3
    assert all(operation.roles for operation in REGISTRY.operations.values())
    assert {"list_alerts", "isolate_machine", "get_machine_action"} <= set(REGISTRY.operations)


async def test_a_machine_is_named_in_the_journal_and_unknown_ones_are_404(
    http: httpx.AsyncClient, simulator: Simulator, machine_id: str
) -> None:
    await http.get(f"/api/machines/{machine_id.upper()}/logonusers")
    assert simulator.journal.entries[-1].machine_id == machine_id
    reply = await http.get("/api/machines/123123123/logonusers")
    assert reply.json()["error"]["message"] == "Machine 123123123 was not found"


async def test_reading_machines_brings_their_last_report_up_to_date(
    http: httpx.AsyncClient, simulator: Simulator, machine_id: str, contoso: Tenant
) -> None:
    contoso.settings.report_seconds = 60
    before = (await http.get(f"/api/machines/{machine_id}")).json()["lastSeen"]
    simulator.clock.advance(1_800)
    assert (await http.get(f"/api/machines/{machine_id}")).json()["lastSeen"] > before
