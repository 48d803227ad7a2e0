"""Enum values in Graph's spelling and back (fact book, entities: graph_enums)."""

from ringfence.simulator.graph.errors import wrong_body

DETERMINATIONS: dict[str, str | None] = {
    "unknown": None,
    "apt": "Apt",
    "malware": "Malware",
    "securityPersonnel": "SecurityPersonnel",
    "securityTesting": "SecurityTesting",
    "unwantedSoftware": "UnwantedSoftware",
    "other": "Other",
    "multiStagedAttack": "MultiStagedAttack",
    "compromisedUser": "CompromisedUser",
    "compromisedAccount": "CompromisedUser",
    "phishing": "Phishing",
    "maliciousUserActivity": "MaliciousUserActivity",
    "clean": "NotMalicious",
    "notMalicious": "NotMalicious",
    "insufficientData": "InsufficientData",
    "notEnoughDataToValidate": "InsufficientData",
    "confirmedUserActivity": "ConfirmedUserActivity",
    "confirmedActivity": "ConfirmedUserActivity",
    "lineOfBusinessApplication": "LineOfBusinessApplication",
}
"""What may be written, by the names of the pages and of the typings, with Defender's name for it."""

CLASSIFICATIONS: dict[str, str | None] = {
    "unknown": None,
    "falsePositive": "FalsePositive",
    "truePositive": "TruePositive",
    "informationalExpectedActivity": "InformationalExpectedActivity",
}
ALERT_STATUSES: dict[str, str | None] = {"new": "New", "inProgress": "InProgress", "resolved": "Resolved"}
INCIDENT_STATUSES: dict[str, str | None] = {
    "active": "Active",
    "resolved": "Resolved",
    "redirected": "Redirected",
    "inProgress": "InProgress",
}
_RENAMED = {
    "CompromisedUser": "compromisedAccount",
    "Clean": "notMalicious",
    "InsufficientData": "notEnoughDataToValidate",
    "NoEnoughDataToValidate": "notEnoughDataToValidate",
    "ConfirmedUserActivity": "confirmedActivity",
    "NotAvailable": "unknown",
    "UnSpecified": "unknown",
}
_SOURCES = {
    "WindowsDefenderAtp": "microsoftDefenderForEndpoint",
    "WindowsDefenderAv": "antivirus",
    "WindowsDefenderSmartScreen": "smartScreen",
    "CustomerTI": "customTi",
    "CustomDetection": "customDetection",
    "AutomatedInvestigation": "automatedInvestigation",
    "ThreatExperts": "microsoftThreatExperts",
    "OfficeATP": "microsoftDefenderForOffice365",
    "AppGPolicy": "appGovernancePolicy",
    "AAD": "azureAdIdentityProtection",
    "Manual": "manual",
    "MicrosoftThreatIntelligence": "microsoftThreatIntelligence",
    "NrtAlerts": "nrtAlerts",
    "ScheduledAlerts": "scheduledAlerts",
}
NEWER_SOURCES = frozenset({"microsoftThreatIntelligence", "nrtAlerts", "scheduledAlerts"})
"""Detection sources that only a client sees that asks for newer enum members."""


def shown(value: object, unknown: str = "unknown") -> str:
    """Return Graph's spelling of a value of Defender's: TruePositive becomes truePositive."""
    if not isinstance(value, str) or not value:
        return unknown
    return _RENAMED.get(value, value[0].lower() + value[1:])


def source(value: object) -> str:
    """Return Graph's name of a detection source."""
    return _SOURCES.get(str(value), "unknown")


def meant(value: object, allowed: dict[str, str | None]) -> str | None:
    """Return what a written value means to Defender; letters' case does not matter. Raises ApiError 400."""
    for name, meaning in allowed.items():
        if isinstance(value, str) and name.lower() == value.lower():
            return meaning
    raise wrong_body()
