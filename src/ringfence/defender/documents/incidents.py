"""Incidents of the Defender XDR API, with the alerts of every Defender product in them."""

from pydantic import AliasChoices, Field

from ringfence.defender.wire import AlertComment, Document, LoggedOnUser, Many, Moment, VmMetadata


class IncidentDevice(Document):
    """A device of an incident's alert; `mdatp_device_id` is the machine's id in Defender for Endpoint."""

    mdatp_device_id: str | None = None
    aad_device_id: str | None = None
    device_dns_name: str | None = None
    os_platform: str | None = None
    version: str | None = None
    os_processor: str | None = None
    os_build: int | None = None
    health_status: str | None = None
    risk_score: str | None = None
    rbac_group_name: str | None = None
    first_seen: Moment | None = None
    tags: Many[str] = ()
    defender_av_status: str | None = None
    onboarding_status: str | None = None
    vm_metadata: VmMetadata | None = None
    logged_on_users: Many[LoggedOnUser] = ()


class IncidentEntity(Document):
    """A piece of evidence in an incident; keys that do not apply to its type are absent, further ones are kept."""

    entity_type: str
    evidence_creation_time: Moment | None = None
    verdict: str | None = None
    remediation_status: str | None = None
    remediation_status_details: str | None = None
    device_id: str | None = None
    sha1: str | None = None
    sha256: str | None = None
    file_name: str | None = None
    file_path: str | None = None
    process_id: int | None = None
    process_command_line: str | None = None
    ip_address: str | None = None
    url: str | None = None
    account_name: str | None = None
    domain_name: str | None = None
    user_sid: str | None = None
    aad_user_id: str | None = None
    user_principal_name: str | None = None
    detection_status: str | None = None


class IncidentAlert(Document):
    """An alert of an incident; `alert_id` carries the product's prefix, `provider_alert_id` may lack it."""

    alert_id: str = Field(min_length=1)
    provider_alert_id: str | None = None
    incident_id: int | None = None
    investigation_id: int | None = None
    service_source: str | None = None
    detection_source: str | None = None
    detector_id: str | None = None
    title: str | None = None
    description: str | None = None
    category: str | None = None
    status: str | None = None
    severity: str | None = None
    investigation_state: str | None = None
    classification: str | None = None
    determination: str | None = None
    assigned_to: str | None = None
    actor_name: str | None = None
    threat_family_name: str | None = None
    creation_time: Moment | None = None
    last_updated_time: Moment | None = None
    resolved_time: Moment | None = None
    first_activity: Moment | None = None
    last_activity: Moment | None = None
    mitre_techniques: Many[str] = ()
    devices: Many[IncidentDevice] = ()
    entities: Many[IncidentEntity] = ()


class Incident(Document):
    """An incident; one that was merged has the status Redirected, no alerts, and names its survivor."""

    incident_id: int
    incident_uri: str | None = None
    redirect_incident_id: int | None = None
    incident_name: str | None = None
    created_time: Moment | None = None
    last_update_time: Moment | None = None
    assigned_to: str | None = None
    classification: str | None = None
    determination: str | None = None
    status: str | None = None
    severity: str | None = None
    tags: Many[str] = ()
    comments: Many[AlertComment] = ()
    alerts: Many[IncidentAlert] = ()


class Column(Document):
    """A column of a hunting result; some answers write the keys with capitals."""

    name: str | None = Field(default=None, validation_alias=AliasChoices("name", "Name"))
    type: str | None = Field(default=None, validation_alias=AliasChoices("type", "Type"))


class HuntingResult(Document):
    """What a hunting query found: at most 100,000 rows, each by column name; `stats` come from the XDR API alone."""

    columns: Many[Column] = Field(default=(), validation_alias=AliasChoices("schema", "Schema", "columns"))
    rows: Many[dict[str, object]] = Field(validation_alias=AliasChoices("results", "Results", "rows"))
    stats: dict[str, object] | None = Field(default=None, validation_alias=AliasChoices("stats", "Stats"))
