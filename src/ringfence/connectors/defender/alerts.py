"""Alerts: find, read and change them, raise one, and read what they name."""

from typing import Annotated, Literal

from pydantic import Field

from ringfence.actions import Context, Duration, Effect, Json, where
from ringfence.connectors.defender import connector
from ringfence.connectors.defender.answers import listed, since, some_change
from ringfence.connectors.defender.inputs import (
    Alert,
    Classification,
    Condition,
    Limit,
    Severity,
    Target,
    WritableStatus,
)

_READ, _WRITE = ("Alert.Read.All",), ("Alert.ReadWrite.All",)

Status = Annotated[WritableStatus | None, Field(description="The new status.")]
Owner = Annotated[str | None, Field(description="The new owner, e.g. soc@contoso.com.")]
Verdict = Annotated[Classification | None, Field(description="What the alert turned out to be.")]
Determination = Annotated[
    str | None, Field(description="The finer reason, as Defender names it, e.g. Malware or SecurityTesting.")
]
Remark = Annotated[
    str | None,
    Field(
        description="A comment to add to the alert; alone if nothing else changes.",
        json_schema_extra={"format": "multi-line"},
    ),
]
_CHANGE = "Give a status, owner, classification, determination or comment."


@connector.action(effect=Effect.READ, operations=("list_alerts",), permissions=_READ)
async def list_alerts(
    context: Context,
    severity: Annotated[list[Severity] | None, Field(description="Only those of one of these severities.")] = None,
    status: Annotated[list[WritableStatus] | None, Field(description="Only those of one of these statuses.")] = None,
    category: Annotated[
        list[str] | None, Field(description="Only those of one of these categories, e.g. Ransomware.")
    ] = None,
    detection_source: Annotated[
        list[str] | None, Field(description="Only those that one of these found, e.g. WindowsDefenderAv.")
    ] = None,
    assigned_to: Annotated[str | None, Field(description="Only those of this owner.")] = None,
    incident: Annotated[int | None, Field(description="Only those of this incident, by Defender's number.")] = None,
    raised_within: Annotated[
        Duration | None, Field(description="Only those that were raised within this time, e.g. 24 h.")
    ] = None,
    changed_within: Annotated[
        Duration | None, Field(description="Only those that changed within this time, e.g. 1 h.")
    ] = None,
    filter: Condition = "",  # noqa: A002 - the query option's own name
    order: Annotated[
        Literal["newest first", "oldest first", "last changed first"], Field(description="Which come first.")
    ] = "newest first",
    with_evidence: Annotated[
        bool, Field(description="Also the evidence of each, which makes them much larger.")
    ] = False,
    limit: Limit = 100,
) -> Json:
    """List the alerts that fit all that is given.

    `items` are the alerts; `more` says that there are others which fit.

    Example:
        open_alerts:
          action: defender.list_alerts
          with: {severity: [High, Medium], status: [New, InProgress], raised_within: 7 d, limit: 50}
    """
    by = {
        "newest first": "alertCreationTime desc",
        "oldest first": "alertCreationTime asc",
        "last changed first": "lastUpdateTime desc",
    }
    found = await context.defender.list(
        "list_alerts",
        limit=limit,
        conditions=(
            where("severity", "eq", *(severity or ())),
            where("status", "eq", *(status or ())),
            where("category", "eq", *(category or ())),
            where("detectionSource", "eq", *(detection_source or ())),
            where("assignedTo", "eq", assigned_to),
            where("incidentId", "eq", incident),
            where("alertCreationTime", "ge", since(context, raised_within)),
            where("lastUpdateTime", "ge", since(context, changed_within)),
        ),
        filter=filter,
        order_by=by[order],
        expand=("evidence",) if with_evidence else (),
    )
    return listed(context, found)


@connector.action(effect=Effect.READ, operations=("get_alert",), permissions=_READ)
async def get_alert(context: Context, alert: Alert) -> Json:
    """Read one alert as it is now, with its evidence.

    Example:
        alert_now:
          action: defender.get_alert
          with: {alert: "${trigger.alert.id}"}
    """
    return await context.defender.read("get_alert", alert_id=alert)


@connector.action(effect=Effect.READ, operations=("get_alert_machine",), permissions=("Machine.Read.All",))
async def get_alert_machine(context: Context, alert: Alert) -> Json:
    """Read the machine that an alert is about.

    Example:
        machine:
          action: defender.get_alert_machine
          with: {alert: "${trigger.alert.id}"}
    """
    return await context.defender.read("get_alert_machine", alert_id=alert)


@connector.action(effect=Effect.READ, operations=("get_alert_user",), permissions=("User.Read.All",))
async def get_alert_user(context: Context, alert: Alert) -> Json:
    """Read the user that an alert is about; an error if it names none.

    Example:
        user:
          action: defender.get_alert_user
          with: {alert: "${trigger.alert.id}"}
    """
    return await context.defender.read("get_alert_user", alert_id=alert)


@connector.action(effect=Effect.READ, operations=("list_alert_files",), permissions=("File.Read.All",))
async def list_alert_files(context: Context, alert: Alert) -> Json:
    """List the files that an alert names, with what Microsoft knows of them.

    Example:
        files:
          action: defender.list_alert_files
          with: {alert: "${trigger.alert.id}"}
    """
    return await context.defender.read("list_alert_files", alert_id=alert)


