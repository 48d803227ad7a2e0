"""What a client achieved in a tenant: told by the tenant's own truth, not by what the client believes."""

from typing import Any

from ringfence.simulator.tenant import Tenant
from ringfence.simulator.world import Simulator


def of_tenant(tenant: Tenant) -> dict[str, Any]:
    """Summarise one tenant; `wrong_hosts_touched` is null where the scenario names no targets."""
    wrong = None if tenant.targets is None else sorted(tenant.tally.touched - set(tenant.targets))
    return {
        "tenant_id": tenant.id,
        "name": tenant.name,
        "alerts_delivered": len(tenant.delivered),
        "isolate_requests": tenant.tally.isolate_requests,
        "unisolate_requests": tenant.tally.unisolate_requests,
        "isolations_succeeded": len(tenant.tally.isolated),
        "releases_succeeded": len(tenant.tally.released),
        "isolated_now": sorted(machine.id for machine in tenant.machines.values() if machine.isolated),
        "wrong_hosts_touched": wrong,
        "targets": tenant.targets,
        "comments": {
            record.key: [item.get("comment") for item in record.document["comments"] if isinstance(item, dict)]
            for record in tenant.alert_order
            if isinstance(record.document.get("comments"), list) and record.document["comments"]
        },
    }


def of_world(simulator: Simulator) -> dict[str, Any]:
    """Summarise every tenant."""
    return {"tenants": [of_tenant(tenant) for tenant in simulator.tenants.values()]}
