"""Machine actions and their life: Pending, InProgress, and an end, each at the moment it was due."""

from ringfence.simulator import documents, ids, investigations, live_session, timestamps
from ringfence.simulator.clock import SimulatorClock
from ringfence.simulator.record import Document, Record
from ringfence.simulator.tenant import Action, Machine, Tenant

TIMED_OUT = 0x80190198 - 0x1_0000_0000
"""errorHResult of an action whose machine never answered, as the signed 32-bit number that is sent."""

_OPPOSITE = {
    "Isolate": "Unisolate",
    "Unisolate": "Isolate",
    "RestrictCodeExecution": "UnrestrictCodeExecution",
    "UnrestrictCodeExecution": "RestrictCodeExecution",
}


def in_the_way(tenant: Tenant, machine: Machine, kind: str, file: Document | None = None) -> Action | None:
    """Return the action that still runs on the machine and is the same, or undoes it.

    `file` is the relatedFileInfo of the new action: two files can be quarantined at the same time.
    """
    kinds = {kind, _OPPOSITE.get(kind, kind)}
    for action in tenant.active.values():
        same_file = file is None or action.record.document["relatedFileInfo"] == file
        if action.machine_id == machine.id and action.type in kinds and same_file:
            return action
    return None


def submit(tenant: Tenant, machine: Machine, values: Document, clock: SimulatorClock, at: float) -> Action:
    """Queue a machine action; `values` holds type, requestor, requestorComment and what else the request said."""
    key = ids.guid("action", tenant.seed, tenant.name, tenant.next_number())
    moment = timestamps.stamp(at)
    document = documents.action(
        {
            "id": key,
            "machineId": machine.id,
            "computerDnsName": machine.name,
            "creationDateTimeUtc": moment,
            "lastUpdateDateTimeUtc": moment,
        }
        | values
    )
    record = Record(key, document, {"creationDateTimeUtc": timestamps.to_ticks(at)})
    action = Action(
        record, None, at + clock.duration(tenant.settings.expire_seconds), machine.next_outcome or "Succeeded"
    )
    if machine.next_outcome:
        machine.next_outcome = None
        tenant.touch("machine", machine.id)
    if machine.online_since is not None:
        action.due_at = at + clock.duration(tenant.settings.pending_seconds)
    tenant.keep_action(action, active=True)
    return action


def earliest(tenant: Tenant) -> tuple[float, Action] | None:
    """Return the next moment at which an action moves on, and which."""
    moves = [(min(action.expires_at, action.due_at or action.expires_at), action) for action in tenant.active.values()]
    return min(moves, key=lambda move: move[0], default=None)


def move_on(tenant: Tenant, action: Action, clock: SimulatorClock, at: float) -> None:
    """Move an action to its next status, at the moment it was due."""
    machine = tenant.machines[action.machine_id]
    if action.due_at is None or action.expires_at < action.due_at:
        action.record.document["errorHResult"] = TIMED_OUT
        _finish(tenant, action, "TimeOut", at)
    elif action.status == "Pending":
        if action.type == "LiveResponse":
            live_session.begin(action, at)
        _set_status(tenant, action, "InProgress", at)
        action.due_at = at + clock.duration(tenant.settings.running_seconds + action.extra_seconds)
    else:
        if action.type == "LiveResponse" and action.outcome != "TimeOut":
            action.outcome = live_session.run(tenant, machine, action, at)
        if action.outcome == "Succeeded":
            _take_effect(tenant, machine, action)
        elif action.outcome == "TimeOut":
            action.record.document["errorHResult"] = TIMED_OUT
        tenant.seen(machine, timestamps.to_ticks(at))
        _finish(tenant, action, action.outcome, at)


def cancel(tenant: Tenant, action: Action, requestor: str, comment: str | None, at: float) -> None:
    """Cancel an action that has not ended."""
    action.record.document["cancellationRequestor"] = requestor
    action.record.document["cancellationComment"] = comment
    action.record.document["cancellationDateTimeUtc"] = timestamps.stamp(at)
    _finish(tenant, action, "Cancelled", at)


def come_online(tenant: Tenant, machine: Machine, clock: SimulatorClock, at: float) -> None:
    """Bring a machine back: what waited for it starts to move."""
    if machine.online_since is not None:
        return
    machine.online_since = at
    machine.record.document["healthStatus"] = "Active"
    tenant.seen(machine, timestamps.to_ticks(at))
    for action in tenant.active.values():
        if action.machine_id == machine.id:
            pending = action.status == "Pending"
            seconds = tenant.settings.pending_seconds if pending else tenant.settings.running_seconds
            action.due_at = at + clock.duration(seconds)
            tenant.touch("action", action.record.key)
    investigations.wake(tenant, machine, clock, at)


def go_offline(tenant: Tenant, machine: Machine) -> None:
    """Take a machine away: what it has to do waits."""
    machine.online_since = None
    machine.record.document["healthStatus"] = "Inactive"
    machine.record.changed()
    tenant.touch("machine", machine.id)
    for action in tenant.active.values():
        if action.machine_id == machine.id:
            action.due_at = None
            tenant.touch("action", action.record.key)


def _set_status(tenant: Tenant, action: Action, status: str, at: float) -> None:
    action.record.document["status"] = status
    action.record.document["lastUpdateDateTimeUtc"] = timestamps.stamp(at)
    action.record.changed()
    tenant.touch("action", action.record.key)


def _finish(tenant: Tenant, action: Action, status: str, at: float) -> None:
    _set_status(tenant, action, status, at)
    action.due_at = None
    tenant.active.pop(action.record.key, None)


def _take_effect(tenant: Tenant, machine: Machine, action: Action) -> None:
    if action.type in ("RestrictCodeExecution", "UnrestrictCodeExecution"):
        machine.restricted = action.type == "RestrictCodeExecution"
    elif action.type == "StopAndQuarantineFile":
        file = action.record.document["relatedFileInfo"]["fileIdentifier"]
        machine.quarantined = sorted({*machine.quarantined, file})
    elif action.type == "Offboard":
        machine.record.document["onboardingStatus"] = "CanBeOnboarded"
        go_offline(tenant, machine)
    tenant.touch("machine", machine.id)
    if action.type not in ("Isolate", "Unisolate"):
        return
    machine.isolated = action.type == "Isolate"
    if action.record.document["requestSource"] == "PublicApi":
        (tenant.tally.isolated if machine.isolated else tenant.tally.released).add(machine.id)
        tenant.touch()
