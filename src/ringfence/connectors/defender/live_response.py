"""Live response: put files on a machine, run scripts of the library there, and bring files back."""

import json
import re
from collections.abc import AsyncIterator
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from ringfence.actions import ActionError, Context, Effect, Json, Result, Wait
from ringfence.connectors.defender import connector
from ringfence.connectors.defender.following import Seen, Timeout, WaitForEnd, fetch, follow_action, outcome
from ringfence.connectors.defender.forensics import Action
from ringfence.connectors.defender.inputs import Comment, Target

_SHOWN: Final = 64 * 1024


class Put(BaseModel):
    """Put a file of the library on the machine."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    put: Annotated[str, Field(description="The file of the library to put on the machine.", min_length=1)]


class Run(BaseModel):
    """Run a script of the library on the machine, for ten minutes at most."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    run: Annotated[str, Field(description="The script of the library to run.", min_length=1)]
    args: Annotated[str, Field(description="Its arguments, as on a command line.")] = ""


class Get(BaseModel):
    """Bring a file back from the machine."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    get: Annotated[str, Field(description="The whole path of the file on the machine.", min_length=1)]


@connector.action(
    effect=Effect.WRITE,
    operations=("run_live_response", "get_live_response_result", "list_machine_actions", "get_machine_action"),
    permissions=("Machine.LiveResponse", "Machine.Read.All"),
    outcomes=("success", "timed_out"),
    repeatable=True,
)
async def run_live_response(
    context: Context,
    machine: Target,
    commands: Annotated[
        list[Put | Run | Get],
        Field(
            description="What to do: `{put: FILE}` and `{run: SCRIPT, args: TEXT}`, both of the library, and `{get: PATH}`; "
            "first all `put`, then all `run`, then all `get`.",
            min_length=1,
            max_length=50,
        ),
    ],
    comment: Comment,
    wait: WaitForEnd = True,
    timeout: Timeout = None,
) -> Result | Wait:
    """Run commands on a machine by live response, wait until they have ended, and keep what they gave as files of the run.

    `results` has an object for each command: its status, its errors, `file` where it left one, and `transcript` of a script.
    `success`: all have ended well, or were accepted if the step does not wait. `timed_out`: they did not end in time and go
    on in Defender, or the machine never answered (status TimeOut). A command that fails stops the rest, and is an error;
    what the others gave is kept nevertheless.

    Example:
        look:
          action: defender.run_live_response
          with:
            machine: ${trigger.alert.machineId}
            comment: ${trigger.alert.title}
            commands:
              - {get: 'C:\\Windows\\Temp\\invoice.exe'}
              - {get: 'C:\\Users\\Public\\note.txt'}
    """
    _demand_order(commands)
    seen = await follow_action(
        context,
        "run_live_response",
        wait=wait,
        timeout=timeout,
        machine_id=machine,
        commands=[_command(each) for each in commands],
        comment=comment,
    )
    if isinstance(seen, Wait):
        return seen
    if not wait or not seen.ended:
        return outcome(seen, "live response")
    results = await fetch(context, seen, lambda: _results(context, seen))
    if isinstance(results, Wait):
        return results
    if seen.document.get("status") == "Failed":
        _explain(results)
    return outcome(seen, "live response", results=results)


@connector.action(effect=Effect.READ, operations=("get_live_response_result",), permissions=("Machine.Read.All",))
async def get_live_response_result(
    context: Context,
    action: Action,
    command: Annotated[int, Field(description="Which command of the session, counted from 0.", ge=0, le=1000)] = 0,
) -> Json:
    """Keep what a command of an earlier live response gave as a file of the run; `file` refers to it.

    Example:
        look:
          action: defender.run_live_response
          with:
            machine: ${trigger.alert.machineId}
            comment: ${trigger.alert.title}
            commands: [{get: 'C:\\Windows\\Temp\\invoice.exe'}]
            wait: false
        later:
          after: look
          action: logic.delay
          with: {duration: 1 h}
        fetch:
          after: later
          action: defender.get_live_response_result
          with: {action: "${steps.look.id}", command: 0}
    """
    return {"id": action, "command": command, **await _kept(context, action, command, "result")}


def _demand_order(commands: list[Put | Run | Get]) -> None:
    ranks = [(Put, Run, Get).index(type(each)) for each in commands]
    if ranks != sorted(ranks):
        message = "Live response takes commands in one order only."
        advice = "Put all `put` first, then all `run`, then all `get`; use a second step for what comes after."
        raise ActionError(message, code="invalid-inputs", permanent=True, advice=advice)


def _command(command: Put | Run | Get) -> dict[str, str]:
    match command:
        case Put():
            return {"type": "PutFile", "file_name": command.put}
        case Run():
            return {"type": "RunScript", "script_name": command.run, "args": command.args}
        case Get():
            return {"type": "GetFile", "path": command.get}


async def _results(context: Context, seen: Seen) -> Json:
    steps = seen.document.get("commands")
    results: list[Json] = []
    for index, step in enumerate(steps if isinstance(steps, list) else []):
        if not isinstance(step, dict):
            continue
        command = step.get("command")
        kind = command.get("type") if isinstance(command, dict) else None
        result: dict[str, Json] = {
            "command": index,
            "type": kind,
            "status": step.get("commandStatus"),
            "errors": step.get("errors") or [],
        }
        if step.get("commandStatus") == "Completed" and kind in ("RunScript", "GetFile"):
            result |= await _kept(context, seen.thread.id, index, _named(command))
        results.append(result)
    return results


def _named(command: Json) -> str:
    params = command.get("params") if isinstance(command, dict) else None
    for each in params if isinstance(params, list) else []:
        if isinstance(each, dict) and each.get("key") in ("Path", "ScriptName") and isinstance(each.get("value"), str):
            return re.split(r"[\\/]", str(each["value"]))[-1]
    return "result"


async def _kept(context: Context, action_id: str, index: int, name: str) -> dict[str, Json]:
    """Keep what a command gave: a transcript is JSON, a file comes as it is or in a ZIP."""
    content = context.defender.download("get_live_response_result", action_id=action_id, command_index=index)
    first = await anext(content, b"")
    beginning = bytearray(first[:_SHOWN])

    async def whole() -> AsyncIterator[bytes]:
        yield first
        async for piece in content:
            beginning.extend(piece[: _SHOWN - len(beginning)])
            yield piece

    zipped, text = first.startswith(b"PK\x03\x04"), first.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"{")
    ending = ".zip" if zipped and not name.lower().endswith(".zip") else ".json" if text else ""
    media_type = "application/zip" if zipped else "application/json" if text else "application/octet-stream"
    file = await context.attach(f"{index}-{name}{ending}", whole(), media_type=media_type)
    return {"file": file, "transcript": _transcript(bytes(beginning)) if text else None}


def _transcript(content: bytes) -> Json:
    try:
        found: Json = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and "script_name" in found else None


def _explain(results: Json) -> None:
    """Say which command failed, in Defender's words."""
    for each in results if isinstance(results, list) else []:
        if isinstance(each, dict) and each.get("status") == "Failed":
            errors = each.get("errors")
            said = " ".join(str(error) for error in errors) if isinstance(errors, list) else ""
            message = f"Live response failed at command {each['command']} ({each['type']}): {said}".rstrip(": ")
            advice = "What the commands before it gave is kept with the run; correct the command and run it again."
            raise ActionError(message, code="action-failed", permanent=True, advice=advice)
