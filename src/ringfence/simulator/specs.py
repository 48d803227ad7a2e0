"""What a person may write: scenarios, tenants, machines, alerts and events, as pydantic models."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from ringfence.simulator.documents import EVIDENCE_KEYS
from ringfence.simulator.faults import Fault
from ringfence.simulator.quotas import Counting
from ringfence.simulator.strict import Spec

PortalActionType = Literal[
    "Isolate",
    "Unisolate",
    "RestrictCodeExecution",
    "UnrestrictCodeExecution",
    "RunAntiVirusScan",
    "CollectInvestigationPackage",
    "StopAndQuarantineFile",
    "Offboard",
]
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
    "URL.Read.All",
    "User.Read.All",
    "Vulnerability.Read.All",
)


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
    investigation_seconds: float = Field(60.0, ge=0)
    link_seconds: float = Field(1_800.0, gt=0)
    live_sessions: int = Field(25, ge=1)
    indicator_limit: int = Field(15_000, ge=1)
    known_vulnerabilities: int = Field(400, ge=1, le=50_000)
    quotas: Counting = "off"


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
    delay: float = Field(0.0, ge=0, description="Seconds after its creation at which the API first shows the alert.")
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
    duplicate: bool = Field(False, description="Reports under a second id from now on, as after a reinstallation.")
    merge_into: str | None = Field(None, description="The machine, by id or name, that this record is merged into.")
    fields: MachineFields = Field(default_factory=dict, description="Any property of the machine document, verbatim.")


class MachineUpdate(MachineChange):
    """A change to the machine of that name."""

    name: str


class PortalAction(Spec):
    """A response action that an analyst clicks in the portal, or that Defender takes itself (`source`)."""

    machine: str
    type: PortalActionType
    comment: str = "Taken in the portal"
    by: str = "analyst@contoso.com"
    source: Literal["Portal", "AttackDisruption", "AutomatedInvestigation"] = "Portal"
    scope: Literal["Full", "Selective"] = "Full"
    sha1: str | None = Field(None, pattern=r"^[0-9a-fA-F]{40}$", description="The file to stop and quarantine.")

    @model_validator(mode="after")
    def _a_file(self) -> Self:
        if (self.type == "StopAndQuarantineFile") != (self.sha1 is not None):
            raise ValueError("sha1 names the file of a StopAndQuarantineFile, and of nothing else")
        return self


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


class AlertKind(AlertSpec):
    """A kind of generated alert: `weight` of it against the others, on machines whose names begin with `machine`."""

    weight: int = Field(1, ge=1)


class Generate(Spec):
    """Many alerts in few lines: `alerts` of them, evenly spread over `over_hours` from the scenario hour `from_hour` on.

    A `from_hour` below 0 lies before the scenario began: those alerts are there from the start.
    """

    alerts: int = Field(ge=1, le=100_000)
    over_hours: float = Field(gt=0, le=8_760)
    from_hour: float = Field(0.0, ge=-8_760, le=8_760)
    kinds: list[AlertKind] = Field(min_length=1)

    @field_validator("kinds")
    @classmethod
    def _without_ref(cls, kinds: list[AlertKind]) -> list[AlertKind]:
        if any(kind.ref for kind in kinds):
            raise ValueError("a generated alert cannot carry a ref: there are many of it")
        return kinds


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
    generate: list[Generate] = Field(default_factory=list)

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
            into = event.machine.merge_into if event.machine else None
            if into is not None and into not in known:
                raise ValueError(f"the event at {event.at:g} s merges into {into!r}, which tenant {self.name} lacks")
            if event.alert and event.alert.ref:
                refs.add(event.alert.ref)
            if event.update and event.update.ref not in refs:
                raise ValueError(
                    f"the event at {event.at:g} s updates {event.update.ref!r}, which no alert before carries"
                )
        for kind in (kind for part in self.generate for kind in part.kinds):
            if not any(name.startswith(kind.machine) for name in names):
                raise ValueError(f"no machine of tenant {self.name} has a name that begins with {kind.machine!r}")
        return self


class Scenario(Spec):
    """A world and what happens in it."""

    name: str
    description: str = ""
    tenants: list[TenantSpec] = Field(min_length=1)
    faults: list[Fault] = Field(default_factory=list)

    @model_validator(mode="after")
    def _distinct_tenants(self) -> Self:
        names = [tenant.name for tenant in self.tenants]
        if len(set(names)) != len(names):
            raise ValueError("two tenants have the same name")
        for fault in self.faults:
            if fault.tenant is not None and fault.tenant not in names:
                raise ValueError(f"a fault is aimed at tenant {fault.tenant!r}; there are: {', '.join(names)}")
        return self
