"""What policy looked at, as people read it: names in words, moments and lengths of time as such, what is not known said so."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from ringfence.web.formatting import duration

_NAMES: Final = {
    "machine_id": "Machine id",
    "merged_into": "Merged into",
    "os_platform": "Operating system",
    "onboarding_status": "Onboarding",
    "health_status": "Sensor",
    "device_value": "Value in Defender",
    "domain_admin": "Domain administrator on it",
    "unseen_seconds": "Silent for",
    "by_person": "Asked by a person",
    "promoted": "Alert is in an incident",
    "decided_last_hour": "Decided in this hour",
    "decided_for_playbook": "… for the playbook",
    "decided_in_group": "… in the device group",
    "held_now": "Hosts cut off now",
    "fleet": "Onboarded hosts",
    "tripped": "Brakes that hold",
    "lifted": "Limits lifted",
    "handled": "Dealt with by Defender",
    "forced": "By force",
}
_IDS: Final = frozenset({"machine_id", "merged_into"})
_MOMENTS: Final = frozenset({"last_seen"})


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: `text` is empty where it is not known, `moment` is set where it is one, `code` says that it is an id."""

    name: str
    text: str
    code: bool = False
    moment: datetime | None = None


def told(facts: Mapping[str, Any], leave_out: Iterable[str] = ()) -> tuple[Fact, ...]:
    """Return facts as stored with a verdict or a question, in their order."""
    without = set(leave_out)
    return tuple(_fact(name, value) for name, value in facts.items() if name not in without)


def _fact(name: str, value: Any) -> Fact:
    word = _NAMES.get(name) or name.replace("_", " ").capitalize()
    if value is None:
        return Fact(word, "")
    if value == "":
        return Fact(word, "no")
    if name in _MOMENTS and (moment := _moment(value)) is not None:
        return Fact(word, str(value), moment=moment)
    if name == "unseen_seconds" and isinstance(value, int | float):
        return Fact(word, duration(timedelta(seconds=value)))
    return Fact(word, words(value), code=name in _IDS)


def _moment(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def words(value: Any) -> str:
    """Return a value as people read it."""
    match value:
        case None:
            return "not known"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(words, value)) or "none"
        case dict():
            return ", ".join(f"{name}: {words(each)}" for name, each in value.items()) or "none"
        case _:
            return str(value)
