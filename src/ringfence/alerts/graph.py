"""An alert of Microsoft Graph (alerts_v2) written as Defender for Endpoint writes it. Pure, and ready for anything.

A value that is missing or of another type passes as it is, so that reading it meets what it would have met anyway; the
document itself is left unchanged (fact book, entities: graphAlert, alert).
"""

import re
from collections.abc import Mapping
from typing import Any, Final

PROVIDER: Final = "microsoftDefenderForEndpoint"
_PREFIX: Final = re.compile(r"[a-z]{2}", re.ASCII)
_KIND: Final = re.compile(r"#?microsoft\.graph\.security\.(\w+)Evidence", re.ASCII)
_MAIN: Final = frozenset({"maindevice", "primarydevice"})
_UNKNOWN: Final = frozenset({"unknown", "unknownfuturevalue"})
_SOURCES: Final = {
    "microsoftdefenderforendpoint": "WindowsDefenderAtp",
    "antivirus": "WindowsDefenderAv",
    "smartscreen": "WindowsDefenderSmartScreen",
    "customti": "CustomerTI",
    "microsoftthreatexperts": "ThreatExperts",
    "microsoftdefenderforoffice365": "OfficeATP",
    "microsoft365defender": "MTP",
}
_DETERMINATIONS: Final = {
    "compromiseduser": "CompromisedUser",
    "compromisedaccount": "CompromisedUser",
    "clean": "Clean",
    "notmalicious": "Clean",
    "insufficientdata": "InsufficientData",
    "notenoughdatatovalidate": "InsufficientData",
    "noenoughdatatovalidate": "InsufficientData",
    "confirmeduseractivity": "ConfirmedUserActivity",
    "confirmedactivity": "ConfirmedUserActivity",
}
_PARTS: Final = (
    "sha1",
    "sha256",
    "fileName",
    "filePath",
    "processId",
    "processCommandLine",
    "processCreationTime",
    "parentProcessId",
    "parentProcessCreationTime",
    "parentProcessFileName",
    "parentProcessFilePath",
    "ipAddress",
    "url",
    "registryKey",
    "registryHive",
    "registryValueType",
    "registryValue",
    "registryValueName",
    "accountName",
    "domainName",
    "userSid",
    "aadUserId",
    "userPrincipalName",
    "detectionStatus",
)


def identity(document: Mapping[str, Any]) -> Any:
    """Return the id by which an alert is known whichever API it is read from.

    An alert of Defender for Endpoint has its provider's id, with the two letters that stand for the product where Graph's own
    id shows that the provider's lacks them; any other alert has the id that Graph gives it (fact book, id_formats).
    """
    own, provider = document.get("id"), document.get("providerAlertId")
    if not (isinstance(provider, str) and provider.strip()) or document.get("serviceSource") != PROVIDER:
        return own
    if isinstance(own, str) and own.endswith(provider) and _PREFIX.fullmatch(own.removesuffix(provider)):
        return own
    return provider


def word(value: Any) -> Any:
    """Write a word as Defender does: `inProgress` becomes `InProgress`, one that says nothing becomes None."""
    if not isinstance(value, str) or not value:
        return value
    return None if value.lower() in _UNKNOWN else value[0].upper() + value[1:]


def determination(value: Any) -> Any:
    """Write a determination as Defender does; four of them have two names each."""
    return _DETERMINATIONS.get(value.lower(), word(value)) if isinstance(value, str) else value


def as_defender(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return an alert of Graph in Defender's form."""
    pieces = _objects(document.get("evidence"))
    device = _device(pieces)
    return {
        "id": identity(document),
        "incidentId": _number(document.get("incidentId")),
        "investigationId": None,
        "assignedTo": document.get("assignedTo"),
        "severity": word(document.get("severity")) or "UnSpecified",
        "status": word(document.get("status")) or "Unknown",
        "classification": word(document.get("classification")),
        "determination": determination(document.get("determination")),
        "investigationState": None,
        "detectionSource": _source(document.get("detectionSource")),
        "detectorId": document.get("detectorId"),
        "category": document.get("category"),
        "threatFamilyName": document.get("threatFamilyName"),
        "title": document.get("title"),
        "description": document.get("description"),
        "alertCreationTime": document.get("createdDateTime"),
        "firstEventTime": document.get("firstActivityDateTime"),
        "lastEventTime": document.get("lastActivityDateTime"),
        "lastUpdateTime": document.get("lastUpdateDateTime"),
        "resolvedTime": document.get("resolvedDateTime"),
        "machineId": device.get("mdeDeviceId"),
        "computerDnsName": device.get("deviceDnsName"),
        "rbacGroupName": device.get("rbacGroupName"),
        "aadTenantId": document.get("tenantId"),
        "threatName": document.get("threatDisplayName"),
        "mitreTechniques": document.get("mitreTechniques"),
        "relatedUser": None,
        "loggedOnUsers": [
            {"accountName": user.get("accountName"), "domainName": user.get("domainName")}
            for user in _objects(device.get("loggedOnUsers"))
        ],
        "comments": _comments(document.get("comments")),
        "evidence": [_piece(piece) for piece in pieces if _kind(piece) != "device"],
        "domains": [],
    }


def _device(pieces: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the device that the alert is about: the main one, else one that was compromised, else the first."""
    devices = [piece for piece in pieces if _kind(piece) == "device"]
    named = [piece for piece in devices if piece.get("mdeDeviceId")]
    if not named:
        return next((piece for piece in pieces if piece.get("mdeDeviceId")), devices[0] if devices else {})
    return min(named, key=_rank)


def _rank(device: Mapping[str, Any]) -> int:
    detailed = {each.replace(" ", "").lower() for each in _texts(device.get("detailedRoles"))}
    if detailed & _MAIN:
        return 0
    return 1 if "compromised" in {each.lower() for each in _texts(device.get("roles"))} else 2


def _kind(piece: Mapping[str, Any]) -> str:
    name = piece.get("@odata.type")
    found = _KIND.fullmatch(name) if isinstance(name, str) else None
    return found[1] if found else ""


def _piece(piece: Mapping[str, Any]) -> dict[str, Any]:
    kind = _kind(piece)
    account = _object(piece.get("userAccount"))
    file = _object(piece.get("imageFile") if kind == "process" else piece.get("fileDetails"))
    parent = _object(piece.get("parentProcessImageFile"))
    values = {
        **piece,
        **file,
        **account,
        "processCreationTime": piece.get("processCreationDateTime"),
        "parentProcessCreationTime": piece.get("parentProcessCreationDateTime"),
        "parentProcessFileName": parent.get("fileName"),
        "parentProcessFilePath": parent.get("filePath"),
        "aadUserId": account.get("azureAdUserId"),
        "detectionStatus": word(piece.get("detectionStatus")),
    }
    return {
        "entityType": "Registry" if kind.startswith("registry") else word(kind),
        "evidenceCreationTime": piece.get("createdDateTime"),
        **{name: values.get(name) for name in _PARTS},
    }


def _comments(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return [
        {
            "comment": each.get("comment"),
            "createdBy": each.get("createdByDisplayName", each.get("createdBy")),
            "createdTime": each.get("createdDateTime", each.get("createdTime")),
        }
        if isinstance(each, Mapping)
        else each
        for each in value
    ]


def _source(value: Any) -> Any:
    return _SOURCES.get(value.lower(), word(value)) if isinstance(value, str) else value


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value, re.ASCII) else value


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
