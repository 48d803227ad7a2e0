"""IP addresses: where in the organization they were seen; one that is not known gives empty answers."""

from typing import Annotated

from pydantic import Field

from ringfence.actions import Context, Effect, Json
from ringfence.connectors.defender import connector
from ringfence.connectors.defender.answers import hours, listed
from ringfence.connectors.defender.inputs import Limit, LookBack

Address = Annotated[str, Field(description="The address, IPv4 or IPv6.", min_length=2, max_length=45)]


@connector.action(
    effect=Effect.READ, operations=("get_ip_stats",), permissions=("Ip.Read.All",), title="Get IP address stats"
)
async def get_ip_stats(context: Context, ip: Address, look_back: LookBack = None) -> Json:
    """Read how many machines of the organization talked to an address, and since when.

    Example:
        spread:
          action: defender.get_ip_stats
          with: {ip: 203.0.113.7, look_back: 24 h}
    """
    return await context.defender.read("get_ip_stats", ip=ip, look_back_hours=hours(look_back))


@connector.action(
    effect=Effect.READ, operations=("get_ip_alerts",), permissions=("Alert.Read.All",), title="Get IP address alerts"
)
async def get_ip_alerts(context: Context, ip: Address, limit: Limit = 100) -> Json:
    """List the alerts that an address is part of.

    `items` are the alerts; `more` says that there are others.

    Example:
        same_address:
          action: defender.get_ip_alerts
          with: {ip: 203.0.113.7}
    """
    return listed(context, await context.defender.list("get_ip_alerts", limit=limit, ip=ip))
