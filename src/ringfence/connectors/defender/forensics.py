"""Scans and forensic packages of machines: they take minutes to hours, and a machine that is away up to three days."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from ringfence.actions import ActionError, Context, Effect, Json, ResponseState, Result, Wait
from ringfence.connectors.defender import connector
from ringfence.connectors.defender.following import Timeout, WaitForEnd
from ringfence.connectors.defender.inputs import Comment, Target
from ringfence.connectors.defender.responding import OUTCOMES, follow, output, thread

_FOLLOWED = ("get_machine", "list_machine_actions", "get_machine_action")
_FETCH_AGAIN = timedelta(minutes=2)
_MOST_FETCHES = 12
Action = Annotated[
    str, Field(description="The id of the machine action, e.g. ${steps.collect.id}.", min_length=1, max_length=255)
]


@connector.action(
    effect=Effect.WRITE,
    operations=("run_av_scan", *_FOLLOWED),
    permissions=("Machine.Scan", "Machine.Read.All"),
    outcomes=OUTCOMES,
    repeatable=True,
    title="Run antivirus scan",
)
async def run_av_scan(
    context: Context,
    machine: Target,
    comment: Comment,
    scan: Annotated[Literal["Quick", "Full"], Field(description="Quick takes minutes, Full may take hours.")] = "Quick",
    wait: WaitForEnd = True,
    timeout: Timeout = None,
) -> Result | Wait:
    """Scan a machine with Defender Antivirus, and wait until the scan has ended.

    `success`: it has ended, or was accepted if the step does not wait. `timed_out`: it did not end in time and goes on in
    Defender, or the machine never answered (status TimeOut). `denied`: policy refused, as while the kill switch is on.
    `rejected`: policy asked people, who said no or nothing in time. `not_needed`: the same is under way already. The output is
    the machine action; what the scan found comes as alerts.

    Example:
        scan:
          action: defender.run_av_scan
          with: {machine: "${trigger.alert.machineId}", comment: "${trigger.alert.title}", scan: Full, timeout: 6 h}
    """
    seen = await follow(
        context,
        "antivirus_scan",
        what="The scan",
        machine=machine,
        parameters={"scan": scan},
        comment=comment,
        wait=wait,
        timeout=timeout,
    )
    return seen if isinstance(seen, Wait) else seen[1]


@connector.action(
    effect=Effect.WRITE,
    operations=("collect_investigation_package", "get_package_sas_uri", *_FOLLOWED),
    permissions=("Machine.CollectForensics", "Machine.Read.All"),
    outcomes=OUTCOMES,
    repeatable=True,
)
async def collect_investigation_package(
    context: Context, machine: Target, comment: Comment, wait: WaitForEnd = True, timeout: Timeout = None
) -> Result | Wait:
    """Collect a forensic package from a machine, wait until it is there, and keep it as a file of the run.

    `success`: the package is kept and `file` refers to it; if the step does not wait, it was accepted only. `timed_out`: it
    did not end in time and goes on in Defender, or the machine never answered (status TimeOut). `denied`: policy refused, as
    while the kill switch is on. `rejected`: policy asked people, who said no or nothing in time. `not_needed`: the same is
    under way already.

    Example:
        collect:
          action: defender.collect_investigation_package
          with: {machine: "${trigger.alert.machineId}", comment: "${trigger.alert.title}", timeout: 4 h}
    """
    seen = await follow(
        context,
        "investigation_package",
        what="The collection",
        machine=machine,
        comment=comment,
        wait=wait,
        timeout=timeout,
    )
    if isinstance(seen, Wait):
        return seen
    state, result = seen
    if not wait or not state.done:
        return result
    name = f"package-{state.machine_name or machine}.zip"
    made = output(state)
    try:
        return Result("success", {**made, "file": await _package(context, str(made["id"]), name)})
    except ActionError as error:
        return _later(context, state, error)


def _later(context: Context, state: ResponseState, error: ActionError) -> Wait:
    """Park and try again where a package cannot be fetched for a passing reason."""
    resumed = context.resumed if isinstance(context.resumed, dict) else {}
    before = resumed.get("fetches")
    fetches = before if isinstance(before, int) else 0
    if error.permanent or fetches >= _MOST_FETCHES:
        raise error
    context.log("warn", f"What it left behind cannot be fetched at the moment: {error.message}")
    since = thread(resumed)[1] if resumed else context.now()
    again: Json = {"response": state.id, "since": since.isoformat(), "fetches": fetches + 1}
    return Wait(until=context.now() + _FETCH_AGAIN, state=again)


@connector.action(effect=Effect.READ, operations=("get_package_sas_uri",), permissions=("Machine.Read.All",))
async def get_investigation_package(context: Context, action: Action) -> Json:
    """Keep the forensic package that an earlier machine action collected as a file of the run; `file` refers to it.

    Example:
        collect:
          action: defender.collect_investigation_package
          with: {machine: "${trigger.alert.machineId}", comment: "${trigger.alert.title}", wait: false}
        later:
          after: collect
          action: logic.delay
          with: {duration: 1 h}
        fetch:
          after: later
          action: defender.get_investigation_package
          with: {action: "${steps.collect.id}"}
    """
    return {"id": action, "file": await _package(context, action, f"package-{action}.zip")}


async def _package(context: Context, action_id: str, name: str) -> Json:
    content = context.defender.download("get_package_sas_uri", action_id=action_id)
    return await context.attach(name, content, media_type="application/zip")
