"""Keep what a run is about to write to alerts, so that the poll knows it again and starts nothing because of it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from ringfence.alerts import writes
from ringfence.defender import DefenderError
from ringfence.storage import Database

_FIELDS: Final = {
    "status": "status",
    "assigned_to": "assignedTo",
    "classification": "classification",
    "determination": "determination",
}
_ONE: Final = frozenset({"update_alert", "graph_update_alert"})
_MANY: Final = frozenset({"batch_update_alerts"})


@asynccontextmanager
async def remembered(
    database: Database, account_id: str, operation: str, key: str, arguments: Mapping[str, Any]
) -> AsyncIterator[None]:
    """Keep the write before it is made, and forget it again if Microsoft refused it.

    Comments need not be kept: they carry our marker. Where nobody knows whether the write arrived, it stays.
    """
    ids = _alerts(operation, arguments)
    values = {field: arguments[name] for name, field in _FIELDS.items() if arguments.get(name) is not None}
    if not ids or not values:
        yield
        return
    await database.run(lambda tx: writes.record(tx, account_id, ids, values, key))
    try:
        yield
    except DefenderError as error:
        if error.permanent:
            await database.run(lambda tx: writes.withdraw(tx, account_id, key))
        raise


def _alerts(operation: str, arguments: Mapping[str, Any]) -> list[str]:
    if operation in _ONE:
        return [str(arguments["alert_id"])]
    return [str(each) for each in arguments["alert_ids"]] if operation in _MANY else []
