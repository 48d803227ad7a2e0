"""App restriction: let only programs signed by Microsoft run on a machine, and lift that again.

The last restriction or lifting that succeeded tells how a machine is now: its record does not say so.
"""

from typing import Annotated

from pydantic import Field

from ringfence.actions import Context, Effect, Json, Result, Wait, where
from ringfence.connectors.defender import connector
from ringfence.connectors.defender.following import Timeout, WaitForEnd, follow_action, outcome, resumed
from ringfence.connectors.defender.inputs import Comment, Target

_RESTRICT, _LIFT = "RestrictCodeExecution", "UnrestrictCodeExecution"
_OPERATIONS = ("list_machine_actions", "get_machine_action")
_PERMISSIONS = ("Machine.RestrictExecution", "Machine.Read.All")
_HISTORY = 100


@connector.action(
    effect=Effect.CONTAIN,
    operations=("restrict_code_execution", *_OPERATIONS),
    permissions=_PERMISSIONS,
    undo="defender.unrestrict_code_execution",
    outcomes=("success", "timed_out", "not_needed"),
    repeatable=True,
    title="Restrict app execution",
)
async def restrict_code_execution(
    context: Context, machine: Target, comment: Comment, wait: WaitForEnd = True, timeout: Timeout = None
) -> Result | Wait:
    """Let only programs signed by Microsoft run on a machine, and give the machine action.

    `success`: Defender confirmed it, or accepted it where nobody waits. `timed_out`: it did not end in time, and may still
    happen. `not_needed`: the machine is restricted already, by somebody else; theirs is given. Windows 10 and later with
    Defender Antivirus only.

    Example:
        restrict:
          action: defender.restrict_code_execution
          with: {machine: "${trigger.alert.machineId}", comment: "${trigger.alert.title}"}
    """
    if resumed(context) is None:
        last = await _last(context, machine)
        if last is not None and last.get("type") == _RESTRICT and not _by(last, context.step_key):
            return Result("not_needed", last)

    seen = await follow_action(
        context, "restrict_code_execution", wait=wait, timeout=timeout, machine_id=machine, comment=comment
    )
    return seen if isinstance(seen, Wait) else outcome(seen, "restricting apps")


@connector.action(
    effect=Effect.CONTAIN,
    operations=("unrestrict_code_execution", *_OPERATIONS),
    permissions=_PERMISSIONS,
    undo="defender.restrict_code_execution",
    outcomes=("success", "timed_out", "not_owned", "not_needed"),
    repeatable=True,
    title="Lift app restriction",
)
async def unrestrict_code_execution(
    context: Context,
    machine: Target,
    comment: Comment,
    of_others: Annotated[
        bool, Field(description="Lift the restriction even if it was not Ringfence that made it.")
    ] = False,
    wait: WaitForEnd = True,
    timeout: Timeout = None,
) -> Result | Wait:
    """Let all programs run on a machine again, and give the machine action.

    `success`: Defender confirmed it, or accepted it where nobody waits. `timed_out`: it did not end in time, and may still
    happen. `not_owned`: somebody else restricted the machine, so nothing was done; theirs is given. `not_needed`: the
    machine is not restricted.

    Example:
        restrict:
          action: defender.restrict_code_execution
          with: {machine: "${trigger.alert.machineId}", comment: "${trigger.alert.title}"}
        lift:
          after: restrict
          action: defender.unrestrict_code_execution
          with: {machine: "${trigger.alert.machineId}", comment: Investigated and clean}
    """
    if resumed(context) is None:
        last = await _last(context, machine)
        if last is None or (last.get("type") == _LIFT and not _by(last, context.step_key)):
            return Result("not_needed", last)
        if last.get("type") == _RESTRICT and not of_others and not _by(last, "ringfence:"):
            return Result("not_owned", last)

    seen = await follow_action(
        context, "unrestrict_code_execution", wait=wait, timeout=timeout, machine_id=machine, comment=comment
    )
    return seen if isinstance(seen, Wait) else outcome(seen, "lifting the app restriction")


async def _last(context: Context, machine: str) -> dict[str, Json] | None:
    """Give the last restriction or lifting that took, or may yet take, effect."""
    found = await context.defender.list(
        "list_machine_actions",
        limit=_HISTORY,
        conditions=(where("machineId", "eq", machine), where("type", "eq", _RESTRICT, _LIFT)),
        order_by="creationDateTimeUtc desc",
    )
    for action in found.items:
        if isinstance(action, dict) and action.get("status") not in ("Failed", "TimeOut", "Cancelled"):
            return action
    return None


def _by(action: dict[str, Json], key: str) -> bool:
    return any(key in str(action.get(name) or "") for name in ("externalId", "requestorComment"))
