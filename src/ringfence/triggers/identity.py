"""In whose name a run acts: of a person who started it, by which credential, or of the service of ours that did."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from ringfence.audit.acting import ENGINE, Actor
from ringfence.storage.columns import storable
from ringfence.triggers import change, defender, mailbox, manual, service, timer, webhook

LONGEST: Final = 200


class RunAs(StrEnum):
    """What it is that a run acts for."""

    PERSON = "person"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Identity:
    """The columns of a run that say what started it and in whose name it acts.

    `run_credential` names the session, token or login by which a person came; it holds nothing secret.
    """

    trigger_kind: str
    run_as: str
    run_as_kind: str
    run_via: str
    run_credential: str
    machine_id: str | None

    def row(self) -> dict[str, Any]:
        """Return the columns."""
        return asdict(self)


def identity(seen: Mapping[str, Any], who: Actor = ENGINE, *, machine_id: object = None) -> Identity:
    """Read from what a run sees of its trigger, and from who acts now, in whose name it is to act."""
    kind = str(seen.get("type", ""))
    machine = machine_id or seen.get("machine_id")
    at = storable(machine) if isinstance(machine, str) else None
    if kind == manual.DECLARATION.type:
        name = str(seen.get("by") or who.name)
        name, credential = storable(name[:LONGEST]), storable(who.credential[:LONGEST])
        return Identity(kind, name, RunAs.PERSON.value, who.via.value, credential, at)
    return Identity(kind, storable(_service(kind, seen)[:LONGEST]), RunAs.SERVICE.value, ENGINE.via.value, "", at)


def _service(kind: str, seen: Mapping[str, Any]) -> str:
    """Name the service that started it; a trigger that names no service listens for the whole account."""
    match kind:
        case defender.DECLARATION.type if seen.get("service"):
            return f"service {seen['service']}"
        case defender.DECLARATION.type:
            return f"account {seen['account']}" if seen.get("account") else ENGINE.name
        case webhook.DECLARATION.type:
            return f"webhook {seen.get('hook', '')}"
        case mailbox.DECLARATION.type:
            return f"mailbox {seen.get('mailbox', '')}"
        case service.DECLARATION.type:
            return f"service {seen.get('service', '')}"
        case timer.DECLARATION.type:
            return "timer"
        case change.DECLARATION.type:
            return "change feed"
        case _:
            return ENGINE.name
