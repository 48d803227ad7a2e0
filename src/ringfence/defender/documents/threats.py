"""Indicators, files and what was seen of files, domains and addresses; investigations and the live-response library."""

from pydantic import Field

from ringfence.defender.wire import Document, Many, Moment


class Indicator(Document):
    """A value that Defender watches for; `expiration_time` of None means for ever."""

    id: str = Field(min_length=1)
    indicator_value: str | None = None
    indicator_type: str | None = None
    action: str | None = None
    title: str | None = None
    description: str | None = None
    severity: str | None = None
    application: str | None = None
    recommended_actions: str | None = None
    educate_url: str | None = None
    generate_alert: bool | None = None
    creation_time_date_time_utc: Moment | None = None
    expiration_time: Moment | None = None
    last_update_time: Moment | None = None
    last_updated_by: str | None = None
    created_by: str | None = None
    created_by_display_name: str | None = None
    created_by_source: str | None = None
    source: str | None = None
    source_type: str | None = None
    external_id: str | None = None
    historical_detection: bool | None = None
    mitre_techniques: Many[str] = ()
    rbac_group_names: Many[str] = ()
    rbac_group_ids: Many[int | str] = ()


class ImportResult(Document):
    """What became of one indicator of an import; a failure does not fail the others."""

    id: str | None = None
    indicator: str
    is_failed: bool
    failure_reason: str | None = None


class File(Document):
    """What Microsoft knows of a file."""

    sha1: str = Field(min_length=1)
    sha256: str | None = None
    md5: str | None = None
    global_prevalence: int | None = None
    global_first_observed: Moment | None = None
    global_last_observed: Moment | None = None
    size: int | None = None
    file_type: str | None = None
    is_pe_file: bool | None = None
    file_publisher: str | None = None
    file_product_name: str | None = None
    signer: str | None = None
    issuer: str | None = None
    signer_hash: str | None = None
    is_valid_certificate: bool | None = None
    determination_type: str | None = None
    determination_value: str | None = None


class Prevalence(Document):
    """How often, and when, something was seen in the organization; the count comes as a text and as a number."""

    org_prevalence: str | None = None
    organization_prevalence: int | None = None
    org_first_seen: Moment | None = None
    org_last_seen: Moment | None = None


class FileStats(Prevalence):
    """How widespread a file is."""

    sha1: str
    global_prevalence: str | None = None
    globally_prevalence: int | None = None
    global_first_observed: Moment | None = None
    global_last_observed: Moment | None = None
    top_file_names: Many[str] = ()


class DomainStats(Prevalence):
    """How widespread a domain is."""

    host: str


class IpStats(Prevalence):
    """How widespread an address is."""

    ip_address: str


class DomainReference(Document):
    """A domain that an alert names."""

    host: str


class IpReference(Document):
    """An address that an alert names; `id` is the address."""

    id: str


class Investigation(Document):
    """An automated investigation."""

    id: str = Field(min_length=1)
    state: str | None = None
    start_time: Moment | None = None
    end_time: Moment | None = None
    cancelled_by: str | None = None
    status_details: str | None = None
    machine_id: str | None = None
    computer_dns_name: str | None = None
    triggering_alert_id: str | None = None


class LibraryFile(Document):
    """A file that live response can put on a machine or run."""

    file_name: str = Field(min_length=1)
    sha256: str | None = None
    description: str | None = None
    creation_time: Moment | None = None
    last_updated_time: Moment | None = None
    created_by: str | None = None
    has_parameters: bool | None = None
    parameters_description: str | None = None
