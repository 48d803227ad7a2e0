"""A change of an alert that a person asks for: kept before it is sent, so that its echo starts nothing."""

from dataclasses import asdict, dataclass
from typing import Any

from ringfence.actions import ActionError
from ringfence.alerts import queue
from ringfence.alerts.graph import PROVIDER
from ringfence.alerts.model import Alert, AlertVersion
from ringfence.alerts.source import Source
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.containment.driver import ClientSource
from ringfence.errors import Conflict, Invalid, Unavailable
from ringfence.organizations.model import Organization
from ringfence.runs import by_hand
from ringfence.storage import Database, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertChange:
    """What a person wants of an alert, in Defender's words; None leaves it as it is."""

    status: str | None = None
    assigned_to: str | None = None
    classification: str | None = None
    determination: str | None = None
    comment: str | None = None

    def values(self) -> dict[str, Any]:
        """Return what is wanted, by the client's names; Invalid if that is nothing."""
        wanted = {name: value for name, value in asdict(self).items() if value is not None}
        if not wanted or not wanted.get("comment", "x").strip():
            raise Invalid(
                "Nothing was said to change.", advice="Give a status, owner, classification, determination or comment."
            )
        return wanted


async def change(
    database: Database,
    clients: ClientSource,
    organization: Organization,
    alert_id: str,
    wanted: AlertChange,
    *,
    by: str,
) -> Alert:
    """Change an alert in Defender, by our id or Defender's, and return it as it is in the queue until the next poll.

    Each comment is written once, whatever becomes of the reply. NotFound if there is no such alert, Conflict if Defender
    refuses, Unavailable if it may work later.
    """
    values = wanted.values()

    def look(tx: Transaction) -> tuple[Alert, AlertVersion]:
        found = queue.get(tx, organization.id, alert_id)
        return found, queue.read_version(tx, organization.id, found)

    found, present = await database.read(look)
    if present.source == Source.GRAPH and present.raw.get("serviceSource") != PROVIDER:
        raise Conflict(
            "This alert is of another product than Defender for Endpoint.",
            advice="Change it through Graph: `ringfence action run graph_security.update_alert`.",
        )
    await database.run(
        lambda tx: log.write(
            tx, Event.ALERT_WRITTEN, organization.id, found.id, details={"name": found.title} | values, actor=by
        )
    )
    scene = by_hand.context(
        database, clients, organization, found.account_id, by=by, deadline=0.0, keep=_no_file, tell=_nothing
    )
    try:
        await scene.defender.write("update_alert", key=scene.step_key, alert_id=found.alert_id, **values)
    except ActionError as error:
        kind = Conflict if error.permanent else Unavailable
        raise kind(error.message, advice=error.advice) from error
    return found


async def _no_file(name: str, content: object) -> dict[str, Any]:
    raise TypeError(f"Changing an alert gives no file, not even {name}.")


def _nothing(level: object, message: str) -> None:
    return None
