"""What Microsoft sends, typed: attributes are Microsoft's names in snake_case, unknown keys and values are kept.

Nothing here fails on a value that Microsoft adds later: enums are open texts, with the known values as constants.
`raw` is the document as it came, so the timestamp texts (0 to 7 fraction digits; datetimes hold 6) are in there too.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel

from ringfence.defender.errors import MalformedReply


class Severity(StrEnum):
    """Known alert severities."""

    UNSPECIFIED = "UnSpecified"
    INFORMATIONAL = "Informational"
    LOW = "Low"
    MEDIUM = "Medium"
    HIGH = "High"


class AlertStatus(StrEnum):
    """Known alert statuses; Unknown cannot be written."""

    UNKNOWN = "Unknown"
    NEW = "New"
    IN_PROGRESS = "InProgress"
    RESOLVED = "Resolved"


class Classification(StrEnum):
    """Known alert classifications."""

    TRUE_POSITIVE = "TruePositive"
    INFORMATIONAL = "InformationalExpectedActivity"
    FALSE_POSITIVE = "FalsePositive"


class ActionType(StrEnum):
    """Known machine action types."""

    RUN_ANTIVIRUS_SCAN = "RunAntiVirusScan"
    OFFBOARD = "Offboard"
    LIVE_RESPONSE = "LiveResponse"
    COLLECT_INVESTIGATION_PACKAGE = "CollectInvestigationPackage"
    ISOLATE = "Isolate"
    UNISOLATE = "Unisolate"
    STOP_AND_QUARANTINE_FILE = "StopAndQuarantineFile"
    RESTRICT_CODE_EXECUTION = "RestrictCodeExecution"
    UNRESTRICT_CODE_EXECUTION = "UnrestrictCodeExecution"


class ActionStatus(StrEnum):
    """Known machine action statuses."""

    PENDING = "Pending"
    IN_PROGRESS = "InProgress"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    TIME_OUT = "TimeOut"
    CANCELLED = "Cancelled"


class IsolationType(StrEnum):
    """What an isolation cuts off."""

    FULL = "Full"
    SELECTIVE = "Selective"
    UNMANAGED_DEVICE = "UnManagedDevice"


class HealthStatus(StrEnum):
    """Known sensor health values."""

    ACTIVE = "Active"
    INACTIVE = "Inactive"
    IMPAIRED_COMMUNICATION = "ImpairedCommunication"
    NO_SENSOR_DATA = "NoSensorData"
    NO_SENSOR_DATA_IMPAIRED_COMMUNICATION = "NoSensorDataImpairedCommunication"
    UNKNOWN = "Unknown"


class OnboardingStatus(StrEnum):
    """Known onboarding values."""

    ONBOARDED = "Onboarded"
    CAN_BE_ONBOARDED = "CanBeOnboarded"
    UNSUPPORTED = "Unsupported"
    INSUFFICIENT_INFO = "InsufficientInfo"


def _in_utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _none_as_empty(value: object) -> object:
    return () if value is None else value


T = TypeVar("T")
Moment = Annotated[datetime, AfterValidator(_in_utc)]
Many = Annotated[tuple[T, ...], BeforeValidator(_none_as_empty)]


class Document(BaseModel):
    """The shape that every document shares: open, immutable, with the original at `raw`."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        alias_generator=to_camel,
        extra="allow",
        frozen=True,
        populate_by_name=True,
        coerce_numbers_to_str=True,
        protected_namespaces=(),
        # Most programs use a few of these; building all of them would be most of the time that an import takes.
        defer_build=True,
    )
    _raw: dict[str, Any] = PrivateAttr(default_factory=dict)

    @property
    def raw(self) -> dict[str, Any]:
        """Return the document as it came; do not change it."""
        return self._raw

    @model_validator(mode="wrap")
    @classmethod
    def _keep(cls, document: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        parsed = handler(document)
        if isinstance(document, dict):
            parsed._raw = document
        return parsed

    @classmethod
    def parse(cls, document: object) -> Self:
        """Read a document; raise MalformedReply naming the fields (not the values) that do not fit."""
        if not isinstance(document, dict):
            raise MalformedReply(f"A {cls.__name__} is an object, not {type(document).__name__}.")
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            faults = error.errors(include_url=False, include_context=False, include_input=False)
            fault = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in faults[:5])
        raise MalformedReply(f"This is not a {cls.__name__}: {fault}.")


class AlertComment(Document):
    """A comment on an alert."""

    comment: str | None = None
    created_by: str | None = None
    created_time: Moment | None = Field(
        default=None, validation_alias=AliasChoices("createdTime", "createTime", "created_time")
    )


class RelatedUser(Document):
    """The user that an alert names."""

    user_name: str | None = None
    domain_name: str | None = None


class LoggedOnUser(Document):
    """A user who was logged on when the alert was raised."""

    account_name: str | None = None
    domain_name: str | None = None


class Evidence(Document):
    """One piece of evidence; which fields are set depends on `entity_type` (User, Process, File, Ip, Url, Registry)."""

    entity_type: str
    evidence_creation_time: Moment | None = None
    sha1: str | None = None
    sha256: str | None = None
    file_name: str | None = None
    file_path: str | None = None
    process_id: int | None = None
    process_command_line: str | None = None
    process_creation_time: Moment | None = None
    parent_process_id: int | None = None
    parent_process_creation_time: Moment | None = None
    parent_process_file_name: str | None = None
    parent_process_file_path: str | None = None
    ip_address: str | None = None
    url: str | None = None
    registry_key: str | None = None
    registry_hive: str | None = None
    registry_value_type: str | None = None
    registry_value: str | None = None
    registry_value_name: str | None = None
    account_name: str | None = None
    domain_name: str | None = None
    user_sid: str | None = None
    aad_user_id: str | None = None
    user_principal_name: str | None = None
    detection_status: str | None = None


