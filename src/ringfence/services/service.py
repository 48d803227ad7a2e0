"""Make, change, pause and resume services, as people ask for it; what cannot be meant is refused here."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ringfence import clock
from ringfence.errors import Conflict, Invalid
from ringfence.services import history, pace, pools, records
from ringfence.services.model import MOST_RESTARTS, Service
from ringfence.storage import Transaction, editions

LONGEST_NAME: Final = 100
MOST_ADDRESSES: Final = 20
LONGEST_ADDRESS: Final = 254
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
SOURCES: Final = ("defender", "graph")
_PACKAGED: Final = re.compile(r"[a-z][a-z0-9_]{0,31}\.[a-z][a-z0-9_]{0,31}")


_EDITED: Final = (
    "id", "name", "source", "interval", "history", "start_at_once", "updates", "max_restarts", "pool", "notify_to",
    "everybody", "shared_with",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a person says of a service; None leaves it as it is, or as a new service has it.

    `parameters` are those of a type that a package brings, and are expected to fit it.
    """

    name: str | None = None
    source: str | None = None
    parameters: Mapping[str, Any] | None = None
    interval: str | None = None
    history: str | None = None
    start_at_once: bool | None = None
    updates: bool | None = None
    max_restarts: int | None = None
    pool: str | None = None
    notify_to: Sequence[str] | None = None
    everybody: bool | None = None
    shared_with: Sequence[str] | None = None


def edition(service: Service) -> str:
    """Return what changes with all that people say of a service, and with nothing else; see `editions`."""
    return editions.edition(*(getattr(service, each) for each in _EDITED), dict(service.parameters))


def create(tx: Transaction, organization_id: str, account_id: str | None, name: str, wanted: Wanted) -> Service:
    """Make a service of an account, or of none, and switch it on: its first poll comes when its first interval has passed.

    Invalid for values that cannot be used, Conflict if the name is taken. Call it off the event loop: unusual words about
    time take a while to read.
    """
    now = clock.now()
    row: dict[str, Any] = {
        "id": clock.new_id(),
        "organization_id": organization_id,
        "account_id": account_id,
        "name": checked_name(name),
        "problems": {},
        "activated_at": now,
        "created_at": now,
        "updated_at": now,
    }
    return records.insert(tx, row | _values(wanted, now))


def edit(tx: Transaction, service: Service, wanted: Wanted) -> Service:
    """Change a service; a source that is new to it is read from the beginning of its history, and so are new parameters.

    Conflict where it would have to follow an account that it has not, or to let go of the one that it has.
    """
    values = _values(wanted, clock.now())
    if ("." in values.get("source", service.source)) != service.packaged:
        raise Conflict(
            "A service cannot change between a connected account and what a package reads.",
            advice="Make a new service.",
        )
    if values.get("parameters", service.parameters) != service.parameters:
        values["cursor"] = None
    if values.get("source", service.source) != service.source:
        values |= {"watermark": None, "cursor": None}
    return records.change(tx, service.id, values) if values else service


def pause(tx: Transaction, service: Service) -> Service:
    """Switch a service off: nothing is read until it is resumed."""
    return records.change(tx, service.id, {"enabled": False})


def resume(tx: Transaction, service: Service) -> Service:
    """Switch a service on; what happened while it was off is read, as far back as its history goes."""
    values = {"enabled": True, "failures": 0, "poll_error": "", "activated_at": clock.now(), "next_poll_at": None}
    return records.change(tx, service.id, values)


def doubled(tx: Transaction, service: Service) -> tuple[str, ...]:
    """Warn if another account's service reads the same tenant; a tenant's domain and its id are not seen to be the same."""
    if not service.enabled:
        return ()
    return tuple(
        f"{service.name} and {each.name} read the same tenant through the accounts {service.account} and {each.account}: "
        "each of its alerts is there twice, and starts playbooks twice. Keep one of them on: "
        f"`ringfence service pause {each.name}`."
        for each in records.rivals(tx, service)
    )


def poll_start(service: Service, default: str, now: datetime) -> datetime:
    """Return the earliest moment that a poll of the service may go back to; `default` are the installation's words.

    Invalid if the words mean no moment in the past; see `history.start` on where to call it.
    """
    return history.start(service.history or default, now)


def _values(wanted: Wanted, now: datetime) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if wanted.name is not None:
        values["name"] = checked_name(wanted.name)
    if wanted.source is not None:
        values["source"] = checked_source(wanted.source)
    if wanted.parameters is not None:
        values["parameters"] = dict(wanted.parameters)
    if wanted.interval is not None:
        values["interval"] = wanted.interval.strip().lower()
        if values["interval"]:
            pace.interval(values["interval"])
    if wanted.history is not None:
        values["history"] = " ".join(wanted.history.split())
        if values["history"]:
            history.start(values["history"], now)
    if wanted.max_restarts is not None:
        if not 0 <= wanted.max_restarts <= MOST_RESTARTS:
            raise Invalid(f"{wanted.max_restarts} restarts cannot be meant.", advice=f"Take 0 to {MOST_RESTARTS}.")
        values["max_restarts"] = wanted.max_restarts
    if wanted.pool is not None:
        values["pool"] = pools.name(wanted.pool)
    if wanted.notify_to is not None:
        values["notify_to"] = addresses(wanted.notify_to)
    if wanted.shared_with is not None:
        values["shared_with"] = sorted(set(wanted.shared_with))
    for name in ("start_at_once", "updates", "everybody"):
        chosen = getattr(wanted, name)
        if chosen is not None:
            values[name] = chosen
    return values


def checked_source(text: str) -> str:
    """Return where a service reads from; Invalid if it is no such place."""
    if text not in SOURCES and not _PACKAGED.fullmatch(text):
        raise Invalid(
            f"There is no source named {text[:40]!r}.",
            advice=f"Take {', '.join(SOURCES)}, or a trigger service of a package: `ringfence app list`.",
        )
    return text


def addresses(given: Sequence[str]) -> list[str]:
    """Return mail addresses, each once; Invalid for one that is none, or for more than 20."""
    found = list(dict.fromkeys(each.strip() for each in given if each.strip()))
    if len(found) > MOST_ADDRESSES:
        raise Invalid(f"At most {MOST_ADDRESSES} addresses are told.", advice="Use the address of a list instead.")
    for each in found:
        if not _ADDRESS.fullmatch(each) or len(each) > LONGEST_ADDRESS:
            raise Invalid(f"{each[:100]!r} is not a mail address.", advice="Write it as soc@contoso.com.")
    return found


def checked_name(text: str) -> str:
    """Return a service's name as it is kept; Invalid if it cannot be one."""
    name = text.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Invalid(
            "This cannot be a service's name.", advice=f"Use 1 to {LONGEST_NAME} characters that can be seen."
        )
    return name
