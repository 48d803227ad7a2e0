"""What a table holds, and how a value is found in it whichever way it is written. Pure."""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from ringfence.errors import Invalid

LONGEST_NAME: Final = 100
LONGEST_VALUE: Final = 500
LONGEST_NOTE: Final = 1_000
MOST_FIELDS: Final = 20
_FIELD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_ .-]{0,59}")
_OWN_FIELDS: Final = frozenset({"value", "note", "expires_at", "added_at", "added_by"})


class Kind(StrEnum):
    """How values are compared.

    text: as text, without regard to upper and lower case. network: an address is found in every network that holds it.
    domain: a name is found under every domain above it.
    """

    TEXT = "text"
    NETWORK = "network"
    DOMAIN = "domain"


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it is shown; `entries` counts those that have not expired, `expired` the others."""

    id: str
    organization_id: str
    name: str
    kind: Kind
    description: str
    created_at: datetime
    created_by: str
    entries: int = 0
    expired: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", Kind(self.kind))


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; after `expires_at` it is found no more, None means never."""

    id: str
    value: str
    note: str
    data: dict[str, str]
    expires_at: datetime | None
    added_at: datetime
    added_by: str

    def expired(self, now: datetime) -> bool:
        """Whether it is found no more."""
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True, slots=True)
class NewEntry:
    """What is to be in a table; an entry with the same value is replaced."""

    value: str
    note: str = ""
    expires_at: datetime | None = None
    data: Mapping[str, str] = field(default_factory=dict)


def key_of(kind: Kind, value: str) -> str:
    """Return the form of a value by which an entry is kept; Invalid for one that the kind does not know."""
    text = value.strip()
    if not text or len(text) > LONGEST_VALUE or not text.isprintable():
        raise Invalid(
            f"{value[:60]!r} cannot be a value.", advice=f"Use 1 to {LONGEST_VALUE} characters that can be seen."
        )
    match kind:
        case Kind.TEXT:
            return text.casefold()
        case Kind.NETWORK:
            try:
                return str(ipaddress.ip_network(text, strict=False))
            except ValueError:
                raise Invalid(
                    f"{text[:60]!r} is not an address or a network.", advice="Write 203.0.113.7 or 203.0.113.0/24."
                ) from None
        case Kind.DOMAIN:
            name = _domain(text.removeprefix("*."))
            if name is None:
                raise Invalid(f"{text[:60]!r} is not a domain.", advice="Write contoso.com: names below it count too.")
            return name


def keys_for(kind: Kind, value: str) -> Sequence[str]:
    """Return the keys of entries that hold a value, the closest first; none where it cannot be in such a table."""
    text = value.strip()
    if not text or len(text) > 10 * LONGEST_VALUE:
        return ()
    match kind:
        case Kind.TEXT:
            return (text.casefold(),)
        case Kind.NETWORK:
            try:
                network = ipaddress.ip_network(text, strict=False)
            except ValueError:
                return ()
            return [str(network.supernet(new_prefix=size)) for size in range(network.prefixlen, -1, -1)]
        case Kind.DOMAIN:
            name = _domain(text)
            labels = name.split(".") if name else []
            return [".".join(labels[at:]) for at in range(len(labels))]


def check(new: NewEntry) -> None:
    """Raise Invalid unless note and fields can be kept."""
    if len(new.note) > LONGEST_NOTE:
        raise Invalid(f"A note has at most {LONGEST_NOTE} characters.")
    if len(new.data) > MOST_FIELDS:
        raise Invalid(f"An entry has at most {MOST_FIELDS} fields beside its value.")
    for name, text in new.data.items():
        if not _FIELD.fullmatch(name) or name in _OWN_FIELDS:
            raise Invalid(f"{name[:60]!r} cannot be a field's name.", advice="Use letters, digits and underscores.")
        if len(text) > LONGEST_VALUE:
            raise Invalid(f"The field {name!r} has at most {LONGEST_VALUE} characters.")


def _domain(text: str) -> str | None:
    text = text.rstrip(".").casefold()
    try:
        name = text if text.isascii() else text.encode("idna").decode()
    except UnicodeError:
        return None
    labels = name.split(".")
    fits = len(name) <= 253 and all(re.fullmatch(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", each) for each in labels)
    return name if fits else None
