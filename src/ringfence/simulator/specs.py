"""What a person may write: scenarios, tenants, machines, alerts and events, as pydantic models."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from ringfence.simulator.documents import EVIDENCE_KEYS

Severity = Literal["UnSpecified", "Informational", "Low", "Medium", "High"]
AlertStatus = Literal["Unknown", "New", "InProgress", "Resolved"]

DEFAULT_ROLES = (
    "AdvancedQuery.Read.All",
    "Alert.ReadWrite.All",
    "File.Read.All",
    "Incident.ReadWrite.All",
    "Ip.Read.All",
    "Library.Manage",
    "Machine.CollectForensics",
    "Machine.Isolate",
    "Machine.LiveResponse",
    "Machine.Offboard",
    "Machine.ReadWrite.All",
    "Machine.RestrictExecution",
    "Machine.Scan",
    "Machine.StopAndQuarantine",
    "AdvancedHunting.Read.All",
    "Score.Read.All",
    "SecurityAlert.ReadWrite.All",
    "SecurityIncident.ReadWrite.All",
    "SecurityRecommendation.Read.All",
    "Software.Read.All",
    "ThreatHunting.Read.All",
    "Ti.ReadWrite.All",
    "Url.Read.All",
    "User.Read.All",
    "Vulnerability.Read.All",
)


class Spec(BaseModel):
    """Refuse unknown keys: a misspelled one is a mistake, not a wish."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


def _without_id(fields: dict[str, Any]) -> dict[str, Any]:
    if "id" in fields:
        raise ValueError("the id of a machine is given when it is added, by the key id, and never changes")
    return fields


MachineFields = Annotated[dict[str, Any], AfterValidator(_without_id)]


class TenantSettings(Spec):
    """How a tenant behaves where the fact book leaves a choice, and how long things take (seconds)."""

    pending_seconds: float = Field(3.0, ge=0)
    running_seconds: float = Field(7.0, ge=0)
    expire_seconds: float = Field(259_200.0, gt=0)
    report_seconds: float = Field(3_600.0, gt=0)
    token_lifetime: int = Field(3_599, gt=0)
    duplicates: Literal["refuse", "return_pending"] = "refuse"
    keep_external_id: bool = True
    forbidden_form: Literal[1, 2] = 1
    page_size: int = Field(10_000, ge=1, le=10_000)


class SecretSpec(Spec):
    """A client secret; without a value one is made from the seed."""

    value: str | None = None
    expires_in_seconds: float | None = Field(15_552_000.0, description="Negative: expired already. null: never.")


class AppSpec(Spec):
    """An app registration with the application roles that an administrator consented to."""

    name: str
    client_id: str | None = None
    roles: list[str] = Field(default_factory=lambda: list(DEFAULT_ROLES))
    secrets: list[SecretSpec] = Field(default_factory=lambda: [SecretSpec()], min_length=1)


class MachineSpec(Spec):
    """A machine, or a numbered fleet of alike machines if `count` is given."""

    name: str
    count: int | None = Field(None, ge=1, le=20_000, description="Makes name+number, from `first`, padded to `width`.")
    first: int = 1
    width: int = 3
    id: str | None = None
    os: str = "Windows11"
    tags: list[str] = Field(default_factory=list)
    users: list[str] = Field(default_factory=list)
    ip: str | None = None
    value: Literal["Normal", "Low", "High"] = "Normal"
    group: str | None = None
    offline: bool = False
    last_seen_hours_ago: float | None = None
    merged_into: str | None = None
    potential_duplicate: bool = False
    excluded: bool = False
    onboarding: Literal["Onboarded", "CanBeOnboarded", "Unsupported", "InsufficientInfo"] = "Onboarded"
    fields: MachineFields = Field(default_factory=dict, description="Any property of the machine document, verbatim.")

    def names(self) -> list[str]:
        """Return the names that the spec stands for."""
        if self.count is None:
            return [self.name]
        return [f"{self.name}{number:0{self.width}d}" for number in range(self.first, self.first + self.count)]


