"""Machines: find and read them, tag them, say how much they matter."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from ringfence.actions import Context, Duration, Effect, Json, where
from ringfence.connectors.defender import connector
from ringfence.connectors.defender.answers import in_zone, listed, since, some_change
from ringfence.connectors.defender.inputs import Condition, Limit, Machine, Target

_READ, _WRITE = ("Machine.Read.All",), ("Machine.ReadWrite.All",)

Tag = Annotated[str, Field(description="The tag, e.g. under-investigation.", min_length=1, max_length=200)]
Targets = Annotated[
    list[Target], Field(description="The Defender ids of the machines, 1 to 500.", min_length=1, max_length=500)
]
Value = Literal["Normal", "Low", "High"]


@connector.action(effect=Effect.READ, operations=("list_machines",), permissions=_READ)
async def list_machines(
    context: Context,
    name: Annotated[
        str | None, Field(description="Only those whose name begins so, e.g. fin-ws.", min_length=1)
    ] = None,
    ip: Annotated[str | None, Field(description="Only those whose last internal address is this one.")] = None,
    health: Annotated[
        list[
            Literal[
                "Active",
                "Inactive",
                "ImpairedCommunication",
                "NoSensorData",
                "NoSensorDataImpairedCommunication",
                "Unknown",
            ]
        ]
        | None,
        Field(description="Only those whose sensor is in one of these states."),
    ] = None,
    onboarding: Annotated[
        list[Literal["Onboarded", "CanBeOnboarded", "Unsupported", "InsufficientInfo"]] | None,
        Field(description="Only those with one of these onboarding statuses."),
    ] = None,
    system: Annotated[
        list[str] | None, Field(description="Only those with one of these systems, e.g. Windows11.")
    ] = None,
    risk: Annotated[
        list[Literal["None", "Informational", "Low", "Medium", "High"]] | None,
        Field(description="Only those with one of these risk scores."),
    ] = None,
    exposure: Annotated[
        list[Literal["None", "Low", "Medium", "High"]] | None,
        Field(description="Only those with one of these exposure levels."),
    ] = None,
    value: Annotated[list[Value] | None, Field(description="Only those that matter so much.")] = None,
    group: Annotated[int | None, Field(description="Only those of the device group with this number.")] = None,
    seen_within: Annotated[
        Duration | None, Field(description="Only those that Defender heard of within this time, e.g. 24 h.")
    ] = None,
    filter: Condition = "",  # noqa: A002 - the query option's own name
    limit: Limit = 100,
) -> Json:
    """List the machines that fit all that is given.

    `items` are the machines; `more` says that there are others which fit. For a tag use find_machines_by_tag.

    Example:
        at_risk:
          action: defender.list_machines
          with: {name: wks, health: [Active], seen_within: 7 d, limit: 20}
    """
    found = await context.defender.list(
        "list_machines",
        limit=limit,
        conditions=(
            where("computerDnsName", "startswith", name),
            where("lastIpAddress", "eq", ip),
            where("healthStatus", "eq", *(health or ())),
            where("onboardingStatus", "eq", *(onboarding or ())),
            where("osPlatform", "eq", *(system or ())),
            where("riskScore", "eq", *(risk or ())),
            where("exposureLevel", "eq", *(exposure or ())),
            where("deviceValue", "eq", *(value or ())),
            where("rbacGroupId", "eq", group),
            where("lastSeen", "ge", since(context, seen_within)),
        ),
        filter=filter,
    )
    return listed(context, found)


@connector.action(effect=Effect.READ, operations=("get_machine",), permissions=_READ)
async def get_machine(
    context: Context,
    machine: Annotated[
        str,
        Field(
            description="The Defender id of the machine, 40 hexadecimal digits, or its full name.",
            min_length=1,
            max_length=255,
        ),
    ],
) -> Json:
    """Read one machine: name, addresses, health, onboarding, risk and tags.

    Example:
        machine:
          action: defender.get_machine
          with: {machine: "${trigger.alert.machineId}"}
    """
    return await context.defender.read("get_machine", machine=machine)


@connector.action(
    effect=Effect.READ, operations=("find_machines_by_ip",), permissions=_READ, title="Find machines by IP address"
)
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
          with: {ip: 10.20.0.11, at: "${trigger.alert.lastEventTime}"}
    """
    return await context.defender.read("find_machines_by_ip", ip=ip, timestamp=in_zone(at or context.now()))


@connector.action(effect=Effect.READ, operations=("find_machines_by_tag",), permissions=_READ)
async def find_machines_by_tag(
    context: Context,
    tag: Tag,
    beginning: Annotated[bool, Field(description="Also those with a tag that only begins so.")] = False,
    limit: Limit = 100,
) -> Json:
    """List the machines that carry a tag.

    `items` are the machines; `more` says that there are others which fit.

    Example:
        pilots:
          action: defender.find_machines_by_tag
          with: {tag: pilot, beginning: true}
    """
    found = await context.defender.list("find_machines_by_tag", limit=limit, tag=tag, starts_with=beginning)
    return listed(context, found)


@connector.action(effect=Effect.READ, operations=("get_machine_logon_users",), permissions=("User.Read.All",))
async def get_machine_logon_users(context: Context, machine: Machine) -> Json:
    """List the users who logged on to a machine.

    Example:
        users:
          action: defender.get_machine_logon_users
          with: {machine: "${trigger.alert.machineId}"}
    """
    return await context.defender.read("get_machine_logon_users", machine_id=machine)


