"""Actions on machines: what was done and what is under way, cancelling, quarantining files, offboarding."""

from typing import Annotated, Literal

from pydantic import Field

from ringfence.actions import Context, Duration, Effect, Json, Result, Wait, where
from ringfence.connectors.defender import connector
from ringfence.connectors.defender.answers import listed, since
from ringfence.connectors.defender.following import Timeout, WaitForEnd
from ringfence.connectors.defender.inputs import Comment, Condition, Limit, Machine, Sha1, Target
from ringfence.connectors.defender.responding import OUTCOMES, follow

ActionId = Annotated[str, Field(description="The id of the machine action.", min_length=1, max_length=100)]
Kind = Literal[
    "Isolate",
    "Unisolate",
    "RestrictCodeExecution",
    "UnrestrictCodeExecution",
    "RunAntiVirusScan",
    "StopAndQuarantineFile",
    "CollectInvestigationPackage",
    "LiveResponse",
    "Offboard",
]
_FOLLOWED = ("get_machine", "list_machine_actions", "get_machine_action")


@connector.action(effect=Effect.READ, operations=("list_machine_actions",), permissions=("Machine.Read.All",))
async def list_machine_actions(
    context: Context,
    machine: Annotated[Machine | None, Field(description="Only those on the machine with this Defender id.")] = None,
    kind: Annotated[list[Kind] | None, Field(alias="type", description="Only those of one of these types.")] = None,
    status: Annotated[
        list[Literal["Pending", "InProgress", "Succeeded", "Failed", "TimeOut", "Cancelled"]] | None,
        Field(description="Only those with one of these statuses."),
    ] = None,
    requestor: Annotated[str | None, Field(description="Only those that this person or application asked for.")] = None,
    within: Annotated[
        Duration | None, Field(description="Only those that were asked for within this time, e.g. 7 d.")
    ] = None,
    filter: Condition = "",  # noqa: A002 - the query option's own name
    limit: Limit = 100,
) -> Json:
    """List what was done to machines: isolations, releases, scans, and by whom; the latest first.

    `items` are the actions; `more` says that there are others which fit.

    Example:
        history:
          action: defender.list_machine_actions
          with: {machine: "${trigger.alert.machineId}", within: 30 d}
    """
    found = await context.defender.list(
        "list_machine_actions",
        limit=limit,
        conditions=(
            where("machineId", "eq", machine),
            where("type", "eq", *(kind or ())),
            where("status", "eq", *(status or ())),
            where("requestor", "eq", requestor),
            where("creationDateTimeUtc", "ge", since(context, within)),
        ),
        filter=filter,
        order_by="creationDateTimeUtc desc",
    )
    return listed(context, found)


@connector.action(effect=Effect.READ, operations=("get_machine_action",), permissions=("Machine.Read.All",))
async def get_machine_action(context: Context, machine_action: ActionId) -> Json:
    """Read one machine action: its type, its status, who asked for it and why.

    Example:
        history:
          action: defender.list_machine_actions
          with: {limit: 1}
        latest:
          after: history
          action: defender.get_machine_action
          with: {machine_action: "${steps.history.items[0].id}"}
    """
    return await context.defender.read("get_machine_action", action_id=machine_action)


@connector.action(
    effect=Effect.WRITE,
    operations=("cancel_machine_action", "get_machine_action"),
    permissions=("Machine.StopAndQuarantine", "Machine.Read.All"),
    repeatable=True,
)
async def cancel_machine_action(context: Context, machine_action: ActionId, comment: Comment) -> Json:
    """Cancel a machine action that has not ended, and give it; isolations and releases are refused.

    Besides the role that is named, any other that lets the account take actions on machines is enough.

    Example:
        quarantine:
          action: defender.stop_and_quarantine_file
          with:
            machine: "${trigger.alert.machineId}"
            sha1: "${trigger.alert.evidence[0].sha1}"
            comment: Known ransomware
            wait: false
        cancel:
          after: quarantine
          action: defender.cancel_machine_action
          with: {machine_action: "${steps.quarantine.id}", comment: A mistake}
    """
    return await context.defender.write(
        "cancel_machine_action", key=context.step_key, action_id=machine_action, comment=comment
    )


@connector.action(
    effect=Effect.WRITE,
    operations=("stop_and_quarantine_file", *_FOLLOWED),
    permissions=("Machine.StopAndQuarantine", "Machine.Read.All"),
    outcomes=OUTCOMES,
    repeatable=True,
)
async def stop_and_quarantine_file(
    context: Context, machine: Target, sha1: Sha1, comment: Comment, wait: WaitForEnd = True, timeout: Timeout = None
) -> Result | Wait:
    """Stop a file that runs on a machine and quarantine it, if policy allows it, and give the machine action.

    `success`: Defender confirmed it, or accepted it where nobody waits. `denied`: policy refused, as for a protected host.
    `rejected`: people said no, or nothing in time. `not_needed`: the same is done, or being done, already. `timed_out`: it did
    not end in time; it may still happen until the decision's deadline. There is no undo: Microsoft's API does not give a file
    back; it is restored on the machine or in the portal.

    Example:
        quarantine:
          action: defender.stop_and_quarantine_file
          with:
            machine: "${trigger.alert.machineId}"
            sha1: "${trigger.alert.evidence[0].sha1}"
            comment: "${trigger.alert.title}"
    """
    seen = await follow(
        context,
        "stop_and_quarantine_file",
        what="The quarantine of the file",
        machine=machine,
        parameters={"sha1": sha1},
        comment=comment,
        wait=wait,
        timeout=timeout,
    )
    return seen if isinstance(seen, Wait) else seen[1]


@connector.action(
    effect=Effect.WRITE,
    operations=("offboard_machine", *_FOLLOWED),
    permissions=("Machine.Offboard", "Machine.Read.All"),
    outcomes=OUTCOMES,
    repeatable=True,
)
async def offboard_machine(
    context: Context, machine: Target, comment: Comment, wait: WaitForEnd = True, timeout: Timeout = None
) -> Result | Wait:
    """Take a Windows machine out of Defender, for good, after two people said yes, and give the machine action.

    `success`: Defender confirmed it, or accepted it where nobody waits. `denied`: policy refused, as for a protected host.
    `rejected`: people said no, or fewer than two said yes in time. `not_needed`: the same is done, or being done, already.
    `timed_out`: it did not end in time; it may still happen until the decision's deadline. There is no undo: Defender no longer
    sees the machine nor can isolate it, and it is onboarded again only on the machine itself. macOS and Linux are refused by
    Microsoft.

    Example:
        offboard:
          action: defender.offboard_machine
          with: {machine: "${trigger.alert.machineId}", comment: The device was retired}
    """
    seen = await follow(
        context, "offboard", what="The offboarding", machine=machine, comment=comment, wait=wait, timeout=timeout
    )
    return seen if isinstance(seen, Wait) else seen[1]
