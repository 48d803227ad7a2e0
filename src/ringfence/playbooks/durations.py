"""Lengths of time as people write them: `30 min`, `24 h`, `10 s`, `500 ms`, `2 d`."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_SECONDS = {"ms": Decimal("0.001"), "s": Decimal(1), "min": Decimal(60), "h": Decimal(3600), "d": Decimal(86400)}
_LONG = {
    "sec": "s",
    "second": "s",
    "seconds": "s",
    "minute": "min",
    "minutes": "min",
    "hour": "h",
    "hours": "h",
    "day": "d",
    "days": "d",
}
_PATTERN = r"^([0-9]{1,9}(?:\.[0-9]{1,3})?) ?([a-z]+)$"
_FORM = re.compile(_PATTERN.replace("$", r"\Z"))
_HINT = "Write a number and a unit: 500 ms, 10 s, 30 min, 24 h or 2 d."


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time in seconds that remembers how it was written; two are equal if they last equally long."""

    seconds: float
    text: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Duration) and self.seconds == other.seconds

    def __hash__(self) -> int:
        return hash(self.seconds)

    def __str__(self) -> str:
        return self.text

    @property
    def timedelta(self) -> timedelta:
        """Give the same length as Python's own type."""
        return timedelta(seconds=self.seconds)

    @classmethod
    def parse(cls, text: str) -> "Duration":
        """Read one duration; ValueError with a sentence if it is not exactly a number and a unit."""
        found = _FORM.match(text)
        unit = _LONG.get(found[2], found[2]) if found else ""
        if found is None or unit not in _SECONDS:
            raise ValueError(f"{text[:40]!r} is not a duration. {_HINT}")
        return cls(float(Decimal(found[1]) * _SECONDS[unit]), text)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _validate, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "format": "duration", "pattern": _PATTERN, "examples": ["30 min", "24 h"]}


def until(text: str, now: datetime) -> datetime:
    """Read a moment to come: a length of time from now (`4 h`), or ISO 8601, in UTC where no zone is given; else ValueError."""
    plain = text.strip()
    try:
        return now + Duration.parse(plain).timedelta
    except ValueError:
        at = datetime.fromisoformat(plain)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _validate(value: Any) -> Duration:
    if isinstance(value, Duration):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError("duration", f"A duration needs a unit. {_HINT}")
    try:
        return Duration.parse(value)
    except ValueError as error:
        # A custom error shows its message as a template in which braces mean something.
        raise PydanticCustomError("duration", "{reason}", {"reason": str(error)}) from None
