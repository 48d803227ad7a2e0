"""The inputs that several actions have in common, each with its words and its limits."""

from typing import Annotated, Literal

from pydantic import Field

from ringfence.actions import Duration

Machine = Annotated[
    str, Field(description="The Defender id of the machine, 40 hexadecimal digits.", min_length=1, max_length=255)
]
Target = Annotated[
    str,
    Field(
        description="The Defender id of the machine, 40 hexadecimal digits; a name will not do.",
        pattern=r"^([0-9A-Fa-f]{40}|[0-9A-Fa-f]{32})$",
    ),
]
Alert = Annotated[
    str, Field(description="The id of the alert, e.g. ${trigger.alert.id}.", min_length=1, max_length=255)
]
Comment = Annotated[
    str,
    Field(
        description="Why, for Defender's own record and whoever reads it later.",
        min_length=1,
        max_length=2000,
        json_schema_extra={"format": "multi-line"},
    ),
]
Limit = Annotated[int, Field(description="How many at most, 1 to 1000.", ge=1, le=1000)]
Condition = Annotated[
    str, Field(description="A further condition in OData, for what the other inputs cannot say.", max_length=4000)
]
LookBack = Annotated[
    Duration | None, Field(description="How far back to look, 1 h to 30 d; Microsoft's own 30 d if left out.")
]
Sha1 = Annotated[str, Field(description="The SHA-1 of the file, 40 hexadecimal digits.", pattern=r"^[0-9A-Fa-f]{40}$")]
FileHash = Annotated[
    str,
    Field(description="The SHA-1 or SHA-256 of the file.", pattern=r"^([0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})$"),
]
Severity = Literal["UnSpecified", "Informational", "Low", "Medium", "High"]
WritableStatus = Literal["New", "InProgress", "Resolved"]
Classification = Literal["TruePositive", "InformationalExpectedActivity", "FalsePositive"]
InvestigationState = Literal[
    "Unknown",
    "Terminated",
    "SuccessfullyRemediated",
    "Benign",
    "Failed",
    "PartiallyRemediated",
    "Running",
    "PendingApproval",
    "PendingResource",
    "PartiallyInvestigated",
    "TerminatedByUser",
    "TerminatedBySystem",
    "Queued",
    "InnerFailure",
    "PreexistingAlert",
    "UnsupportedOs",
    "UnsupportedAlertType",
    "SuppressedAlert",
]
