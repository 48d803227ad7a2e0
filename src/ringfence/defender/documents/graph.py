"""Alerts and incidents of Microsoft Graph; the letter case of enum values differs between answers, so compare without."""

from pydantic import AliasChoices, Field

from ringfence.defender.wire import Document, LoggedOnUser, Many, Moment


class GraphComment(Document):
    """A comment; one page prints its keys as Defender does."""

    comment: str | None = None
    created_by_display_name: str | None = Field(
        default=None, validation_alias=AliasChoices("createdByDisplayName", "createdBy", "created_by_display_name")
    )
    created_date_time: Moment | None = Field(
        default=None, validation_alias=AliasChoices("createdDateTime", "createdTime", "created_date_time")
    )


class GraphFileDetails(Document):
    """A file as evidence names it."""

    file_name: str | None = None
    file_path: str | None = None
    file_publisher: str | None = None
    file_size: int | None = None
    issuer: str | None = None
    md5: str | None = None
    sha1: str | None = None
    sha256: str | None = None
    signer: str | None = None


class GraphUserAccount(Document):
    """An account as evidence names it."""

    account_name: str | None = None
    azure_ad_user_id: str | None = None
    display_name: str | None = None
    domain_name: str | None = None
    user_principal_name: str | None = None
    user_sid: str | None = None


class GraphEvidence(Document):
    """One piece of evidence of any of some fifty kinds, named by `odata_type`; what is not typed here is kept."""

    odata_type: str | None = Field(default=None, validation_alias=AliasChoices("@odata.type", "odata_type"))
    created_date_time: Moment | None = None
    verdict: str | None = None
    remediation_status: str | None = None
    remediation_status_details: str | None = None
    roles: Many[str] = ()
    detailed_roles: Many[str] = ()
    tags: Many[str] = ()
    detection_status: str | None = None
    mde_device_id: str | None = None
    azure_ad_device_id: str | None = None
    device_dns_name: str | None = None
    os_platform: str | None = None
    os_build: int | None = None
    health_status: str | None = None
    risk_score: str | None = None
    onboarding_status: str | None = None
    defender_av_status: str | None = None
    first_seen_date_time: Moment | None = None
    last_ip_address: str | None = None
    last_external_ip_address: str | None = None
    logged_on_users: Many[LoggedOnUser] = ()
    file_details: GraphFileDetails | None = None
    image_file: GraphFileDetails | None = None
    parent_process_image_file: GraphFileDetails | None = None
    process_id: int | None = None
    process_command_line: str | None = None
    process_creation_date_time: Moment | None = None
    parent_process_id: int | None = None
    parent_process_creation_date_time: Moment | None = None
    user_account: GraphUserAccount | None = None
    ip_address: str | None = None
    country_letter_code: str | None = None
    url: str | None = None
    registry_key: str | None = None
    registry_hive: str | None = None
    registry_value: str | None = None
    registry_value_name: str | None = None
    registry_value_type: str | None = None
    algorithm: str | None = None
    value: str | None = None


class GraphAlert(Document):
    """An alert of any Defender product; its evidence always comes with it."""

    id: str = Field(min_length=1)
    provider_alert_id: str | None = None
    incident_id: str | None = None
    status: str | None = None
    severity: str | None = None
    classification: str | None = None
    determination: str | None = None
    service_source: str | None = None
    detection_source: str | None = None
    product_name: str | None = None
    detector_id: str | None = None
    tenant_id: str | None = None
    title: str | None = None
    description: str | None = None
    recommended_actions: str | None = None
    category: str | None = None
    categories: Many[str] = ()
    assigned_to: str | None = None
    alert_web_url: str | None = None
    incident_web_url: str | None = None
    actor_display_name: str | None = None
    threat_display_name: str | None = None
    threat_family_name: str | None = None
    mitre_techniques: Many[str] = ()
    created_date_time: Moment | None = None
    last_update_date_time: Moment | None = None
    resolved_date_time: Moment | None = None
    first_activity_date_time: Moment | None = None
    last_activity_date_time: Moment | None = None
    system_tags: Many[str] = ()
    comments: Many[GraphComment] = ()
    evidence: Many[GraphEvidence] = ()


class GraphIncident(Document):
    """An incident; `alerts` is empty unless it was expanded."""

    id: str = Field(min_length=1)
    incident_web_url: str | None = None
    redirect_incident_id: str | None = None
    display_name: str | None = None
    description: str | None = None
    summary: str | None = None
    tenant_id: str | None = None
    created_date_time: Moment | None = None
    last_update_date_time: Moment | None = None
    last_modified_by: str | None = None
    assigned_to: str | None = None
    classification: str | None = None
    determination: str | None = None
    status: str | None = None
    severity: str | None = None
    resolving_comment: str | None = None
    custom_tags: Many[str] = ()
    system_tags: Many[str] = ()
    comments: Many[GraphComment] = ()
    alerts: Many[GraphAlert] = ()
