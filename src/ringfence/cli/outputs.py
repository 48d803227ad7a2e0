"""What an action found, for people: rows as a table, facts as facts, and what is nested in few words."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ringfence.cli.terminal import Column, facts, hint, say, table

_TELLING: Final = (
    "id", "alertId", "incidentId", "computerDnsName", "displayName", "incidentName", "title", "fileName", "indicatorValue",
    "name", "accountName", "severity", "status", "state", "type", "indicatorType", "action", "healthStatus", "riskScore",
    "osPlatform", "lastIpAddress", "lastSeen", "creationDateTimeUtc", "alertCreationTime", "createdDateTime",
)  # fmt: skip
_MOST_COLUMNS: Final = 6
_LONGEST: Final = 300


def show_output(output: Any) -> None:
    """Print the output of an action; --json is the way to all of it."""
    if output is None or output in ({}, [], ""):
        hint("It gives nothing.")
        return
    match output:
        case {"columns": [*columns], "rows": [*rows], **rest}:
            _rows(rows, [str(column) for column in columns])
            _said_more(rest, len(rows))
        case {"items": [*items], **rest}:
            _items(items)
            _said_more(rest, len(items))
        case [*items]:
            _items(items)
        case {}:
            _facts(output)
        case _:
            say(_short(output))


def _items(items: Sequence[Any]) -> None:
    if not items:
        hint("There are none.")
    elif all(isinstance(each, Mapping) for each in items):
        present = {name for each in items for name, value in each.items() if _plain(value) and value is not None}
        columns = [name for name in _TELLING if name in present][:_MOST_COLUMNS]
        _rows(items, columns or sorted(present)[:_MOST_COLUMNS])
    else:
        for each in items:
            say(_short(each))


def _rows(rows: Sequence[Any], columns: Sequence[str]) -> None:
    if not rows:
        hint("There are none.")
        return
    shown = [Column(name, flexible=index > 0) for index, name in enumerate(columns)]
    table(shown, [[_short(row.get(name)) for name in columns] for row in rows])


def _said_more(rest: Mapping[Any, Any], shown: int) -> None:
    if rest.get("more"):
        of = f" of {rest['found']}" if "found" in rest else ""
        hint(f"These are the first {shown}{of}; there are more.")
    hint("All that is known of each: --json.")


def _facts(output: Mapping[str, Any]) -> None:
    plain = [(str(name), _short(value)) for name, value in output.items() if _plain(value) and value not in (None, "")]
    nested = [(str(name), _short(value)) for name, value in output.items() if not _plain(value) and value]
    facts([*plain, *nested])


def _plain(value: Any) -> bool:
    return not isinstance(value, list | Mapping)


def _short(value: Any) -> str:
    if value is None:
        return "-"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
