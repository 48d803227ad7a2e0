"""What may be asked for: the parameters of each kind, read, checked and put into one form."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, get_args

from ringfence.defender.errors import InvalidArgument
from ringfence.defender.operations.indicators import (
    MOST_INDICATORS,
    IndicatorAction,
    IndicatorSeverity,
    IndicatorType,
    NewIndicator,
)
from ringfence.errors import Invalid
from ringfence.responses.kinds import Kind

_SHA1 = re.compile(r"[0-9A-Fa-f]{40}", re.ASCII)
_SCANS: Final = ("Quick", "Full")
_TEXTS: Final = ("title", "description", "recommended_actions", "educate_url", "application")
_INDICATOR: Final = frozenset(
    {
        "indicator_value",
        "indicator_type",
        "action",
        "severity",
        "expiration_time",
        "rbac_group_names",
        "generate_alert",
        *_TEXTS,
    }
)
_LONGEST_TEXT = 2_000


def read(kind: Kind, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a kind as they are kept; Invalid for those that are missing, wrong or unknown."""
    given = {name: value for name, value in parameters.items() if value is not None}
    found: dict[str, Any] = {}
    match kind:
        case Kind.QUARANTINE:
            sha1 = given.pop("sha1", None)
            if not isinstance(sha1, str) or not _SHA1.fullmatch(sha1):
                raise Invalid("A quarantine needs the SHA-1 of the file.", advice="Give its 40 hexadecimal digits.")
            found["sha1"] = sha1.lower()
        case Kind.SCAN:
            found["scan"] = given.pop("scan", "Quick")
            if found["scan"] not in _SCANS:
                raise Invalid("There is no such scan.", advice="Choose Quick or Full.")
        case Kind.INDICATORS:
            found["indicators"] = _indicators(given.pop("indicators", None))
    if given:
        raise Invalid(f"{sorted(given)[0]!r} is no parameter of {kind.value}.", advice="Leave it out.")
    return found


def _indicators(given: Any) -> list[dict[str, Any]]:
    if not isinstance(given, Sequence) or isinstance(given, str) or not 0 < len(given) <= MOST_INDICATORS:
        raise Invalid(f"Between 1 and {MOST_INDICATORS} indicators can be made at once.")
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for each in given:
        read_one = _indicator(each)
        place = value_key(read_one["indicator_type"], read_one["indicator_value"])
        if place in found:
            raise Invalid(f"{read_one['indicator_value'][:80]!r} is there twice.", advice="Name each value once.")
        found[place] = read_one
    return list(found.values())


def value_key(kind: str | None, value: str | None) -> tuple[str, str]:
    """Return what tells the values of indicators apart; Defender minds no letter case."""
    return (kind or "", (value or "").strip().casefold())


def _indicator(given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise Invalid("An indicator is an object with a value, a type, an action, a title and a description.")
    made = {name: value for name, value in given.items() if value is not None}
    if unknown := sorted(set(made) - _INDICATOR):
        raise Invalid(f"{unknown[0]!r} is no part of an indicator.", advice="Leave it out.")
    value = str(made.get("indicator_value", "")).strip()
    if not value or len(value) > _LONGEST_TEXT:
        raise Invalid("An indicator needs a value.", advice="Give a hash, an address, a domain or a URL.")
    made["indicator_value"] = value
    for name, known in (
        ("indicator_type", IndicatorType),
        ("action", IndicatorAction),
        ("severity", IndicatorSeverity),
    ):
        if (name in made or name != "severity") and made.get(name) not in get_args(known):
            raise Invalid(f"{value[:80]!r}: {name} must be one of {', '.join(get_args(known))}.")
    for name in _TEXTS:
        if name in made and (not isinstance(made[name], str) or len(made[name]) > _LONGEST_TEXT):
            raise Invalid(f"{value[:80]!r}: {name} must be a text of at most {_LONGEST_TEXT} characters.")
    if isinstance(made.get("expiration_time"), datetime):
        made["expiration_time"] = made["expiration_time"].isoformat()
    try:
        shaped(made).body()
    except (InvalidArgument, ValueError, TypeError, KeyError) as error:
        raise Invalid(f"{value[:80]!r} cannot be an indicator: {error}") from None
    return made


def shaped(indicator: Mapping[str, Any], *, mark: str = "") -> NewIndicator:
    """Return a kept indicator as Defender's client takes it, with `mark` at the end of its description."""
    values = dict(indicator)
    if "expiration_time" in values:
        values["expiration_time"] = datetime.fromisoformat(values["expiration_time"])
        if values["expiration_time"].tzinfo is None:
            raise ValueError("the time at which it ends needs a time zone")
    if mark:
        values["description"] = f"{values['description']} {mark}"
    return NewIndicator(**values)


def ends_at(indicators: Sequence[Mapping[str, Any]]) -> datetime | None:
    """Return when the last of some indicators ends by itself; None where one never does."""
    ends = [each.get("expiration_time") for each in indicators]
    return max(datetime.fromisoformat(end) for end in ends if end) if ends and all(ends) else None


def allows_something(indicators: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether one of them lets something pass."""
    return any(each.get("action") == "Allowed" for each in indicators)
