"""From the document that Defender sent to the values of an alert's row: pure, and ready for anything.

The document itself is kept as it came. Here a value that is missing or of another type becomes nothing, and a text that is
too long is cut, so that one odd field costs only itself; what is not an alert at all is refused with a sentence. What a
database cannot hold as text is replaced where the row is written (`storage.columns.storable`).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from ringfence.errors import Invalid

LONGEST_ID: Final = 200
LONGEST_TEXT: Final = 1_000
LONGEST_WORD: Final = 100
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)?", re.ASCII)
_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 2999


class NotAnAlert(Invalid):
    """What was sent as an alert cannot be read as one."""

    code = "not_an_alert"


@dataclass(frozen=True, slots=True)
class AlertValues:
    """The named values of an alert; severity and status are Microsoft's words, or its own words for not knowing."""

    alert_id: str
    title: str
    severity: str
    status: str
    category: str
    assigned_to: str | None
    incident_id: str | None
    machine_id: str | None
    machine_name: str | None
    event_at: datetime | None
    created_at: datetime | None
    updated_at: datetime | None


def normalise(document: object) -> AlertValues:
    """Return the values of one raw alert; NotAnAlert, saying why, if it has no usable identity."""
    if not isinstance(document, dict):
        raise NotAnAlert(f"An alert is an object, and this is {_kind(document)}.")
    return AlertValues(
        alert_id=_identity(document.get("id")),
        title=_text(document.get("title"), LONGEST_TEXT) or "",
        severity=_text(document.get("severity"), LONGEST_WORD) or "UnSpecified",
        status=_text(document.get("status"), LONGEST_WORD) or "Unknown",
        category=_text(document.get("category"), LONGEST_WORD) or "",
        assigned_to=_text(document.get("assignedTo"), LONGEST_TEXT),
        incident_id=_number_or_text(document.get("incidentId")),
        machine_id=_reference(document.get("machineId")),
        machine_name=_text(document.get("computerDnsName"), LONGEST_TEXT),
        event_at=moment(document.get("firstEventTime")) or moment(document.get("lastEventTime")),
        created_at=moment(document.get("alertCreationTime")),
        updated_at=moment(document.get("lastUpdateTime")),
    )


def moment(value: object) -> datetime | None:
    """Read a time as Defender writes it (0 to 7 digits after the second, never rounded up), None if it is none."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return None
    try:
        read = datetime.fromisoformat(value)
        read = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    # .NET's smallest and largest times mean "none", and databases do not carry them through every time zone.
    return read if _FIRST_YEAR <= read.year <= _LAST_YEAR else None


def _identity(value: Any) -> str:
    if value is None:
        raise NotAnAlert("The alert has no id.")
    if not isinstance(value, str):
        raise NotAnAlert(f"The alert's id is {_kind(value)} instead of a text.")
    if not value.strip():
        raise NotAnAlert("The alert's id is empty.")
    if len(value) > LONGEST_ID:
        raise NotAnAlert(f"The alert's id has {len(value)} characters; {LONGEST_ID} are the most.")
    # Cleaned, two different ids could become one.
    if not value.isprintable():
        raise NotAnAlert("The alert's id holds characters that no id has.")
    return value


def _text(value: object, longest: int) -> str | None:
    return value[:longest] if isinstance(value, str) else None


def _reference(value: object) -> str | None:
    # A cut id would name something else.
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST_ID and value.isprintable() else None


def _number_or_text(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= 64:
        return str(value)
    return _reference(value)


def _kind(value: object) -> str:
    kinds = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "a text",
        list: "a list",
        dict: "an object",
    }
    return kinds.get(type(value), "null")
