"""Read machines and alerts in Microsoft Defender for Endpoint, and write back to alerts.

Permissions are the least application roles of the operation; the wider ReadWrite roles include them
(source: endpoints.yaml of the fact book).
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from ringfence.actions import ActionError, Connector, Context, Effect, Json, where

connector = Connector(
    "defender",
    title="Microsoft Defender for Endpoint",
    version="1.0.0",
    description="Machines, alerts and machine actions of the connected tenant.",
    category="Endpoint",
)

Machine = Annotated[str, Field(description="The Defender id of the machine, 40 hexadecimal digits.", min_length=1)]
Alert = Annotated[str, Field(description="The id of the alert, e.g. ${trigger.alert.id}.", min_length=1)]


@connector.action(effect=Effect.READ, permissions=("Machine.Read.All",))
async def get_machine(context: Context, machine: Machine) -> Json:
    """Read one machine: name, addresses, health, onboarding, risk and tags.

    Example:
        machine:
          action: defender.get_machine
          with: {machine: "${trigger.alert.machineId}"}
    """
    return await context.defender.read("get_machine", machine=machine)


@connector.action(effect=Effect.READ, permissions=("Alert.Read.All",))
async def get_alert(context: Context, alert: Alert) -> Json:
    """Read one alert as it is now, with its evidence.

    Example:
        alert_now:
          action: defender.get_alert
          with: {alert: "${trigger.alert.id}"}
    """
    return await context.defender.read("get_alert", alert_id=alert)


@connector.action(effect=Effect.READ, permissions=("Machine.Read.All",))
async def find_machines_by_ip(
    context: Context,
    ip: Annotated[str, Field(description="An internal address, IPv4 or IPv6.", min_length=2)],
    at: Annotated[
        datetime | None,
        Field(description="The time around which the address was used (15 minutes either side); by default now."),
    ] = None,
) -> Json:
    """List the machines that used an internal address around a time of the last 30 days.

    Example:
        candidates:
          action: defender.find_machines_by_ip
          with: {ip: 10.1.2.3, at: "${trigger.alert.lastEventTime}"}
    """
    moment = at or context.now()
    if moment.tzinfo is None:
        message = f"The time {moment.isoformat()} has no time zone."
        raise ActionError(message, code="no-time-zone", permanent=True, advice="Write it with a Z at the end for UTC.")
    return await context.defender.read("find_machines_by_ip", ip=ip, timestamp=moment)


@connector.action(effect=Effect.READ, permissions=("User.Read.All",))
async def get_machine_logon_users(context: Context, machine: Machine) -> Json:
    """List the users who logged on to a machine.

    Example:
        users:
          action: defender.get_machine_logon_users
          with: {machine: "${trigger.alert.machineId}"}
    """
    return await context.defender.read("get_machine_logon_users", machine_id=machine)


@connector.action(effect=Effect.READ, permissions=("Machine.Read.All",))
async def list_machine_actions(context: Context, machine: Machine) -> Json:
    """List what was done to a machine: isolations, releases, scans, and by whom; the latest first.

    Example:
        history:
          action: defender.list_machine_actions
          with: {machine: "${trigger.alert.machineId}"}
    """
    listing = await context.defender.list(
        "list_machine_actions",
        limit=100,
        conditions=[where("machineId", "eq", machine)],
        order_by="creationDateTimeUtc desc",
    )
    return listing.items


@connector.action(effect=Effect.WRITE, permissions=("Alert.ReadWrite.All",), repeatable=True)
async def update_alert(
    context: Context,
    alert: Alert,
    status: Annotated[Literal["New", "InProgress", "Resolved"] | None, Field(description="The new status.")] = None,
    assigned_to: Annotated[str | None, Field(description="The new owner, e.g. soc@contoso.com.")] = None,
    classification: Annotated[
        Literal["TruePositive", "InformationalExpectedActivity", "FalsePositive"] | None,
        Field(description="What the alert turned out to be."),
    ] = None,
    determination: Annotated[
        str | None, Field(description="The finer reason, as Defender names it, e.g. Malware or SecurityTesting.")
    ] = None,
    comment: Annotated[
        str | None, Field(description="A comment to add to the alert; alone if nothing else changes.")
    ] = None,
) -> Json:
    """Change an alert, or comment on it; what is left out stays as it is.

    Example:
        comment:
          action: defender.update_alert
          with: {alert: "${trigger.alert.id}", status: InProgress, comment: Looking into it}
    """
    if not any((status, assigned_to, classification, determination, comment)):
        message = "There is nothing to change on the alert."
        advice = "Give a status, owner, classification, determination or comment."
        raise ActionError(message, code="nothing-to-do", permanent=True, advice=advice)
    return await context.defender.write(
        "update_alert",
        alert_id=alert,
        status=status,
        assigned_to=assigned_to,
        classification=classification,
        determination=determination,
        comment=comment,
        key=context.step_key,
    )
