"""Scans and forensic packages of machines: they take minutes to hours, and a machine that is away up to three days."""

from typing import Annotated, Literal

from pydantic import Field

from ringfence.actions import Context, Effect, Json, Result, Wait
from ringfence.connectors.defender import connector
from ringfence.connectors.defender.following import Seen, Timeout, WaitForEnd, fetch, follow_action, outcome
from ringfence.connectors.defender.inputs import Comment, Target

_FOLLOWED = ("list_machine_actions", "get_machine_action")
Action = Annotated[
    str, Field(description="The id of the machine action, e.g. ${steps.collect.id}.", min_length=1, max_length=255)
]


@connector.action(
    effect=Effect.WRITE,
    operations=("run_av_scan", *_FOLLOWED),
    permissions=("Machine.Scan", "Machine.Read.All"),
    outcomes=("success", "timed_out"),
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
    Defender, or the machine never answered (status TimeOut). The output is the machine action; what the scan found comes
    as alerts.

    Example:
        scan:
          action: defender.run_av_scan
          with: {machine: "${trigger.alert.machineId}", comment: "${trigger.alert.title}", scan: Full, timeout: 6 h}
    """
    seen = await follow_action(
        context, "run_av_scan", wait=wait, timeout=timeout, machine_id=machine, comment=comment, scan_type=scan
    )
    return outcome(seen, "the scan") if isinstance(seen, Seen) else seen


@connector.action(
    effect=Effect.WRITE,
    operations=("collect_investigation_package", "get_package_sas_uri", *_FOLLOWED),
    permissions=("Machine.CollectForensics", "Machine.Read.All"),
    outcomes=("success", "timed_out"),
    repeatable=True,
)
async def collect_investigation_package(
    context: Context, machine: Target, comment: Comment, wait: WaitForEnd = True, timeout: Timeout = None
) -> Result | Wait:
    """Collect a forensic package from a machine, wait until it is there, and keep it as a file of the run.

    `success`: the package is kept and `file` refers to it; if the step does not wait, it was accepted only. `timed_out`: it
    did not end in time and goes on in Defender, or the machine never answered (status TimeOut).

    Example:
        collect:
          action: defender.collect_investigation_package
          with: {machine: "${trigger.alert.machineId}", comment: "${trigger.alert.title}", timeout: 4 h}
    """
    seen = await follow_action(
        context, "collect_investigation_package", wait=wait, timeout=timeout, machine_id=machine, comment=comment
    )
    if isinstance(seen, Wait):
        return seen
    if seen.document.get("status") != "Succeeded" or not wait:
        return outcome(seen, "the collection")
    name = f"package-{seen.document.get('computerDnsName') or machine}.zip"
    file = await fetch(context, seen, lambda: _package(context, seen.thread.id, name))
    return file if isinstance(file, Wait) else outcome(seen, "the collection", file=file)


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
