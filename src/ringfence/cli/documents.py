"""The JSON that `--json` prints: the product's own records, field by field."""

import json
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any

import typer

from ringfence import clock


def form(value: Any) -> Any:
    """Return a record as JSON: moments as ISO 8601 in UTC, lengths of time in seconds."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: form(getattr(value, field.name)) for field in fields(value) if field.repr}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return clock.iso(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, dict):
        return {str(key): form(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [form(item) for item in value]
    return value


def put(document: Any) -> None:
    """Print one JSON document; in ASCII, so that no text from outside reaches the terminal as it is."""
    typer.echo(json.dumps(form(document), indent=2).replace("\x7f", "\\u007f"))