@connector.action(effect=Effect.READ, operations=("get_machine_alerts",), permissions=("Alert.Read.All",))
async def get_machine_alerts(context: Context, machine: Machine, limit: Limit = 100) -> Json:
    """List the alerts of a machine.

    `items` are the alerts; `more` says that there are others.

    Example:
        others:
          action: defender.get_machine_alerts
          with: {machine: "${trigger.alert.machineId}", limit: 20}
    """
    return listed(context, await context.defender.list("get_machine_alerts", limit=limit, machine_id=machine))


@connector.action(effect=Effect.READ, operations=("count_machine_alerts",), permissions=("Alert.Read.All",))
async def count_machine_alerts(
    context: Context,
    machine: Machine,
    filter: Annotated[  # noqa: A002 - the query option's own name
        str, Field(description="Only those that fit this condition in OData, e.g. severity eq 'High'.")
    ] = "",
) -> Json:
    """Count the alerts of a machine; `count` is the number.

    Example:
        open_alerts:
          action: defender.count_machine_alerts
          with: {machine: "${trigger.alert.machineId}", filter: "status ne 'Resolved'"}
    """
    count = await context.defender.read("count_machine_alerts", machine_id=machine, filter=filter)
    return {"count": count}


@connector.action(
    effect=Effect.WRITE,
    operations=("add_or_remove_machine_tag",),
    permissions=_WRITE,
    undo="defender.remove_machine_tag",
    repeatable=True,
)
async def add_machine_tag(context: Context, machine: Target, tag: Tag) -> Json:
    """Add a tag to a machine, and give the machine; nothing changes if it carries the tag.

    Example:
        tag:
          action: defender.add_machine_tag
          with: {machine: "${trigger.alert.machineId}", tag: under-investigation}
    """
    return await _tag(context, machine, tag, "Add")


@connector.action(
    effect=Effect.WRITE,
    operations=("add_or_remove_machine_tag",),
    permissions=_WRITE,
    undo="defender.add_machine_tag",
    repeatable=True,
)
async def remove_machine_tag(context: Context, machine: Target, tag: Tag) -> Json:
    """Take a tag off a machine, and give the machine; nothing changes if it does not carry the tag.

    Example:
        untag:
          action: defender.remove_machine_tag
          with: {machine: "${trigger.alert.machineId}", tag: under-investigation}
    """
    return await _tag(context, machine, tag, "Remove")


async def _tag(context: Context, machine: str, tag: str, action: str) -> Json:
    return await context.defender.write(
        "add_or_remove_machine_tag", key=context.step_key, machine_id=machine, tag=tag, action=action
    )


@connector.action(
    effect=Effect.WRITE,
    operations=("add_or_remove_tag_multiple_machines",),
    permissions=_WRITE,
    undo="defender.remove_tag_from_machines",
    repeatable=True,
)
async def add_tag_to_machines(context: Context, machines: Targets, tag: Tag) -> Json:
    """Add a tag to several machines at once, and give the machines.

    Example:
        tag_all:
          action: defender.add_tag_to_machines
          with: {machines: ["${trigger.alert.machineId}"], tag: under-investigation}
    """
    return await _tag_all(context, machines, tag, "Add")


@connector.action(
    effect=Effect.WRITE,
    operations=("add_or_remove_tag_multiple_machines",),
    permissions=_WRITE,
    undo="defender.add_tag_to_machines",
    repeatable=True,
)
async def remove_tag_from_machines(context: Context, machines: Targets, tag: Tag) -> Json:
    """Take a tag off several machines at once, and give the machines.

    Example:
        untag_all:
          action: defender.remove_tag_from_machines
          with: {machines: ["${trigger.alert.machineId}"], tag: under-investigation}
    """
    return await _tag_all(context, machines, tag, "Remove")


async def _tag_all(context: Context, machines: list[str], tag: str, action: str) -> Json:
    return await context.defender.write(
        "add_or_remove_tag_multiple_machines", key=context.step_key, machine_ids=machines, tag=tag, action=action
    )


@connector.action(effect=Effect.WRITE, operations=("set_device_value",), permissions=_WRITE, repeatable=True)
async def set_device_value(
    context: Context,
    machine: Target,
    value: Annotated[Value, Field(description="How much the machine matters; High guards it from containment.")],
) -> Json:
    """Say in Defender how much a machine matters, and give the machine.

    Example:
        value:
          action: defender.set_device_value
          with: {machine: "${trigger.alert.machineId}", value: High}
    """
    return await context.defender.write("set_device_value", key=context.step_key, machine_id=machine, value=value)


@connector.action(
    effect=Effect.WRITE, operations=("update_machine", "get_machine"), permissions=_WRITE, repeatable=True
)
async def update_machine(
    context: Context,
    machine: Target,
    add_tags: Annotated[
        list[Tag] | None, Field(description="Tags to add to those that the machine carries.", max_length=50)
    ] = None,
    value: Annotated[Value | None, Field(description="How much the machine matters.")] = None,
) -> Json:
    """Change the tags and the value of a machine in one call, and give the machine.

    Example:
        mark:
          action: defender.update_machine
          with: {machine: "${trigger.alert.machineId}", add_tags: [finance, pilot], value: High}
    """
    some_change({"tags": add_tags, "value": value}, "Give tags or a value.")
    tags: list[Json] | None = None
    if add_tags:
        # Microsoft's page says both that tags are added and that they are replaced: all of them are always sent.
        known = await context.defender.read("get_machine", machine=machine)
        carried = known.get("machineTags") if isinstance(known, dict) else None
        tags = list(dict.fromkeys([*(carried if isinstance(carried, list) else []), *add_tags]))
    return await context.defender.write(
        "update_machine", key=context.step_key, machine_id=machine, machine_tags=tags, device_value=value
    )
