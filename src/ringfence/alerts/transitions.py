"""What happened to an alert between two of its versions: a pure function of the two documents.

Words are read without regard to letter case, since Microsoft's two APIs write them differently. Severities and statuses that
are not known have no place in their orders: a change from or to one is an update and nothing more.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final


class Change(StrEnum):
    """What a version of an alert did to it. `updated` stands beside every other one but `created`."""

    CREATED = "created"
    UPDATED = "updated"
    SEVERITY_RAISED = "severity_raised"
    SEVERITY_LOWERED = "severity_lowered"
    REOPENED = "reopened"
    RESOLVED = "resolved"
    REASSIGNED = "reassigned"
    CLASSIFIED = "classified"
    REMEDIATED = "remediated"
    MACHINE_ADDED = "machine_added"


ABOUT: Final[Mapping[Change, str]] = {
    Change.CREATED: "the first version that was seen",
    Change.UPDATED: "any later version that somebody else changed",
    Change.SEVERITY_RAISED: "its severity went up",
    Change.SEVERITY_LOWERED: "its severity went down",
    Change.REOPENED: "it was resolved and is new or in progress again",
    Change.RESOLVED: "it was not resolved and is now",
    Change.REASSIGNED: "it was assigned to somebody else, or to nobody",
    Change.CLASSIFIED: "it was given a classification or determination, or another one",
    Change.REMEDIATED: "its investigation, or a piece of its evidence, was remediated",
    Change.MACHINE_ADDED: "it names a machine that it did not name before",
}

_SEVERITIES: Final = {"unspecified": 0, "informational": 1, "low": 2, "medium": 3, "high": 4}
_OPEN: Final = frozenset({"new", "inprogress"})
_RESOLVED: Final = "resolved"
_NOTHING: Final = frozenset({"", "unknown", "notset", "notavailable", "none"})
_REMEDIATED_STATES: Final = frozenset({"successfullyremediated", "partiallyremediated"})
_REMEDIATED_EVIDENCE: Final = frozenset({"remediated", "blocked", "prevented"})


def transitions(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return what happened between two versions, what says most first; `before` is None for the first version."""
    if before is None:
        return (Change.CREATED,)
    return (*_found(before, after), Change.UPDATED)


def _found(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    old, new = _SEVERITIES.get(_word(before, "severity")), _SEVERITIES.get(_word(after, "severity"))
    if old is not None and new is not None and old != new:
        yield Change.SEVERITY_RAISED if new > old else Change.SEVERITY_LOWERED
    was, now = _word(before, "status"), _word(after, "status")
    if was == _RESOLVED and now in _OPEN:
        yield Change.REOPENED
    if was != _RESOLVED and now == _RESOLVED:
        yield Change.RESOLVED
    if _machines(after) - _machines(before):
        yield Change.MACHINE_ADDED
    if _is_remediated(before, after):
        yield Change.REMEDIATED
    judged = _judgement(after)
    if any(judged) and judged != _judgement(before):
        yield Change.CLASSIFIED
    if _word(before, "assignedTo") != _word(after, "assignedTo"):
        yield Change.REASSIGNED


def _word(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    return value.casefold() if isinstance(value, str) else ""


def _judgement(document: Mapping[str, Any]) -> tuple[str, str]:
    classification, determination = _word(document, "classification"), _word(document, "determination")
    return (
        "" if classification in _NOTHING else classification,
        "" if determination in _NOTHING else determination,
    )


def _evidence(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = document.get("evidence")
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _machines(document: Mapping[str, Any]) -> set[str]:
    named = {_word(document, "machineId"), *(_word(each, "mdeDeviceId") for each in _evidence(document))}
    return named - {""}


def _is_remediated(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    was, now = _word(before, "investigationState"), _word(after, "investigationState")
    if now in _REMEDIATED_STATES and was not in _REMEDIATED_STATES:
        return True
    return _remediated_pieces(after) > _remediated_pieces(before)


def _remediated_pieces(document: Mapping[str, Any]) -> int:
    return sum(
        _word(each, "remediationStatus") in _REMEDIATED_EVIDENCE or _word(each, "detectionStatus") == "prevented"
        for each in _evidence(document)
    )
