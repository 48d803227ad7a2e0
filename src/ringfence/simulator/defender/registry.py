"""The operations of Defender for Endpoint, and what several nouns look up."""

from ringfence.simulator.operations import Call, Registry, not_found
from ringfence.simulator.tenant import Machine

REGISTRY = Registry(("/api", "/api/v1.0"))
operation = REGISTRY.operation

AUDIENCES = (
    "https://api.securitycenter.microsoft.com",
    "https://securitycenter.onmicrosoft.com/windowsatpservice",
    "https://api-gcc.securitycenter.microsoft.us",
    "https://api-gov.securitycenter.microsoft.us",
    "fc780465-2017-40d4-a0c5-307022471b92",
)
"""Audiences whose tokens the API takes; others get 401."""


def machine_of(call: Call, machine_id: str) -> Machine:
    """Return the machine of that id, its lastSeen brought up to date. Raises ApiError 404."""
    call.entry.machine_id = machine_id
    machine = call.tenant.machines.get(machine_id.lower()) or call.tenant.machines.get(machine_id)
    if machine is None:
        raise not_found(f"Machine {machine_id}")
    call.entry.machine_id = machine.id
    refresh(call)
    return machine


def refresh(call: Call) -> None:
    """Let the machines that are online have reported by now."""
    report_seconds = call.simulator.clock.duration(call.tenant.settings.report_seconds)
    call.tenant.refresh_machines(call.now, report_seconds)
