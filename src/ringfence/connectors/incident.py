"""Promote alerts to incidents and work on these: notes, tasks, owner, how it ended.

Every action makes its change once, under the step's key, however often it is called.
"""

from typing import Annotated, Literal

from pydantic import Field

from ringfence.actions import Connector, Context, Duration, Effect, Json, Release

connector = Connector(
    "incident",
    title="Incidents",
    version="1.0.0",
    description="Promote alerts to incidents, and keep their notes, tasks, owner and end.",
    category="Response",
    releases=(Release("1.0.0", "2026-11-22", "First release: promote, note, own, resolve and reopen incidents."),),
)

Incident = Annotated[
    int | None,
    Field(description="The incident's number; the one that the run is about if left out.", ge=1, le=999_999_999),
]
Severity = Annotated[
    Literal["High", "Medium", "Low", "Informational"] | None, Field(description="How bad it is, in Defender's words.")
]


@connector.action(effect=Effect.WRITE, repeatable=True)
async def promote(
    context: Context,
    alerts: Annotated[
        list[str] | None, Field(description="Our ids of the alerts, or Defender's; those of the run if left out.")
    ] = None,
    title: Annotated[str, Field(description="What a new incident is called; else as its first alert.")] = "",
    severity: Severity = None,
    owner: Annotated[str, Field(description="Who works on a new incident.")] = "",
    join: Annotated[
        bool, Field(description="Join an open incident that holds alerts of the same incident of Defender.")
    ] = True,
) -> Json:
    """Promote alerts to an incident, which makes their hosts eligible for containment.

    Alerts that are in an open incident already stay there, and the others join them. The output is the incident, with
    `created` and `added`.

    Example:
        promote:
          action: incident.promote
          with: {owner: tier-2}
    """
    found = await context.incidents.promote(
        alerts=alerts or [],
        incident=None,
        title=title,
        severity=severity or "",
        owner=owner,
        join=join,
        key=context.step_key,
    )
    made = "made" if found["created"] else "used"
    context.log("info", f"Incident #{found['number']} was {made}.", incident=found["number"])
    return found


@connector.action(effect=Effect.WRITE, repeatable=True)
async def create(
    context: Context,
    title: Annotated[str, Field(description="What the incident is called.", min_length=1)],
    severity: Severity = None,
    owner: Annotated[str, Field(description="Who works on it.")] = "",
    text: Annotated[str, Field(description="What is known of it; it becomes the first note.")] = "",
) -> Json:
    """Make an incident that no alert is behind, as for what a webhook, a mail, a timer or a person brought.

    What follows in this run is about this incident, unless it names another; alerts may be added to it later. It makes no host
    eligible for containment by itself. The output is the incident.

    Example:
        make:
          action: incident.create
          with: {title: "Reported by mail: phishing", severity: Medium, owner: tier-2}
    """
    made = await context.incidents.create(
        title=title, severity=severity or "", owner=owner, text=text, key=context.step_key
    )
    context.log("info", f"Incident #{made['number']} was made.", incident=made["number"])
    return made


@connector.action(effect=Effect.WRITE, repeatable=True)
async def add_alert(
    context: Context,
    incident: Annotated[int, Field(description="The incident's number.", ge=1, le=999_999_999)],
    alerts: Annotated[
        list[str] | None, Field(description="Our ids of the alerts, or Defender's; those of the run if left out.")
    ] = None,
) -> Json:
    """Add alerts to an incident that is not resolved; those that are in it already stay.

    Example:
        add:
          action: incident.add_alert
          with: {incident: 12}
    """
    return await context.incidents.promote(
        alerts=alerts or [], incident=incident, title="", severity="", owner="", join=False, key=context.step_key
    )


@connector.action(effect=Effect.WRITE, repeatable=True)
async def note(
    context: Context,
    text: Annotated[str, Field(description="The note; several lines are welcome.", min_length=1)],
    incident: Incident = None,
) -> Json:
    """Write a note about an incident.

    Example:
        note:
          action: incident.note
          with: {text: "${trigger.alert.computerDnsName} was looked at."}
    """
    return await context.incidents.note(incident=incident, text=text, key=context.step_key)


@connector.action(effect=Effect.WRITE, repeatable=True)
async def task(
    context: Context,
    title: Annotated[str, Field(description="What is to be done.", min_length=1)],
    assignee: Annotated[str, Field(description="For whom it is.")] = "",
    due: Annotated[Duration | None, Field(description="In what time it is due, e.g. 4 h.")] = None,
    incident: Incident = None,
) -> Json:
    """Add a task for people to an incident; the output has its number as `task`.

    Example:
        call:
          action: incident.task
          with: {title: "Call ${trigger.alert.relatedUser.userName}", assignee: tier-1, due: 4 h}
    """
    return await context.incidents.task(
        incident=incident, title=title, assignee=assignee, due_in=due.seconds if due else None, key=context.step_key
    )


@connector.action(effect=Effect.WRITE, repeatable=True)
async def update(
    context: Context,
    title: Annotated[str | None, Field(description="A new title.")] = None,
    severity: Severity = None,
    owner: Annotated[str | None, Field(description="Who works on it; an empty text for nobody.")] = None,
    status: Annotated[
        Literal["open", "in_progress"] | None, Field(description="How it stands; incident.close resolves it.")
    ] = None,
    incident: Incident = None,
) -> Json:
    """Change title, severity, owner or status of an incident.

    Example:
        take:
          action: incident.update
          with: {owner: tier-2, status: in_progress}
    """
    return await context.incidents.update(
        incident=incident, title=title, severity=severity, owner=owner, status=status, key=context.step_key
    )


@connector.action(effect=Effect.READ)
async def get(context: Context, incident: Incident = None) -> Json:
    """Read an incident: how it stands, its alerts, machines, users and tasks.

    Example:
        look:
          action: incident.get
          with: {incident: 12}
    """
    return await context.incidents.get(incident)


@connector.action(effect=Effect.WRITE, repeatable=True)
async def close(
    context: Context,
    resolution: Annotated[
        Literal["true_positive", "benign", "false_positive", "undetermined"], Field(description="How it ended.")
    ],
    reason: Annotated[str, Field(description="Why, in the words that people will read.", min_length=1)],
    hosts: Annotated[
        Literal["release", "keep"] | None,
        Field(description="What becomes of hosts that it holds; closing fails if it holds any and this is left out."),
    ] = None,
    incident: Incident = None,
) -> Json:
    """Resolve an incident; closing one that is resolved already changes nothing.

    Example:
        close:
          action: incident.close
          with: {resolution: benign, reason: A planned test, hosts: release}
    """
    return await context.incidents.close(
        incident=incident, resolution=resolution, reason=reason, hosts=hosts, key=context.step_key
    )
