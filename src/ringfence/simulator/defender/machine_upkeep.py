"""Tags and business value of machines."""

from ringfence.simulator import odata
from ringfence.simulator.defender import bodies
from ringfence.simulator.defender.registry import machine_of, operation
from ringfence.simulator.operations import Call, Reply, entity
from ringfence.simulator.tenant import Machine

_VALUES = ("Normal", "Low", "High")
_ACTIONS = ("Add", "Remove")
_MOST = 500
_WRITE = "Machine.ReadWrite.All"


def _tag(call: Call, machine: Machine, tag: str, action: str) -> None:
    tags = machine.record.document.get("machineTags")
    kept = [item for item in tags if item != tag] if isinstance(tags, list) else []
    already = isinstance(tags, list) and tag in tags
    if action == "Add":
        kept = tags if already and isinstance(tags, list) else [*kept, tag]
    machine.record.document["machineTags"] = kept
    call.tenant.reread_machine(machine)


@operation("add_or_remove_machine_tag", "POST", "machines/{id}/tags", _WRITE)
def add_or_remove_machine_tag(call: Call) -> Reply:
    """Add a tag to a machine or take one away; a tag that is there already, or is not, changes nothing."""
    machine = machine_of(call, call.params["id"])
    body = call.json_body()
    tag, action = bodies.text(body, "Value"), bodies.choice(body, "Action", _ACTIONS)
    _tag(call, machine, tag, action)
    return entity("Machines", machine.record.full())


@operation("add_or_remove_tag_multiple_machines", "POST", "machines/AddOrRemoveTagForMultipleMachines", _WRITE)
def add_or_remove_tag_multiple_machines(call: Call) -> Reply:
    """Add a tag to up to 500 machines or take it away; an unknown machine refuses all of them."""
    body = call.json_body()
    tag, action = bodies.text(body, "Value"), bodies.choice(body, "Action", _ACTIONS)
    keys = bodies.batch(body, "MachineIds", _MOST)
    machines = {machine.id: machine for machine in [machine_of(call, key) for key in keys]}
    for machine in machines.values():
        _tag(call, machine, tag, action)
    records = [machine.record for machine in machines.values()]
    return odata.collection("Machines", odata.Page(records, False), odata.Options())


@operation("set_device_value", "POST", "machines/{id}/setDeviceValue", _WRITE)
def set_device_value(call: Call) -> Reply:
    """Set the business value of a machine."""
    machine = machine_of(call, call.params["id"])
    machine.record.document["deviceValue"] = bodies.choice(call.json_body(), "DeviceValue", _VALUES)
    call.tenant.reread_machine(machine)
    return entity("Machines", machine.record.full())


@operation("update_machine", "PATCH", "machines/{id}", _WRITE)
def update_machine(call: Call) -> Reply:
    """Change tags or value; the tags given replace those that were there (the page says both)."""
    machine = machine_of(call, call.params["id"])
    body = call.json_body()
    bodies.only(body, ("machineTags", "deviceValue"))
    tags = list(dict.fromkeys(bodies.texts(body, "machineTags")))
    value = None if body.get("deviceValue") is None else bodies.choice(body, "deviceValue", _VALUES)
    if body.get("machineTags") is not None:
        machine.record.document["machineTags"] = tags
    if value is not None:
        machine.record.document["deviceValue"] = value
    call.tenant.reread_machine(machine)
    return entity("Machines", machine.record.full())
