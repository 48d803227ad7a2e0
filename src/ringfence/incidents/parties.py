"""The machines and users of an incident, as the documents of its alerts name them. Pure, and ready for anything."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Machine:
    """A host that alerts name; `account` is the name of the connected account that knows it."""

    machine_id: str
    name: str
    account_id: str
    account: str
    alerts: int


@dataclass(frozen=True, slots=True)
class User:
    """A person's account that alerts name: `DOMAIN\\name`, and its principal name and SID where given."""

    name: str
    principal_name: str
    sid: str
    alerts: int


def users(documents: Iterable[Any]) -> tuple[User, ...]:
    """Return the users of some alerts in Defender's form, those of the most alerts first."""
    found: dict[str, dict[str, Any]] = {}
    for number, document in enumerate(documents):
        for piece in _people(document):
            domain, account = _text(piece, "domainName"), _text(piece, "accountName") or _text(piece, "userName")
            principal = _text(piece, "userPrincipalName")
            name = "\\".join(filter(None, (domain, account))) or principal
            if not name:
                continue
            one = found.setdefault(name.casefold(), {"name": name, "principal_name": "", "sid": "", "seen": set()})
            one["principal_name"] = one["principal_name"] or principal
            one["sid"] = one["sid"] or _text(piece, "userSid")
            one["seen"].add(number)
    made = [User(each["name"], each["principal_name"], each["sid"], len(each["seen"])) for each in found.values()]
    return tuple(sorted(made, key=lambda user: (-user.alerts, user.name.casefold())))


def _people(document: Any) -> list[Mapping[str, Any]]:
    if not isinstance(document, Mapping):
        return []
    evidence = [each for each in _objects(document.get("evidence")) if each.get("entityType") == "User"]
    return [*evidence, *_objects([document.get("relatedUser")]), *_objects(document.get("loggedOnUsers"))]


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _text(piece: Mapping[str, Any], key: str) -> str:
    value = piece.get(key)
    return value[:300] if isinstance(value, str) else ""
