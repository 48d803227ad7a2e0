"""Automated investigations of Defender for Endpoint."""

from ringfence.simulator import investigations, odata
from ringfence.simulator.defender import bodies
from ringfence.simulator.defender.registry import machine_of, operation
from ringfence.simulator.filters import Schema
from ringfence.simulator.operations import Call, Reply, entity, not_found

SCHEMA = Schema(
    "Investigation",
    (
        ("startTime", "time"),
        ("id", "text"),
        ("state", "text"),
        ("machineId", "text"),
        ("triggeringAlertId", "text"),
    ),
)
_READ = ("Alert.Read.All", "Alert.ReadWrite.All")


@operation("start_investigation", "POST", "machines/{id}/startInvestigation", "Alert.ReadWrite.All")
def start_investigation(call: Call) -> Reply:
    """Start an investigation of a machine; it is known by an alert of its own (recorded)."""
    machine = machine_of(call, call.params["id"])
    comment = bodies.text(call.json_body(), "Comment")
    alert = investigations.raise_alert(call.tenant, machine, call.app.name, comment, call.now)
    call.entry.alert_id = alert.key
    item = investigations.start(call.tenant, machine, alert, call.simulator.clock, call.now)
    return entity("Investigations", item.record.full(), 201)


@operation("list_investigations", "GET", "investigations", *_READ)
def list_investigations(call: Call) -> Reply:
    """List investigations, the newest first unless ordered otherwise."""
    options = odata.parse(call.query)
    records = [item.record for item in call.tenant.shelves["investigation"]][::-1]
    page = odata.apply(options, records, SCHEMA, call.tenant.settings.page_size)
    return odata.collection("Investigations", page, options)


@operation("get_investigation", "GET", "investigations/{id}", *_READ)
def get_investigation(call: Call) -> Reply:
    """Read an investigation by its id or by the alert that triggered it."""
    item = investigations.find(call.tenant, call.params["id"])
    if item is None:
        raise not_found(f"Investigation {call.params['id']}")
    return entity("Investigations", item.record.full())
