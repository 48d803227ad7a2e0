"""Indicators of compromise: values that Defender alerts on, blocks or allows."""

from ringfence.simulator import odata
from ringfence.simulator.defender import bodies, indicator_rules
from ringfence.simulator.defender.registry import operation
from ringfence.simulator.filters import Schema
from ringfence.simulator.operations import ENTITY_TYPE, ApiError, Call, Reply, entity, not_found
from ringfence.simulator.record import compact
from ringfence.simulator.shelves import Item

SCHEMA = Schema(
    "Indicator",
    (
        ("application", "text"),
        ("createdByDisplayName", "text"),
        ("expirationTime", "time"),
        ("generateAlert", "truth"),
        ("title", "text"),
        ("rbacGroupNames", "texts"),
        ("rbacGroupIds", "texts"),
        ("indicatorValue", "text"),
        ("indicatorType", "text"),
        ("creationTimeDateTimeUtc", "time"),
        ("createdBy", "text"),
        ("action", "text"),
        ("severity", "text"),
    ),
)
_ALL = "Ti.ReadWrite.All"
_ROLES = ("Ti.ReadWrite", _ALL)
_MOST = 500


def _visible(call: Call) -> dict[str, Item]:
    """Return the active indicators that the caller sees by id: with Ti.ReadWrite alone only its own."""
    items = indicator_rules.active(call.tenant.shelves["indicator"], call.now)
    own = call.app.client_id
    return {item.record.key: item for item in items if _ALL in call.roles or item.document["createdBy"] == own}


@operation("list_indicators", "GET", "indicators", *_ROLES)
def list_indicators(call: Call) -> Reply:
    """List active indicators in the order in which they were made."""
    options = odata.parse(call.query)
    records = [item.record for item in _visible(call).values()]
    page = odata.apply(options, records, SCHEMA, call.tenant.settings.page_size)
    return odata.collection("Indicators", page, options)


@operation("submit_indicator", "POST", "indicators", *_ROLES)
def submit_indicator(call: Call) -> Reply:
    """Make an indicator, or change the one of the same value, type and action."""
    item = indicator_rules.keep(call, indicator_rules.read(call.json_body()))
    return entity("Indicators", item.record.full())


@operation("import_indicators", "POST", "indicators/import", *_ROLES)
def import_indicators(call: Call) -> Reply:
    """Make or change up to 500 indicators; what fails is told one by one, in a 200."""
    wanted = call.json_body().get("Indicators")
    if not wanted:
        raise bodies.missing("Indicators")
    if not isinstance(wanted, list) or not all(isinstance(item, dict) for item in wanted):
        raise bodies.incorrect()
    if len(wanted) > _MOST:
        raise bodies.too_many(len(wanted), _MOST)
    results = []
    for body in wanted:
        value = body.get("indicatorValue")
        try:
            item = indicator_rules.keep(call, indicator_rules.read(body))
        except ApiError as problem:
            results.append(indicator_rules.result(value, None, problem.message))
        else:
            results.append(indicator_rules.result(value, item, None))
    return Reply(200, compact({"value": results}), ENTITY_TYPE)


@operation("delete_indicator", "DELETE", "indicators/{id}", *_ROLES)
def delete_indicator(call: Call) -> Reply:
    """Delete an indicator."""
    key = call.params["id"]
    if key not in _visible(call):
        raise not_found(f"Indicator {key}")
    call.tenant.shelves["indicator"].drop(key)
    return Reply(204)


@operation("batch_delete_indicators", "POST", "indicators/BatchDelete", *_ROLES)
def batch_delete_indicators(call: Call) -> Reply:
    """Delete up to 500 indicators, all or none."""
    keys = bodies.batch(call.json_body(), "IndicatorIds", _MOST)
    for key in keys:
        if not (key.isascii() and key.isdigit()):
            raise ApiError(400, "InvalidInput", f"Invalid input IndicatorIds: {key}.")
    visible = _visible(call)
    for key in keys:
        if key not in visible:
            raise not_found(f"Indicator {key}")
    for key in keys:
        call.tenant.shelves["indicator"].drop(key)
    return Reply(204)
