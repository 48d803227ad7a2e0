"""Whether Defender has dealt with an alert's threat on a host already. Pure; reads alerts of either source.

Said only where it is certain: the investigation ended with everything remediated, or each piece of evidence that can be
remediated was. What bears no status, such as a process or a file of which nothing is known, is not dealt with.
"""

from collections.abc import Mapping
from typing import Any, Final

_ENDED_WELL: Final = "successfullyremediated"
_DEALT_WITH: Final = frozenset({"remediated", "prevented", "blocked"})
# Defender gives them no status: there is nothing about them that it could take away from the host.
_WITHOUT_STATUS: Final = frozenset({"user", "ip", "url", "device", "machine", "mailbox", "cloudapplication"})
_STATUSES: Final = ("remediationStatus", "detectionStatus")
_HOSTS: Final = ("mdeDeviceId", "deviceId", "machineId")
_MOST_NAMED: Final = 3


def handled(document: Mapping[str, Any], machine_id: str) -> str:
    """Return what Defender has done, as a sentence, if it has dealt with the whole alert on this host; else nothing."""
    if _word(document, "investigationState") == _ENDED_WELL:
        return "Defender's investigation of the alert ended with everything remediated."
    listed = document.get("evidence")
    pieces = [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []
    here = [each for each in pieces if _host(each) in ("", machine_id.lower())]
    telling = [each for each in here if _kind(each) not in _WITHOUT_STATUS or _statuses(each) - {"", "none"}]
    if not telling or not all(_statuses(each) & _DEALT_WITH for each in telling):
        return ""
    named = [f"{_name(each)} {min(_statuses(each) & _DEALT_WITH)}" for each in telling[:_MOST_NAMED]]
    more = f" and {len(telling) - _MOST_NAMED} more" if len(telling) > _MOST_NAMED else ""
    return f"Defender has dealt with all evidence of the alert on this host ({', '.join(named)}{more})."


def _word(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    return value.casefold() if isinstance(value, str) else ""


def _host(piece: Mapping[str, Any]) -> str:
    return next((found for name in _HOSTS if (found := _word(piece, name))), "")


def _kind(piece: Mapping[str, Any]) -> str:
    # Graph names the type of a piece #microsoft.graph.security.userEvidence.
    graph = _word(piece, "@odata.type").rpartition(".")[2].removesuffix("evidence")
    return _word(piece, "entityType") or graph


def _statuses(piece: Mapping[str, Any]) -> set[str]:
    return {_word(piece, name) for name in _STATUSES}


def _name(piece: Mapping[str, Any]) -> str:
    found = piece.get("fileName")
    details = piece.get("fileDetails")
    if not isinstance(found, str) and isinstance(details, Mapping):
        found = details.get("fileName")
    return found[:80] if isinstance(found, str) and found else (_kind(piece) or "a piece")
