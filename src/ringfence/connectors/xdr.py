"""Incidents and hunting by the Microsoft Defender XDR API; Microsoft advises Graph security for what is new.

Permissions are the least application roles of Microsoft Threat Protection (source: endpoints.yaml of the fact book, group
xdr_incidents).
"""

from typing import Annotated, Literal

from pydantic import Field

from ringfence.actions import (
    ActionError,
    Connector,
    Context,
    Duration,
    Effect,
    Json,
    Query,
    Release,
    Rows,
    fitting,
    found_rows,
    where,
)

connector = Connector(
    "xdr",
    title="Microsoft Defender XDR",
    version="1.0.0",
    description="Incidents with their alerts, and hunting, over all Defender products of the connected tenant.",
    category="Endpoint",
    releases=(
        Release(
            "1.0.0",
            "2026-11-22",
            "First release: incidents with their alerts, and hunting, over all Defender products.",
        ),
    ),
)

Incident = Annotated[
    int, Field(description="The id of the incident, e.g. ${trigger.alert.incidentId}.", ge=1, le=2**63 - 1)
]


@connector.action(effect=Effect.READ, operations=("list_incidents_xdr",), permissions=("Incident.Read.All",))
async def list_incidents(
    context: Context,
    status: Annotated[
        Literal["Active", "InProgress", "Resolved", "Redirected"] | None,
        Field(description="Only those of this status; redirected ones were merged into another."),
    ] = None,
    assigned_to: Annotated[str | None, Field(description="Only those of this owner, e.g. soc@contoso.com.")] = None,
    within: Annotated[
        Duration | None, Field(description="Only those that changed within this time, e.g. 24 h.")
    ] = None,
    limit: Annotated[int, Field(description="How many at most, 1 to 500.", ge=1, le=500)] = 50,
) -> Json:
    """List incidents with their alerts, the last changed first.

    `items` are the incidents; `more` says that there are others which fit.

    Example:
        open_incidents:
          action: xdr.list_incidents
          with: {status: Active, within: 7 d, limit: 20}
    """
    conditions = (
        where("status", "eq", status),
        where("assignedTo", "eq", assigned_to),
        where("lastUpdateTime", "ge", context.now() - within.timedelta if within else None),
    )
    found = await context.defender.list("list_incidents_xdr", limit=limit, conditions=conditions)
    kept = fitting(found.items)
    return {"items": kept, "more": found.cut or len(kept) < len(found.items)}


@connector.action(effect=Effect.READ, operations=("get_incident_xdr",), permissions=("Incident.Read.All",))
async def get_incident(context: Context, incident: Incident) -> Json:
    """Read one incident as it is now, with its alerts, their devices and their evidence.

    Example:
        incident:
          action: xdr.get_incident
          with: {incident: "${trigger.alert.incidentId}"}
    """
    return await context.defender.read("get_incident_xdr", incident_id=incident)


@connector.action(
    effect=Effect.WRITE,
    operations=("update_incident_xdr", "get_incident_xdr"),
    permissions=("Incident.ReadWrite.All",),
    repeatable=True,
)
async def update_incident(
    context: Context,
    incident: Incident,
    status: Annotated[Literal["Active", "InProgress", "Resolved"] | None, Field(description="The new status.")] = None,
    assigned_to: Annotated[str | None, Field(description="The new owner, e.g. soc@contoso.com.")] = None,
    classification: Annotated[
        Literal["TruePositive", "InformationalExpectedActivity", "FalsePositive"] | None,
        Field(description="What the incident turned out to be."),
    ] = None,
    determination: Annotated[
        str | None, Field(description="The finer reason, as Defender names it, e.g. MultiStagedAttack or Phishing.")
    ] = None,
    tags: Annotated[
        list[str] | None, Field(description="The tags that it has from now on: all others are taken away.")
    ] = None,
    comment: Annotated[
        str | None,
        Field(description="A comment to add, once.", json_schema_extra={"format": "multi-line"}),
    ] = None,
) -> Json:
    """Change an incident, or comment on it; what is left out stays as it is.

    Example:
        take_it:
          action: xdr.update_incident
          with: {incident: "${trigger.alert.incidentId}", status: InProgress, comment: The host is contained.}
    """
    changes = {
        "status": status,
        "assigned_to": assigned_to,
        "classification": classification,
        "determination": determination,
        "tags": tags,
        "comment": comment or None,
    }
    if all(value is None for value in changes.values()):
        message, advice = "There is nothing to change on the incident.", "Give at least one of the things to change."
        raise ActionError(message, code="nothing-to-do", permanent=True, advice=advice)
    return await context.defender.write("update_incident_xdr", key=context.step_key, incident_id=incident, **changes)


@connector.action(
    effect=Effect.READ, operations=("run_advanced_hunting_xdr",), permissions=("AdvancedHunting.Read.All",)
)
async def hunt(context: Context, query: Query, rows: Rows = 1000) -> Json:
    """Hunt with a KQL query over the tables of all Defender products and the past 30 days.

    `columns` are the names in their order, `rows` one object each, `found` how many there were; `more` says that some were
    left out here. All who hunt in a tenant share its allowance of calls and of computing time.

    Example:
        logons:
          action: xdr.hunt
          with:
            query: |
              DeviceLogonEvents
              | where DeviceId == "${trigger.alert.machineId}"
              | take 100
    """
    return found_rows(await context.defender.read("run_advanced_hunting_xdr", query=query), rows)
