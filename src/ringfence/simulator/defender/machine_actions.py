"""Response actions on machines, and the list in which they are followed."""

import re

from ringfence.simulator import lifecycle, odata
from ringfence.simulator.defender.registry import machine_of, operation
from ringfence.simulator.filters import Schema
from ringfence.simulator.operations import ApiError, Call, Reply, entity, not_found
from ringfence.simulator.record import Document
from ringfence.simulator.tenant import Action

SCHEMA = Schema(
    "MachineAction",
    (
        ("id", "text"),
        ("status", "text"),
        ("machineId", "text"),
        ("type", "text"),
        ("requestor", "text"),
        ("creationDateTimeUtc", "time"),
    ),
)
ISOLATION_TYPES = ("Full", "Selective", "UnManagedDevice")
_READ = ("Machine.Read.All", "Machine.ReadWrite.All")
_RESPONSE_ROLES = (
    "Machine.CollectForensics",
    "Machine.Isolate",
    "Machine.RestrictExecution",
    "Machine.Scan",
    "Machine.Offboard",
    "Machine.StopAndQuarantine",
    "Machine.LiveResponse",
)
_ISOLATABLE = ("Windows", "Ubuntu", "RedHat", "CentOS", "Debian", "SUSE", "Linux", "macOS")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)


def comment_of(body: Document) -> str:
    """Return the Comment of a request. Raises ApiError 400 if it is absent, empty or no text."""
    comment = body.get("Comment")
    if comment is None or comment == "":
        raise ApiError(400, "MissingRequiredParameter", "Parameter Comment is missing.")
    if not isinstance(comment, str):
        raise ApiError(400, "InvalidRequestBody", "Request body is incorrect")
    return comment


def external_id_of(call: Call, body: Document) -> str | None:
    """Return the ExternalId that a request carries, if the tenant keeps it. Raises ApiError 400 if it is no text."""
    external_id = body.get("ExternalId")
    if external_id is not None and not isinstance(external_id, str):
        raise ApiError(400, "InvalidRequestBody", "Request body is incorrect")
    call.entry.external_id = external_id
    return external_id if call.tenant.settings.keep_external_id else None


def respond(call: Call, kind: str, scope: str | None, body: Document) -> Reply:
    """Queue a response action on the machine that the path names, or say that one is in the way. Raises ApiError."""
    machine = machine_of(call, call.params["id"])
    call.tenant.tally.touched.add(machine.id)
    comment, external_id = comment_of(body), external_id_of(call, body)
    platform = str(machine.record.document.get("osPlatform"))
    if not platform.startswith(_ISOLATABLE):
        raise ApiError(400, "OsPlatformNotSupported", f"OS Platform {platform} isn't supported for this action.")
    obstacle = lifecycle.in_the_way(call.tenant, machine, kind)
    if obstacle is not None:
        if obstacle.type != kind or call.tenant.settings.duplicates == "refuse":
            raise ApiError(400, "ActiveRequestAlreadyExists", "Action is already in progress")
        call.entry.machine_action_id = obstacle.record.key
        return entity("MachineActions", obstacle.record.full(), 201)
    values = {
        "type": kind,
        "scope": scope,
        "requestor": call.app.name,
        "requestorComment": comment,
        "externalId": external_id,
    }
    action = lifecycle.submit(call.tenant, machine, values, call.simulator.clock, call.now)
    call.entry.machine_action_id = action.record.key
    return entity("MachineActions", action.record.full(), 201)


@operation("isolate_machine", "POST", "machines/{id}/isolate", "Machine.Isolate")
def isolate_machine(call: Call) -> Reply:
    """Cut a machine off the network."""
    call.tenant.tally.isolate_requests += 1
    call.tenant.touch()
    body = call.json_body()
    scope = body.get("IsolationType", "Full")
    if scope not in ISOLATION_TYPES:
        raise ApiError(400, "InvalidRequestBody", "Request body is incorrect")
    return respond(call, "Isolate", scope, body)


@operation("unisolate_machine", "POST", "machines/{id}/unisolate", "Machine.Isolate")
def unisolate_machine(call: Call) -> Reply:
    """Let a machine onto the network again."""
    call.tenant.tally.unisolate_requests += 1
    call.tenant.touch()
    return respond(call, "Unisolate", None, call.json_body())


@operation("list_machine_actions", "GET", "machineactions", *_READ)
def list_machine_actions(call: Call) -> Reply:
    """List machine actions, the newest first unless ordered otherwise."""
    options = odata.parse(call.query)
    records = [action.record for action in reversed(call.tenant.actions.values())]
    page = odata.apply(options, records, SCHEMA, call.tenant.settings.page_size)
    return odata.collection("MachineActions", page, options)


def action_of(call: Call) -> Action:
    """Return the machine action that the path names. Raises ApiError 400, 404."""
    key = call.params["id"]
    if not _GUID.fullmatch(key):
        raise ApiError(
            400,
            "BadRequest",
            f"The key value ({key}) from request is not valid. The key value should be format of type 'Edm.Guid'.",
        )
    call.entry.machine_action_id = key.lower()
    action = call.tenant.actions.get(key.lower())
    if action is None:
        raise not_found(f"Machine action {key}")
    call.entry.machine_id = action.machine_id
    return action


@operation("get_machine_action", "GET", "machineactions/{id}", *_READ)
def get_machine_action(call: Call) -> Reply:
    """Read one machine action."""
    return entity("MachineActions", action_of(call).record.full())


@operation("cancel_machine_action", "POST", "machineactions/{id}/cancel", *_RESPONSE_ROLES)
def cancel_machine_action(call: Call) -> Reply:
    """Cancel an action that has not ended; the fact book knows no reply for one that has, here it is a 400."""
    action = action_of(call)
    body = call.json_body()
    comment = body.get("Comment")
    if comment is not None and not isinstance(comment, str):
        raise ApiError(400, "InvalidRequestBody", "Request body is incorrect")
    external_id = external_id_of(call, body)
    if action.record.key not in call.tenant.active:
        raise ApiError(400, "BadRequest", f"Machine action {action.record.key} has already ended: {action.status}.")
    if external_id is not None and action.record.document["externalId"] is None:
        action.record.document["externalId"] = external_id
    lifecycle.cancel(call.tenant, action, call.app.name, comment, call.now)
    return entity("MachineActions", action.record.full())