class AlertSpec(Spec):
    """An alert to be raised on a machine (its name or id)."""

    machine: str
    title: str = "Suspicious activity was observed"
    description: str = "An unusual sequence of process launches was observed on this device."
    severity: Severity = "Medium"
    category: str = "SuspiciousActivity"
    status: AlertStatus = "New"
    detection_source: str = "WindowsDefenderAtp"
    investigation_state: str = "Queued"
    threat_family: str | None = None
    threat_name: str | None = None
    mitre: list[str] = Field(default_factory=list)
    user: str | None = None
    incident: int | None = None
    evidence: list[dict[str, str | int | None]] = Field(default_factory=list)
    ref: str | None = Field(None, description="A name by which a later event can change this alert.")

    @field_validator("evidence")
    @classmethod
    def _known_evidence_keys(cls, items: list[dict[str, str | int | None]]) -> list[dict[str, str | int | None]]:
        for item in items:
            if "entityType" not in item:
                raise ValueError("each evidence item needs an entityType: User, Process, File, Ip, Url or Registry")
            unknown = sorted(set(item) - set(EVIDENCE_KEYS))
            if unknown:
                raise ValueError(f"unknown evidence key {', '.join(unknown)}; known are {', '.join(EVIDENCE_KEYS)}")
        return items


class AlertChange(Spec):
    """A change that somebody makes to an alert in the portal."""

    status: AlertStatus | None = None
    assigned_to: str | None = None
    classification: str | None = None
    determination: str | None = None
    severity: Severity | None = None
    investigation_state: str | None = None
    comment: str | None = None
    by: str = "analyst@contoso.com"


class AlertUpdate(AlertChange):
    """A change to the alert that carried `ref`."""

    ref: str


class MachineChange(Spec):
    """A change to a machine."""

    online: bool | None = None
    tags: list[str] | None = None
    next_outcome: Literal["Succeeded", "Failed", "TimeOut"] | None = Field(
        None, description="How the next machine action that runs to its end will end."
    )
    fields: MachineFields = Field(default_factory=dict, description="Any property of the machine document, verbatim.")


class MachineUpdate(MachineChange):
    """A change to the machine of that name."""

    name: str


class PortalAction(Spec):
    """An isolate or unisolate that an analyst clicks in the portal."""

    machine: str
    type: Literal["Isolate", "Unisolate"]
    comment: str = "Taken in the portal"
    by: str = "analyst@contoso.com"
    scope: Literal["Full", "Selective"] = "Full"


class Event(Spec):
    """What happens at a scenario second: exactly one of the four."""

    at: float = Field(ge=0)
    alert: AlertSpec | None = None
    update: AlertUpdate | None = None
    machine: MachineUpdate | None = None
    portal_action: PortalAction | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if sum(part is not None for part in (self.alert, self.update, self.machine, self.portal_action)) != 1:
            raise ValueError("an event holds exactly one of alert, update, machine, portal_action")
        return self


class UserSpec(Spec):
    """A user about whom more is known than the name."""

    name: str
    domain_admin: bool = False


class TenantSpec(Spec):
    """A tenant with its apps, machines, users and what happens there."""

    name: str
    tenant_id: str | None = None
    domains: list[str] = Field(default_factory=list, description="Verified domains; default name.onmicrosoft.com.")
    settings: TenantSettings = Field(default_factory=TenantSettings)
    apps: list[AppSpec] = Field(min_length=1)
    machines: list[MachineSpec] = Field(default_factory=list)
    users: list[UserSpec] = Field(default_factory=list)
    targets: list[str] | None = Field(None, description="Names of the machines that ought to be contained.")
    events: list[Event] = Field(default_factory=list)

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        names = [name for machine in self.machines for name in machine.names()]
        known = set(names)
        for wanted in self.targets or []:
            if wanted not in known:
                raise ValueError(f"target {wanted!r} is not a machine of tenant {self.name}")
        refs: set[str] = set()
        for event in sorted(self.events, key=lambda event: event.at):
            part = event.alert or event.portal_action
            named = part.machine if part else event.machine.name if event.machine else None
            if named is not None and named not in known:
                raise ValueError(f"the event at {event.at:g} s names machine {named!r}, which tenant {self.name} lacks")
            if event.alert and event.alert.ref:
                refs.add(event.alert.ref)
            if event.update and event.update.ref not in refs:
                raise ValueError(
                    f"the event at {event.at:g} s updates {event.update.ref!r}, which no alert before carries"
                )
        return self


class Scenario(Spec):
    """A world and what happens in it."""

    name: str
    description: str = ""
    tenants: list[TenantSpec] = Field(min_length=1)

    @model_validator(mode="after")
    def _distinct_tenants(self) -> Self:
        names = [tenant.name for tenant in self.tenants]
        if len(set(names)) != len(names):
            raise ValueError("two tenants have the same name")
        return self
