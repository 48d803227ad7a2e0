"""Live response: sessions of commands on a machine, and links to what commands and packages left."""

from typing import Any

from ringfence.simulator import live_session
from ringfence.simulator.defender import bodies, downloads
from ringfence.simulator.defender.machine_actions import action_of, respond
from ringfence.simulator.defender.registry import operation
from ringfence.simulator.operations import CONTEXT, ApiError, Call, Reply
from ringfence.simulator.record import Document, compact

_ORDER = ("PutFile", "RunScript", "GetFile")
_REQUIRED = {"PutFile": "FileName", "RunScript": "ScriptName", "GetFile": "Path"}
_READ = ("Machine.Read.All", "Machine.ReadWrite.All")


@operation("run_live_response", "POST", "machines/{id}/runliveresponse", "Machine.LiveResponse")
def run_live_response(call: Call) -> Reply:
    """Queue a session: PutFile, RunScript, GetFile in this order, any number of each; 25 at once in a tenant."""
    body = call.json_body()
    wanted = body.get("Commands")
    if not wanted:
        raise bodies.missing("Commands")
    if not isinstance(wanted, list):
        raise bodies.incorrect()
    commands = [_command(item) for item in wanted]
    places = [_ORDER.index(command["type"]) for command in commands]
    if places != sorted(places):
        raise bodies.incorrect()
    open_sessions = sum(action.type == "LiveResponse" for action in call.tenant.active.values())
    if open_sessions >= call.tenant.settings.live_sessions:
        raise ApiError(429, "TooManyRequests", f"There are {open_sessions} live response sessions already.")
    return respond(call, "LiveResponse", {"commands": live_session.commands(commands)}, body)


def _command(item: Any) -> Document:
    if not isinstance(item, dict) or item.get("type") not in _ORDER or not isinstance(item.get("params"), list):
        raise bodies.incorrect()
    params = []
    for pair in item["params"]:
        if not isinstance(pair, dict) or not isinstance(pair.get("key"), str) or not isinstance(pair.get("value"), str):
            raise bodies.incorrect()
        params.append({"key": pair["key"], "value": pair["value"]})
    if not any(pair["key"] == _REQUIRED[item["type"]] and pair["value"] for pair in params):
        raise bodies.missing(_REQUIRED[item["type"]])
    return {"type": item["type"], "params": params}


def _link(address: str) -> Reply:
    return Reply(200, compact({"@odata.context": f"{CONTEXT}#Edm.String", "value": address}))


@operation(
    "get_live_response_result",
    "GET",
    "machineactions/{id}/GetLiveResponseResultDownloadLink(index={index})",
    *_READ,
)
def get_live_response_result(call: Call) -> Reply:
    """Give a link, good for 30 minutes, to the result of a command; PutFile and failed commands have none."""
    action = action_of(call)
    if action.type != "LiveResponse":
        raise ApiError(400, "InvalidInput", "Provided Guid is not a valid id for a LiveResponse action")
    index = call.params["index"]
    steps = action.record.document["commands"]
    if not (index.isascii() and index.isdigit()) or len(index) > 6 or int(index) >= len(steps):
        raise ApiError(400, "InvalidInput", f"Invalid input index: {index}. The action has {len(steps)} commands.")
    if int(index) >= len(action.results) or action.results[int(index)] is None:
        raise ApiError(404, "ResourceNotFound", f"Result of command {index} was not found")
    return _link(downloads.result_link(call, action, int(index)))


@operation("get_package_sas_uri", "GET", "machineactions/{id}/getPackageUri", *_READ)
def get_package_sas_uri(call: Call) -> Reply:
    """Give a short-lived link to a forensic package; the text itself is in double quotes (recorded)."""
    action = action_of(call)
    if action.type != "CollectInvestigationPackage":
        raise ApiError(400, "InvalidInput", "Provided Guid is not a valid id for a CollectInvestigationPackage action")
    if action.status != "Succeeded":
        raise ApiError(404, "ResourceNotFound", f"Package of machine action {action.record.key} was not found")
    return _link(f'"{downloads.package_link(call, action)}"')
