"""Response actions on machines, and the list in which they are followed."""

import re

from ringfence.simulator import lifecycle, odata
from ringfence.simulator.defender import bodies
from ringfence.simulator.defender.registry import machine_of, operation
from ringfence.simulator.filters import Schema
from ringfence.simulator.operations import ApiError, Call, Reply, entity, not_found
from ringfence.simulator.record import Document
from ringfence.simulator.tenant import Action, Machine

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
_EVERY_PLATFORM = ("Windows", "Ubuntu", "RedHat", "CentOS", "Debian", "SUSE", "Linux", "macOS")
SUPPORTED: dict[str, tuple[str, ...]] = {
    "RestrictCodeExecution": ("Windows",),
    "UnrestrictCodeExecution": ("Windows",),
    "StopAndQuarantineFile": ("Windows",),
    "Offboard": ("Windows",),
}
"""Beginnings of the platforms that can do an action; the other actions work on every platform."""

_FIRST_BUILDS = {
    "Isolate": ("1703", 15_063),
    "Unisolate": ("1703", 15_063),
    "RestrictCodeExecution": ("1709", 16_299),
    "UnrestrictCodeExecution": ("1709", 16_299),
    "RunAntiVirusScan": ("1709", 16_299),
    "CollectInvestigationPackage": ("1703", 15_063),
    "StopAndQuarantineFile": ("1703", 15_063),
    "Offboard": ("1703", 15_063),
    "LiveResponse": ("1909", 18_363),
}
_NEVER_SHARED = ("CollectInvestigationPackage", "LiveResponse")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)


def external_id_of(call: Call, body: Document) -> str | None:
    """Return the ExternalId that a request carries, if the tenant keeps it. Raises ApiError 400 if it is no text."""
    external_id = bodies.optional_text(body, "ExternalId")
    call.entry.external_id = external_id
    return external_id if call.tenant.settings.keep_external_id else None


def check_platform(machine: Machine, kind: str, *, windows_only: bool = False) -> None:
    """Refuse an action that the system of a machine cannot do, or not in its release. Raises ApiError 400."""
    platform = str(machine.record.document.get("osPlatform"))
    if not platform.startswith("Windows" if windows_only else SUPPORTED.get(kind, _EVERY_PLATFORM)):
        raise ApiError(400, "OsPlatformNotSupported", f"OS Platform {platform} isn't supported for this action.")
    build, (version, least) = machine.record.document.get("osBuild"), _FIRST_BUILDS[kind]
    if platform == "Windows10" and isinstance(build, int) and build < least:
        raise ApiError(400, "ClientVersionNotSupported", f"{kind} is supported on client version {version} and above.")


def respond(
    call: Call, kind: str, values: Document, body: Document, *, windows_only: bool = False, status: int = 201
) -> Reply:
    """Queue a response action on the machine that the path names, or say that one is in the way. Raises ApiError.

    `values` holds what the action's document says beyond the comment: scope, relatedFileInfo, commands.
    """
    machine = machine_of(call, call.params["id"])
    call.tenant.tally.touched.add(machine.id)
    call.tenant.touch()
    comment = (bodies.optional_text(body, "Comment") or "") if kind == "LiveResponse" else bodies.text(body, "Comment")
    external_id = external_id_of(call, body)
    check_platform(machine, kind, windows_only=windows_only)
    obstacle = lifecycle.in_the_way(call.tenant, machine, kind, values.get("relatedFileInfo"))
    if obstacle is not None:
        if obstacle.type != kind or kind in _NEVER_SHARED or call.tenant.settings.duplicates == "refuse":
            raise ApiError(400, "ActiveRequestAlreadyExists", "Action is already in progress")
        call.entry.machine_action_id = obstacle.record.key
        return entity("MachineActions", obstacle.record.full(), status)
    known = {"type": kind, "requestor": call.app.name, "requestorComment": comment, "externalId": external_id}
    action = lifecycle.submit(call.tenant, machine, known | values, call.simulator.clock, call.now)
    call.entry.machine_action_id = action.record.key
    return entity("MachineActions", action.record.full(), status)


@operation("isolate_machine", "POST", "machines/{id}/isolate", "Machine.Isolate")
def isolate_machine(call: Call) -> Reply:
    """Cut a machine off the network."""
    call.tenant.tally.isolate_requests += 1
    call.tenant.touch()
    body = call.json_body()
    scope = body.get("IsolationType", "Full")
    if scope not in ISOLATION_TYPES:
        raise bodies.incorrect()
    return respond(call, "Isolate", {"scope": scope}, body, windows_only=scope == "Selective")


@operation("unisolate_machine", "POST", "machines/{id}/unisolate", "Machine.Isolate")
def unisolate_machine(call: Call) -> Reply:
    """Let a machine onto the network again."""
    call.tenant.tally.unisolate_requests += 1
    call.tenant.touch()
    return respond(call, "Unisolate", {}, call.json_body())


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
    comment = bodies.optional_text(body, "Comment")
    external_id = external_id_of(call, body)
    if action.record.key not in call.tenant.active:
        raise ApiError(400, "BadRequest", f"Machine action {action.record.key} has already ended: {action.status}.")
    if external_id is not None and action.record.document["externalId"] is None:
        action.record.document["externalId"] = external_id
    lifecycle.cancel(call.tenant, action, call.app.name, comment, call.now)
    return entity("MachineActions", action.record.full())
