"""What the alerts of a tenant tell about files, addresses, domains and users: the ground of their profiles."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ringfence.simulator import timestamps
from ringfence.simulator.record import Document, Record
from ringfence.simulator.tenant import Machine, Tenant

Test = Callable[[Document], bool]


@dataclass(frozen=True)
class Sighting:
    """A piece of evidence and the alert that holds it."""

    alert: Record
    evidence: Document

    @property
    def first(self) -> int:
        return _ticks(self.alert, "firstEventTime")

    @property
    def last(self) -> int:
        return _ticks(self.alert, "lastEventTime")

    @property
    def machine_id(self) -> str:
        return str(self.alert.document.get("machineId"))


def find(tenant: Tenant, test: Test) -> list[Sighting]:
    """Return the sightings whose evidence passes a test, in the order of the alerts."""
    return [
        Sighting(record, item) for record in tenant.alert_order for item in evidence_of(record.document) if test(item)
    ]


def evidence_of(alert: Document) -> Iterator[Document]:
    """Give the evidence items of an alert; odd documents have none."""
    items = alert.get("evidence")
    if isinstance(items, list):
        yield from (item for item in items if isinstance(item, dict))


def alerts(sightings: list[Sighting]) -> list[Record]:
    """Return the alerts of sightings, each once."""
    return list({sighting.alert.key: sighting.alert for sighting in sightings}.values())


def machines(tenant: Tenant, sightings: list[Sighting]) -> list[Machine]:
    """Return the machines of sightings, each once, by id."""
    keys = sorted({sighting.machine_id for sighting in sightings} & set(tenant.machines))
    return [tenant.machines[key] for key in keys]


def span(sightings: list[Sighting]) -> tuple[str | None, str | None]:
    """Return when something was seen first and last, as times."""
    if not sightings:
        return None, None
    return timestamps.write(min(item.first for item in sightings)), timestamps.write(
        max(item.last for item in sightings)
    )


def has_file(*, sha1: str | None = None, sha256: str | None = None) -> Test:
    """Return the test for a file by one of its hashes, in lower case."""
    if sha1 is not None:
        return lambda item: _lower(item.get("sha1")) == sha1
    return lambda item: _lower(item.get("sha256")) == sha256


def has_ip(address: str) -> Test:
    """Return the test for an address."""
    return lambda item: item.get("entityType") == "Ip" and item.get("ipAddress") == address


def has_domain(domain: str) -> Test:
    """Return the test for a domain or a host below it."""
    wanted = domain.lower()

    def test(item: Document) -> bool:
        host = host_of(item)
        return host is not None and (host == wanted or host.endswith(f".{wanted}"))

    return test


def host_of(item: Document) -> str | None:
    """Return the host of a Url evidence, in lower case."""
    url = item.get("url")
    if item.get("entityType") != "Url" or not isinstance(url, str):
        return None
    try:
        return urlsplit(url if "//" in url else f"//{url}").hostname
    except ValueError:
        return None


def of_user(tenant: Tenant, account: str) -> list[Record]:
    """Return the alerts in which an account plays a part: as related user, or in the evidence."""
    wanted = account.lower()

    def plays(record: Record) -> bool:
        related = record.document.get("relatedUser")
        if isinstance(related, dict) and _lower(related.get("userName")) == wanted:
            return True
        return any(_lower(item.get("accountName")) == wanted for item in evidence_of(record.document))

    return [record for record in tenant.alert_order if plays(record)]


def _ticks(record: Record, name: str) -> int:
    value = record.document.get(name)
    try:
        return timestamps.read(value) if isinstance(value, str) else record.ticks["alertCreationTime"]
    except ValueError:
        return record.ticks["alertCreationTime"]


def _lower(value: Any) -> str | None:
    return value.lower() if isinstance(value, str) else None