class Alert(Document):
    """An alert; `evidence` is empty in lists unless it was expanded."""

    id: str = Field(min_length=1)
    incident_id: int | None = None
    investigation_id: int | None = None
    assigned_to: str | None = None
    severity: str | None = None
    status: str | None = None
    classification: str | None = None
    determination: str | None = None
    investigation_state: str | None = None
    detection_source: str | None = None
    detector_id: str | None = None
    category: str | None = None
    threat_family_name: str | None = None
    threat_name: str | None = None
    title: str | None = None
    description: str | None = None
    alert_creation_time: Moment | None = None
    first_event_time: Moment | None = None
    last_event_time: Moment | None = None
    last_update_time: Moment | None = None
    resolved_time: Moment | None = None
    machine_id: str | None = None
    computer_dns_name: str | None = None
    rbac_group_name: str | None = None
    aad_tenant_id: str | None = None
    mitre_techniques: Many[str] = ()
    related_user: RelatedUser | None = None
    logged_on_users: Many[LoggedOnUser] = ()
    comments: Many[AlertComment] = ()
    evidence: Many[Evidence] = ()


class IpAddress(Document):
    """One address of a machine's network card; `mac_address` is 12 hex digits without separators."""

    ip_address: str | None = None
    mac_address: str | None = None
    type: str | None = None
    operational_status: str | None = None


class VmMetadata(Document):
    """Where a virtual machine runs."""

    vm_id: str | None = None
    cloud_provider: str | None = None
    resource_id: str | None = None
    subscription_id: str | None = None


class Machine(Document):
    """A device; it has no isolation flag, that is read from its machine actions."""

    id: str = Field(min_length=1)
    computer_dns_name: str | None = None
    merged_into_machine_id: str | None = None
    is_potential_duplication: bool | None = None
    is_excluded: bool | None = None
    exclusion_reason: str | None = None
    first_seen: Moment | None = None
    last_seen: Moment | None = None
    os_platform: str | None = None
    os_version: str | None = None
    os_processor: str | None = None
    os_build: int | None = None
    os_architecture: str | None = None
    version: str | None = None
    last_ip_address: str | None = None
    last_external_ip_address: str | None = None
    agent_version: str | None = None
    health_status: str | None = None
    onboarding_status: str | None = None
    device_value: str | None = None
    rbac_group_id: int | str | None = None
    rbac_group_name: str | None = None
    risk_score: str | None = None
    exposure_level: str | None = None
    is_aad_joined: bool | None = None
    aad_device_id: str | None = None
    machine_tags: Many[str] = ()
    defender_av_status: str | None = None
    managed_by: str | None = None
    managed_by_status: str | None = None
    ip_addresses: Many[IpAddress] = ()
    vm_metadata: VmMetadata | None = None


class LiveResponseParameter(Document):
    """A parameter of a live-response command."""

    key: str | None = None
    value: str | None = None


class LiveResponseInstruction(Document):
    """What a live-response command does: PutFile, RunScript or GetFile."""

    type: str | None = None
    params: Many[LiveResponseParameter] = ()


class LiveResponseCommand(Document):
    """A command of a live response, and how far it is: Created, Completed or Failed."""

    index: int | None = None
    start_time: Moment | None = None
    end_time: Moment | None = None
    command_status: str | None = None
    errors: Many[str] = ()
    command: LiveResponseInstruction | None = None


class RelatedFile(Document):
    """The file that was quarantined; `file_identifier_type` is Sha1, Sha256 or Md5."""

    file_identifier: str | None = None
    file_identifier_type: str | None = None


_FINAL = frozenset({ActionStatus.SUCCEEDED, ActionStatus.FAILED, ActionStatus.TIME_OUT, ActionStatus.CANCELLED})


class MachineAction(Document):
    """Something that the service does, or did, to a machine."""

    id: str = Field(min_length=1)
    type: str
    status: str
    machine_id: str | None = None
    title: str | None = None
    scope: str | None = None
    requestor: str | None = None
    requestor_comment: str | None = None
    computer_dns_name: str | None = None
    creation_date_time_utc: Moment | None = None
    last_update_date_time_utc: Moment | None = Field(
        default=None,
        validation_alias=AliasChoices("lastUpdateDateTimeUtc", "lastUpdateTimeUtc", "last_update_date_time_utc"),
    )
    cancellation_requestor: str | None = None
    cancellation_comment: str | None = None
    cancellation_date_time_utc: Moment | None = None
    error_h_result: int | None = None
    external_id: str | None = None
    request_source: str | None = None
    related_file_info: RelatedFile | None = None
    commands: Many[LiveResponseCommand] = ()

    @property
    def is_final(self) -> bool:
        """Say whether the status can no longer change; a status that is not known counts as open."""
        return self.status in _FINAL


class User(Document):
    """A user who logged on to a machine; `id` is domain\\account."""

    id: str = Field(min_length=1)
    account_name: str | None = None
    account_domain: str | None = None
    account_sid: str | None = None
    first_seen: Moment | None = None
    last_seen: Moment | None = None
    most_prevalent_machine_id: str | None = None
    least_prevalent_machine_id: str | None = None
    logon_types: str | None = None
    log_on_machines_count: int | None = None
    is_domain_admin: bool | None = None
    is_only_network_user: bool | None = None


def parse_alert(document: object) -> Alert:
    """Read one raw alert; raises MalformedReply, so that one bad alert costs only itself."""
    return Alert.parse(document)
