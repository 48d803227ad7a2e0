"""App restriction: let only programs signed by Microsoft run on a machine, and lift that again."""

from typing import Annotated

from pydantic import Field

from ringfence.actions import Context, Duration, Effect, Result, Wait
from ringfence.connectors.defender import connector
from ringfence.connectors.defender.following import Timeout, WaitForEnd
from ringfence.connectors.defender.inputs import Comment, Target
from ringfence.connectors.defender.responding import OUTCOMES, follow, follow_undo

_KIND = "restrict_app_execution"
_OPERATIONS = ("list_machine_actions", "get_machine_action")
_PERMISSIONS = ("Machine.RestrictExecution", "Machine.Read.All")


@connector.action(
    effect=Effect.CONTAIN,
    operations=("get_machine", "restrict_code_execution", *_OPERATIONS),
    permissions=_PERMISSIONS,
    undo="defender.unrestrict_code_execution",
    outcomes=OUTCOMES,
    repeatable=True,
    title="Restrict app execution",
)
async def restrict_code_execution(
    context: Context,
    machine: Target,
    comment: Comment,
    lift_after: Annotated[
        Duration | None, Field(description="Lift it by itself after this time, e.g. 24 h; only on demand if left out.")
    ] = None,
    wait: WaitForEnd = True,
    timeout: Timeout = None,
) -> Result | Wait:
    """Let only programs signed by Microsoft run on a machine, if policy allows it, and give the machine action.

    `success`: Defender confirmed it, or accepted it where nobody waits. `denied`: policy refused, as for a protected host.
    `rejected`: people said no, or nothing in time. `not_needed`: the machine is restricted already, by somebody else.
    `timed_out`: it did not end in time; it may still happen until the decision's deadline. Windows 10 and later with Defender
    Antivirus only.

    Example:
        restrict:
          action: defender.restrict_code_execution
          with: {machine: "${trigger.alert.machineId}", comment: "${trigger.alert.title}", lift_after: 24 h}
    """
    seen = await follow(
        context,
        _KIND,
        what="The restriction",
        machine=machine,
        comment=comment,
        wait=wait,
        timeout=timeout,
        undo_after=lift_after,
    )
    return seen if isinstance(seen, Wait) else seen[1]


@connector.action(
    effect=Effect.CONTAIN,
    operations=("unrestrict_code_execution", *_OPERATIONS),
    permissions=_PERMISSIONS,
    undo="defender.restrict_code_execution",
    outcomes=("success", "timed_out", "not_owned", "still_held"),
    repeatable=True,
    title="Lift app restriction",
)
async def unrestrict_code_execution(
    context: Context, machine: Target, comment: Comment, wait: WaitForEnd = True, timeout: Timeout = None
) -> Result | Wait:
    """Let all programs run again on a machine that this run restricted, and wait until Defender confirms it.

    `success`: Defender confirmed it, or nobody waits. `timed_out`: it did not end in time, and Ringfence goes on trying.
    `not_owned`: no restriction of this run is in effect, so nothing was done; that of somebody else is never lifted.
    `still_held`: ours let go, but another run or person wants the machine restricted.

    Example:
        restrict:
          action: defender.restrict_code_execution
          with: {machine: "${trigger.alert.machineId}", comment: "${trigger.alert.title}"}
        lift:
          after: restrict
          action: defender.unrestrict_code_execution
          with: {machine: "${trigger.alert.machineId}", comment: Investigated and clean}
    """
    return await follow_undo(
        context, _KIND, what="The restriction", machine=machine, comment=comment, wait=wait, timeout=timeout
    )
