"""Domains: where in the organization they were seen; one that is not known gives empty answers."""

from typing import Annotated

from pydantic import Field

from ringfence.actions import Context, Effect, Json
from ringfence.connectors.defender import connector
from ringfence.connectors.defender.answers import hours, listed
from ringfence.connectors.defender.inputs import Limit, LookBack

Domain = Annotated[str, Field(description="The domain, e.g. fabrikam.com.", min_length=1, max_length=255)]


@connector.action(effect=Effect.READ, operations=("get_domain_stats",), permissions=("URL.Read.All",))
async def get_domain_stats(context: Context, domain: Domain, look_back: LookBack = None) -> Json:
    """Read how widespread a domain is in the organization, and since when.

    Example:
        spread:
          action: defender.get_domain_stats
          with: {domain: beacon.fabrikam.com, look_back: 7 d}
    """
    return await context.defender.read("get_domain_stats", domain=domain, look_back_hours=hours(look_back))


@connector.action(effect=Effect.READ, operations=("get_domain_alerts",), permissions=("Alert.ReadWrite.All",))
async def get_domain_alerts(context: Context, domain: Domain, limit: Limit = 100) -> Json:
    """List the alerts that a domain is part of; Microsoft asks for the role that also changes alerts.

    `items` are the alerts; `more` says that there are others.

    Example:
        same_domain:
          action: defender.get_domain_alerts
          with: {domain: beacon.fabrikam.com}
    """
    return listed(context, await context.defender.list("get_domain_alerts", limit=limit, domain=domain))


@connector.action(effect=Effect.READ, operations=("get_domain_machines",), permissions=("Machine.Read.All",))
async def get_domain_machines(context: Context, domain: Domain, limit: Limit = 100) -> Json:
    """List the machines that talked to a domain; Microsoft gives 500 at most.

    `items` are the machines; `more` says that there are others.

    Example:
        also_there:
          action: defender.get_domain_machines
          with: {domain: beacon.fabrikam.com}
    """
    return listed(context, await context.defender.list("get_domain_machines", limit=limit, domain=domain))
