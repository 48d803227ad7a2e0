"""A live-response session: its commands run one after the other, and the first that fails ends it."""

import base64
import re
from typing import Any, Literal

from ringfence.simulator import ids, timestamps
from ringfence.simulator.record import Document
from ringfence.simulator.tenant import Action, Machine, Tenant

Outcome = Literal["Succeeded", "Failed"]
LANDING_FOLDER = r"C:\ProgramData\Microsoft\Windows Defender Advanced Threat Protection\Downloads"
_ABSOLUTE = re.compile(r"([A-Za-z]:\\|\\\\|/).+", re.DOTALL)


def commands(wanted: list[Document]) -> list[Document]:
    """Build the commands of an action that has just been asked for."""
    return [
        {
            "index": index,
            "startTime": None,
            "endTime": None,
            "commandStatus": "Created",
            "errors": [],
            "command": command,
        }
        for index, command in enumerate(wanted)
    ]


def begin(action: Action, at: float) -> None:
    """Note that the first command has begun."""
    action.record.document["commands"][0]["startTime"] = _milliseconds(at)


def run(tenant: Tenant, machine: Machine, action: Action, at: float) -> str:
    """Run the commands to the end, keep what each left to download, and return the outcome of the session."""
    steps: list[Document] = action.record.document["commands"]
    began = timestamps.read(steps[0]["startTime"] or timestamps.stamp(at)) / timestamps.TICKS
    share = max(0.0, at - began) / len(steps)
    action.results = [None] * len(steps)
    last = len(steps) - 1
    for step in steps:
        index = step["index"]
        step["startTime"] = _milliseconds(began + share * index)
        step["endTime"] = _milliseconds(began + share * (index + 1))
        forced = action.outcome == "Failed" and index == last
        problem = "The command could not be completed on the device." if forced else None
        problem = problem or _problem(tenant, machine, step["command"])
        if problem is not None:
            step["commandStatus"], step["errors"] = "Failed", [problem]
            return "Failed"
        step["commandStatus"] = "Completed"
        action.results[index] = _result(tenant, machine, step["command"])
    return "Succeeded"


def parameters(command: Document) -> dict[str, str]:
    """Return the parameters of a command by their key."""
    return {item["key"]: item["value"] for item in command["params"]}


def _problem(tenant: Tenant, machine: Machine, command: Document) -> str | None:
    given = parameters(command)
    if command["type"] == "GetFile":
        path = given["Path"]
        return None if _ABSOLUTE.fullmatch(path) else f"The path {path} is not an absolute path of {machine.name}."
    name = given["FileName"] if command["type"] == "PutFile" else given["ScriptName"]
    return None if tenant.shelves["library_file"].get(name) else f"The file {name} was not found in the library."


def _result(tenant: Tenant, machine: Machine, command: Document) -> Document | None:
    given = parameters(command)
    if command["type"] == "PutFile":
        return None
    if command["type"] == "GetFile":
        path = given["Path"]
        name = re.split(r"[\\/]", path)[-1]
        kept = tenant.shelves["library_file"].get(name)
        content = kept.hidden["content"] if kept and path == rf"{LANDING_FOLDER}\{name}" else _content(machine, path)
        return {"file": name, "content": content}
    return {"transcript": _transcript(tenant, machine, given)}


def _transcript(tenant: Tenant, machine: Machine, given: dict[str, str]) -> Document:
    """Tell what a script did: its file on the machine, its arguments, and where it ran."""
    number = ids.guid("transcript", machine.id, given["ScriptName"], given.get("Args", ""))
    item: Any = tenant.shelves["library_file"].get(given["ScriptName"])
    lines = [
        f"Transcript started, output file is {LANDING_FOLDER.removesuffix('Downloads')}Temp\\PSScriptOutputs\\{number}.txt",
        f"{given['ScriptName']} ({item.document['sha256']}) ran on {machine.name}",
        f"Arguments: {given.get('Args', '')}",
    ]
    return {"script_name": given["ScriptName"], "exit_code": 0, "script_output": "\n".join(lines), "script_errors": ""}


def _content(machine: Machine, path: str) -> str:
    text = f"{path} of {machine.name}\n{ids.hex64('file', machine.id, path)}\n"
    return base64.b64encode(text.encode("utf-8", "replace")).decode()


def _milliseconds(seconds: float) -> str:
    return timestamps.write(timestamps.to_ticks(seconds) // 10_000 * 10_000)
