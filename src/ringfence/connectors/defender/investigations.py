"""Automated investigations: find and read them, and start one and see how it ends."""

from typing import Annotated

from pydantic import Field

from ringfence.actions import ActionError, Context, Duration, Effect, Json, Result, Wait, where
from ringfence.connectors.defender import connector
from ringfence.connectors.defender.answers import listed, since
from ringfence.connectors.defender.following import Seen, Timeout, WaitForEnd, follow, resumed
from ringfence.connectors.defender.inputs import Comment, Condition, InvestigationState, Limit, Target

_READ = ("Alert.Read.All",)
_NEWEST = 100
_GOING_ON = frozenset({"Running", "PendingResource", "Queued", "Unknown", None})
_WENT_WRONG = frozenset(
    {
        "Failed",
        "InnerFailure",
        "Terminated",
        "TerminatedByUser",
        "TerminatedBySystem",
        "UnsupportedOs",
        "UnsupportedAlertType",
    }
)


@connector.action(effect=Effect.READ, operations=("list_investigations",), permissions=_READ)
async def list_investigations(
    context: Context,
    machine: Annotated[str | None, Field(description="Only those of the machine with this Defender id.")] = None,
    alert: Annotated[str | None, Field(description="Only those that the alert with this id started.")] = None,
    state: Annotated[list[InvestigationState] | None, Field(description="Only those in one of these states.")] = None,
    within: Annotated[
        Duration | None, Field(description="Only those that were started within this time, e.g. 24 h.")
    ] = None,
    filter: Condition = "",  # noqa: A002 - the query option's own name
    limit: Limit = 100,
) -> Json:
    """List Defender's automated investigations that fit all that is given.

    `items` are the investigations; `more` says that there are others which fit.

    Example:
        investigations:
          action: defender.list_investigations
          with: {machine: "${trigger.alert.machineId}", within: 7 d}
    """
    found = await context.defender.list(
        "list_investigations",
        limit=limit,
        conditions=(
            where("machineId", "eq", machine),
            where("triggeringAlertId", "eq", alert),
            where("state", "eq", *(state or ())),
            where("startTime", "ge", since(context, within)),
        ),
        filter=filter,
    )
    return listed(context, found)


@connector.action(effect=Effect.READ, operations=("get_investigation",), permissions=_READ)
async def get_investigation(
    context: Context,
    investigation: Annotated[
        str | int,
        Field(description="The id of the investigation, or that of the alert that started it."),
    ],
) -> Json:
    """Read one automated investigation: its state, its machine and how it ended.

    Example:
        investigations:
          action: defender.list_investigations
          with: {limit: 1}
        investigation:
          after: investigations
          action: defender.get_investigation
          with: {investigation: "${steps.investigations.items[0].id}"}
    """
    return await context.defender.read("get_investigation", investigation_id=str(investigation))


@connector.action(
    effect=Effect.WRITE,
    operations=("start_investigation", "list_investigations", "get_investigation"),
    permissions=("Alert.ReadWrite.All",),
    outcomes=("success", "needs_approval", "timed_out"),
    repeatable=True,
)
async def start_investigation(
    context: Context, machine: Target, comment: Comment, wait: WaitForEnd = True, timeout: Timeout = None
) -> Result | Wait:
    """Start an automated investigation of a machine, and wait until it has ended.

    `success`: it has ended and `state` says how, or it was accepted if the step does not wait. `needs_approval`: somebody
    has to approve what it wants to do, in Defender's portal. `timed_out`: it did not end in time and goes on in Defender.
    Its start raises an informational alert of its own. The output is the investigation.

    Example:
        investigate:
          action: defender.start_investigation
          with: {machine: "${trigger.alert.machineId}", comment: "${trigger.alert.title}", timeout: 8 h}
    """
    known: set[str] = set()
    if resumed(context) is None:
        # An investigation carries no key: which ones there were is kept first, so that ours is known by being new.
        if not isinstance(context.resumed, dict):
            before = await _investigations(context, machine)
            return Wait(until=context.now(), state={"known": [each["id"] for each in before]})
        kept = context.resumed.get("known")
        known = {str(each) for each in kept} if isinstance(kept, list) else set()

    async def submit() -> Json:
        for each in await _investigations(context, machine):
            if str(each["id"]) not in known:
                context.log("info", f"Investigation {each['id']} has begun meanwhile and is taken for ours.")
                return each
        return await context.defender.write(
            "start_investigation", key=context.step_key, machine_id=machine, comment=comment
        )

    seen = await follow(
        context,
        submit,
        lambda investigation: context.defender.read("get_investigation", investigation_id=investigation),
        lambda document: document.get("state") not in _GOING_ON,
        wait=wait,
        timeout=timeout,
    )
    return seen if isinstance(seen, Wait) else _verdict(seen)


def _verdict(seen: Seen) -> Result:
    state = seen.document.get("state")
    if state in _WENT_WRONG:
        details = f": {seen.document['statusDetails']}" if seen.document.get("statusDetails") else "."
        message = f"The investigation ended as {state}{details}"
        advice = "Look at the investigation in Defender's portal."
        raise ActionError(message, code="investigation-failed", permanent=True, advice=advice)
    if state == "PendingApproval":
        return Result("needs_approval", seen.document)
    late = not seen.ended and seen.thread.looks > 0
    return Result("timed_out" if late else "success", seen.document)


async def _investigations(context: Context, machine: str) -> list[dict[str, Json]]:
    """List the newest investigations of a machine."""
    found = await context.defender.list(
        "list_investigations", limit=_NEWEST, conditions=(where("machineId", "eq", machine),)
    )
    return [each for each in found.items if isinstance(each, dict) and "id" in each]
