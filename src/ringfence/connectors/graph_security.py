"""Alerts and incidents of all Defender products, and hunting, by Microsoft Graph.

An alert has another id here than in Defender for Endpoint, and names the machine in its evidence. Permissions are the least
application roles of Microsoft Graph (source: endpoints.yaml of the fact book, group graph_security).
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from ringfence.actions import (
    ActionError,
    Connector,
    Context,
    Duration,
    Effect,
    Json,
    Listing,
    Query,
    Release,
    Rows,
    fitting,
    found_rows,
    where,
)

connector = Connector(
    "graph_security",
    title="Microsoft Graph security",
    version="1.0.0",
    description="Alerts, incidents and hunting over all Defender products of the connected tenant.",
    category="Endpoint",
    releases=(
        Release("1.0.0", "2026-11-22", "First release: alerts and incidents of Microsoft Graph security, and hunting."),
    ),
)

Alert = Annotated[str, Field(description="The id of the alert in Graph.", min_length=1)]
Incident = Annotated[str, Field(description="The id of the incident, a number.", min_length=1)]
Severity = Literal["informational", "low", "medium", "high"]
Classification = Annotated[
    Literal["unknown", "falsePositive", "truePositive", "informationalExpectedActivity"] | None,
    Field(description="What it turned out to be."),
]
Determination = Annotated[
    str | None, Field(description="The finer reason, as Graph names it, e.g. malware or securityTesting.")
]
Owner = Annotated[str | None, Field(description="Only those of this owner, e.g. soc@contoso.com.")]
NewOwner = Annotated[str | None, Field(description="The new owner, e.g. soc@contoso.com.")]
Within = Annotated[Duration | None, Field(description="Only those that changed within this time, e.g. 24 h.")]
Comment = Annotated[str, Field(description="What to say.", min_length=1, json_schema_extra={"format": "multi-line"})]
Condition = Annotated[
    str, Field(description="A further condition in OData, e.g. determination eq 'malware', as far as Graph allows it.")
]
Limit = Annotated[int, Field(description="How many at most, 1 to 500.", ge=1, le=500)]


@connector.action(effect=Effect.READ, operations=("graph_list_alerts",), permissions=("SecurityAlert.Read.All",))
async def list_alerts(
    context: Context,
    status: Annotated[
        Literal["new", "inProgress", "resolved"] | None, Field(description="Only those of this status.")
    ] = None,
    severity: Annotated[list[Severity] | None, Field(description="Only those of one of these severities.")] = None,
    service: Annotated[
        str | None, Field(description="Only those of this product, e.g. microsoftDefenderForEndpoint.")
    ] = None,
    assigned_to: Owner = None,
    within: Within = None,
    filter: Condition = "",  # noqa: A002 - the query option's own name
    limit: Limit = 50,
) -> Json:
    """List alerts of all Defender products with their evidence, the newest first.

    `items` are the alerts; `more` says that there are others which fit.

    Example:
        same_attack:
          action: graph_security.list_alerts
          with: {severity: [high], within: 24 h, limit: 20}
    """
    conditions = (
        where("status", "eq", status),
        where("severity", "eq", *(severity or ())),
        where("serviceSource", "eq", service),
        where("assignedTo", "eq", assigned_to),
        where("lastUpdateDateTime", "ge", context.now() - within.timedelta if within else None),
    )
    return _listed(await context.defender.list("graph_list_alerts", limit=limit, conditions=conditions, filter=filter))


@connector.action(effect=Effect.READ, operations=("graph_get_alert",), permissions=("SecurityAlert.Read.All",))
async def get_alert(context: Context, alert: Alert) -> Json:
    """Read one alert as it is now, with its evidence and comments.

    Example:
        alert_in_graph:
          action: graph_security.get_alert
          with: {alert: "${trigger.alert.id}"}
    """
    return await context.defender.read("graph_get_alert", alert_id=alert)


@connector.action(
    effect=Effect.WRITE,
    operations=("graph_update_alert",),
    permissions=("SecurityAlert.ReadWrite.All",),
    repeatable=True,
)
async def update_alert(
    context: Context,
    alert: Alert,
    status: Annotated[Literal["new", "inProgress", "resolved"] | None, Field(description="The new status.")] = None,
    assigned_to: NewOwner = None,
    classification: Classification = None,
    determination: Determination = None,
    details: Annotated[
        dict[str, str] | None, Field(description="Details of your own to keep with the alert, as names and texts.")
    ] = None,
) -> Json:
    """Change an alert; what is left out stays as it is.

    Example:
        resolve:
          action: graph_security.update_alert
          with: {alert: "${trigger.alert.id}", status: resolved, classification: truePositive, determination: malware}
    """
    changes = {
        "status": status,
        "assigned_to": assigned_to,
        "classification": classification,
        "determination": determination,
        "custom_details": details,
    }
    _demand(changes, "alert")
    return await context.defender.write("graph_update_alert", key=context.step_key, alert_id=alert, **changes)


@connector.action(
    effect=Effect.WRITE,
    operations=("graph_create_alert_comment", "graph_get_alert"),
    permissions=("SecurityAlert.ReadWrite.All",),
    repeatable=True,
)
async def comment_on_alert(context: Context, alert: Alert, comment: Comment) -> Json:
    """Add a comment to an alert, once; gives all its comments.

    Example:
        say_so:
          action: graph_security.comment_on_alert
          with: {alert: "${trigger.alert.id}", comment: The host is contained.}
    """
    return await context.defender.write(
        "graph_create_alert_comment", key=context.step_key, alert_id=alert, comment=comment
    )


@connector.action(effect=Effect.READ, operations=("graph_list_incidents",), permissions=("SecurityIncident.Read.All",))
async def list_incidents(
    context: Context,
    status: Annotated[
        Literal["active", "inProgress", "awaitingAction", "resolved", "redirected"] | None,
        Field(description="Only those of this status; redirected ones were merged into another."),
    ] = None,
    severity: Annotated[list[Severity] | None, Field(description="Only those of one of these severities.")] = None,
    assigned_to: Owner = None,
    within: Within = None,
    filter: Condition = "",  # noqa: A002 - the query option's own name
    with_alerts: Annotated[
        bool, Field(description="Also the alerts of each; Microsoft refuses this to large tenants.")
    ] = False,
    limit: Limit = 50,
) -> Json:
    """List incidents, the groups of alerts that belong together.

    `items` are the incidents; `more` says that there are others which fit.

    Example:
        open_incidents:
          action: graph_security.list_incidents
          with: {status: active, severity: [high, medium], within: 7 d}
    """
    conditions = (
        where("status", "eq", status),
        where("severity", "eq", *(severity or ())),
        where("assignedTo", "eq", assigned_to),
        where("lastUpdateDateTime", "ge", context.now() - within.timedelta if within else None),
    )
    expand = ("alerts",) if with_alerts else ()
    return _listed(
        await context.defender.list(
            "graph_list_incidents", limit=limit, conditions=conditions, filter=filter, expand=expand
        )
    )


@connector.action(effect=Effect.READ, operations=("graph_get_incident",), permissions=("SecurityIncident.Read.All",))
async def get_incident(context: Context, incident: Incident) -> Json:
    """Read one incident as it is now, with its comments.

    Example:
        incident:
          action: graph_security.get_incident
          with: {incident: "${to_string(trigger.alert.incidentId)}"}
    """
    return await context.defender.read("graph_get_incident", incident_id=incident)


@connector.action(
    effect=Effect.WRITE,
    operations=("graph_update_incident",),
    permissions=("SecurityIncident.ReadWrite.All",),
    repeatable=True,
)
async def update_incident(
    context: Context,
    incident: Incident,
    status: Annotated[Literal["active", "inProgress", "resolved"] | None, Field(description="The new status.")] = None,
    assigned_to: NewOwner = None,
    classification: Classification = None,
    determination: Determination = None,
    tags: Annotated[
        list[str] | None, Field(description="The tags that it has from now on: all others are taken away.")
    ] = None,
) -> Json:
    """Change an incident; what is left out stays as it is.

    Example:
        take_it:
          action: graph_security.update_incident
          with: {incident: "${to_string(trigger.alert.incidentId)}", assigned_to: soc@contoso.com, tags: [ringfence]}
    """
    changes = {
        "status": status,
        "assigned_to": assigned_to,
        "classification": classification,
        "determination": determination,
        "custom_tags": tags,
    }
    _demand(changes, "incident")
    return await context.defender.write("graph_update_incident", key=context.step_key, incident_id=incident, **changes)


@connector.action(
    effect=Effect.WRITE,
    operations=("graph_create_incident_comment", "graph_get_incident"),
    permissions=("SecurityIncident.ReadWrite.All",),
    repeatable=True,
)
async def comment_on_incident(context: Context, incident: Incident, comment: Comment) -> Json:
    """Add a comment to an incident, once; gives all its comments.

    Example:
        say_so:
          action: graph_security.comment_on_incident
          with: {incident: "${to_string(trigger.alert.incidentId)}", comment: The host is contained.}
    """
    return await context.defender.write(
        "graph_create_incident_comment", key=context.step_key, incident_id=incident, comment=comment
    )


@connector.action(effect=Effect.READ, operations=("graph_run_hunting_query",), permissions=("ThreatHunting.Read.All",))
async def hunt(
    context: Context,
    query: Query,
    within: Annotated[
        Duration | None, Field(description="How far back to look, at most 30 d; Microsoft's own 30 d if left out.")
    ] = None,
    rows: Rows = 1000,
) -> Json:
    """Hunt with a KQL query over the tables of all Defender products and the past 30 days.

    `columns` are the names in their order, `rows` one object each, `found` how many there were; `more` says that some were
    left out here. All who hunt in a tenant share its allowance of calls and of computing time.

    Example:
        same_file:
          action: graph_security.hunt
          with:
            within: 7 d
            query: |
              DeviceProcessEvents
              | where FileName =~ "mimikatz.exe"
              | summarize count() by DeviceName
    """
    if within is not None and not 1 <= within.seconds <= 30 * 86_400:
        message = f"A hunt cannot look back {within}."
        raise ActionError(message, code="invalid-inputs", permanent=True, advice="Look back between 1 s and 30 d.")
    timespan = f"PT{int(within.seconds)}S" if within else None
    found = await context.defender.read("graph_run_hunting_query", query=query, timespan=timespan)
    return found_rows(found, rows)


def _demand(changes: Mapping[str, object], what: str) -> None:
    if all(value is None for value in changes.values()):
        message, advice = f"There is nothing to change on the {what}.", "Give at least one of the things to change."
        raise ActionError(message, code="nothing-to-do", permanent=True, advice=advice)


def _listed(found: Listing) -> Json:
    kept = fitting(found.items)
    return {"items": kept, "more": found.cut or len(kept) < len(found.items)}
