"""What the page says in words of an alert's document; whatever does not have the documented shape is passed over. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_LABELS = (
    ("Detection source", "detectionSource"),
    ("Threat", "threatName"),
    ("Threat family", "threatFamilyName"),
    ("Investigation", "investigationState"),
    ("Classification", "classification"),
    ("Determination", "determination"),
    ("Device group", "rbacGroupName"),
)


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment as Defender keeps it; `at` is None where it does not say when, or in no words that are a time."""

    by: str
    at: datetime | None
    text: str


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """Description, labelled values, MITRE techniques, comments, and the users who were logged on."""

    description: str
    pairs: tuple[tuple[str, str], ...]
    techniques: tuple[str, ...]
    comments: tuple[Comment, ...]
    users: tuple[str, ...]


def read(document: Mapping[str, Any]) -> AlertFacts:
    """Read an alert's document."""
    users = [*_objects(document.get("loggedOnUsers")), *_objects([document.get("relatedUser")])]
    names = (
        "\\".join(filter(None, (_text(user, "domainName"), _text(user, "accountName") or _text(user, "userName"))))
        for user in users
    )
    techniques = document.get("mitreTechniques")
    return AlertFacts(
        description=_text(document, "description"),
        pairs=tuple((label, _text(document, key)) for label, key in _LABELS if _text(document, key)),
        techniques=tuple(each for each in techniques if isinstance(each, str)) if isinstance(techniques, list) else (),
        comments=tuple(
            Comment(_text(each, "createdBy"), _moment(_text(each, "createdTime")), _text(each, "comment"))
            for each in _objects(document.get("comments"))
        ),
        users=tuple(dict.fromkeys(filter(None, names))),
    )


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _text(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key)
    return "" if value is None or isinstance(value, dict | list) else str(value)


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
