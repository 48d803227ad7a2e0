"""The simulated world as the control routes show it: with its secrets, and machines as they truly are."""

from typing import Any

from ringfence.simulator.tenant import App, Machine, Tenant

Json = dict[str, Any]


def of_app(app: App) -> Json:
    """Show an app registration."""
    secrets = [{"id": item.id, "value": item.value, "expires_at": item.expires_at} for item in app.secrets]
    return {
        "name": app.name,
        "client_id": app.client_id,
        "roles": app.roles,
        "disabled": app.disabled,
        "certificates": len(app.certificates),
        "secrets": secrets,
    }


def of_machine(machine: Machine) -> Json:
    """Show a machine."""
    return {
        "id": machine.id,
        "name": machine.name,
        "online": machine.online_since is not None,
        "isolated": machine.isolated,
        "restricted": machine.restricted,
        "quarantined": machine.quarantined,
        "tags": machine.record.document.get("machineTags"),
    }


def of_tenant(tenant: Tenant) -> Json:
    """Show a tenant."""
    return {
        "tenant_id": tenant.id,
        "name": tenant.name,
        "domains": tenant.domains,
        "settings": tenant.settings.model_dump(),
        "targets": tenant.targets,
        "apps": [of_app(app) for app in tenant.apps.values()],
        "machines": [of_machine(machine) for machine in tenant.machines.values()],
        "alerts": len(tenant.alerts),
        "events_played": tenant.played,
        "events": len(tenant.events),
        "actions": [action.record.document for action in tenant.actions.values()],
    }