@connector.action(
    effect=Effect.READ, operations=("list_alert_ips",), permissions=("Ip.Read.All",), title="List alert IP addresses"
)
async def list_alert_ips(context: Context, alert: Alert) -> Json:
    """List the IP addresses that an alert names, each as an object with the address as `id`.

    Example:
        addresses:
          action: defender.list_alert_ips
          with: {alert: "${trigger.alert.id}"}
    """
    return await context.defender.read("list_alert_ips", alert_id=alert)


@connector.action(effect=Effect.READ, operations=("list_alert_domains",), permissions=("URL.Read.All",))
async def list_alert_domains(context: Context, alert: Alert) -> Json:
    """List the domains that an alert names, each as an object with the domain as `host`.

    Example:
        domains:
          action: defender.list_alert_domains
          with: {alert: "${trigger.alert.id}"}
    """
    return await context.defender.read("list_alert_domains", alert_id=alert)


@connector.action(effect=Effect.WRITE, operations=("update_alert", "get_alert"), permissions=_WRITE, repeatable=True)
async def update_alert(
    context: Context,
    alert: Alert,
    status: Status = None,
    assigned_to: Owner = None,
    classification: Verdict = None,
    determination: Determination = None,
    comment: Remark = None,
) -> Json:
    """Change an alert, or comment on it; what is left out stays as it is.

    Example:
        comment:
          action: defender.update_alert
          with: {alert: "${trigger.alert.id}", status: InProgress, comment: Looking into it}
    """
    changes = {
        "status": status,
        "assigned_to": assigned_to,
        "classification": classification,
        "determination": determination,
        "comment": comment or None,
    }
    some_change(changes, _CHANGE)
    return await context.defender.write("update_alert", key=context.step_key, alert_id=alert, **changes)


@connector.action(
    effect=Effect.WRITE,
    operations=("batch_update_alerts", "list_alerts"),
    permissions=_WRITE,
    repeatable=True,
    name="update_alerts",
)
async def update_alerts(
    context: Context,
    alerts: Annotated[list[Alert], Field(description="The ids of the alerts, 1 to 500.", min_length=1, max_length=500)],
    status: Status = None,
    assigned_to: Owner = None,
    classification: Verdict = None,
    determination: Determination = None,
    comment: Remark = None,
) -> Json:
    """Change several alerts in the same way; Microsoft does not say what became of each.

    Example:
        close_all:
          action: defender.update_alerts
          with:
            alerts: ["${trigger.alert.id}"]
            status: Resolved
            classification: FalsePositive
            comment: Closed together
    """
    changes = {
        "status": status,
        "assigned_to": assigned_to,
        "classification": classification,
        "determination": determination,
        "comment": comment or None,
    }
    some_change(changes, _CHANGE)
    await context.defender.write("batch_update_alerts", key=context.step_key, alert_ids=alerts, **changes)
    return {"alerts": list(dict.fromkeys(alerts))}


@connector.action(
    effect=Effect.WRITE,
    operations=("create_alert_by_reference", "get_machine_alerts"),
    permissions=_WRITE,
    repeatable=True,
    name="create_alert",
)
async def create_alert(
    context: Context,
    machine: Target,
    report_id: Annotated[str | int, Field(description="The ReportId of the event that a hunt found.")],
    event_time: Annotated[
        str, Field(description="The Timestamp of that event, exactly as the hunt gave it.", min_length=1)
    ],
    title: Annotated[str, Field(description="What the alert is called.", min_length=1, max_length=256)],
    description: Annotated[
        str,
        Field(description="What happened, for the analyst.", min_length=1, json_schema_extra={"format": "multi-line"}),
    ],
    recommended_action: Annotated[str, Field(description="What the analyst should do.", min_length=1)],
    severity: Annotated[Literal["Low", "Medium", "High"], Field(description="How bad it is.")] = "Medium",
    category: Annotated[
        Literal[
            "General",
            "CommandAndControl",
            "Collection",
            "CredentialAccess",
            "DefenseEvasion",
            "Discovery",
            "Exfiltration",
            "Exploit",
            "Execution",
            "InitialAccess",
            "LateralMovement",
            "Malware",
            "Persistence",
            "PrivilegeEscalation",
            "Ransomware",
            "SuspiciousActivity",
        ],
        Field(description="What kind of activity it is."),
    ] = "SuspiciousActivity",
) -> Json:
    """Raise an alert in Defender from an event that a hunt found.

    An open alert of the same title on the same machine takes it in. Defender starts an automated investigation by itself.

    Example:
        hunt:
          action: graph_security.hunt
          with: {query: "DeviceFileEvents | project Timestamp, DeviceId, ReportId | take 1"}
        raise_alert:
          after: hunt
          action: defender.create_alert
          with:
            machine: "${steps.hunt.rows[0].DeviceId}"
            report_id: "${steps.hunt.rows[0].ReportId}"
            event_time: "${steps.hunt.rows[0].Timestamp}"
            title: Unsigned tool on a server
            description: A tool that nobody knows ran on this machine.
            recommended_action: Ask the owner of the machine.
    """
    return await context.defender.write(
        "create_alert_by_reference",
        key=context.step_key,
        machine_id=machine,
        report_id=str(report_id),
        event_time=event_time,
        severity=severity,
        title=title,
        description=description,
        recommended_action=recommended_action,
        category=category,
    )
