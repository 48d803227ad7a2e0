"""A tenant: its apps, machines, users, alerts and machine actions, and what only the tenant itself can know."""

import bisect
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from ringfence.simulator import documents, ids, timestamps
from ringfence.simulator.quotas import Quotas
from ringfence.simulator.record import Document, Record
from ringfence.simulator.shelves import MOMENTS, Shelf
from ringfence.simulator.specs import AppSpec, Event, Generate, MachineSpec, SecretSpec, TenantSettings, TenantSpec


@dataclass
class Secret:
    """A client secret of an app."""

    id: str
    value: str
    expires_at: float | None


@dataclass
class App:
    """An app registration; `certificates` holds public certificates as PEM texts."""

    name: str
    client_id: str
    roles: list[str]
    secrets: list[Secret]
    certificates: list[str] = field(default_factory=list)
    disabled: bool = False


@dataclass
class Machine:
    """A machine: its visible document, and its true state, which no document shows."""

    record: Record
    users: list[str]
    online_since: float | None
    isolated: bool = False
    next_outcome: str | None = None
    restricted: bool = False
    quarantined: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.record.key

    @property
    def name(self) -> str:
        return str(self.record.document["computerDnsName"])


@dataclass
class Action:
    """A machine action: its document, and when it moves on. `due_at` None waits for the machine to come back.

    `extra_seconds` makes it end later; `results` holds what each live-response command left to download.
    """

    record: Record
    due_at: float | None
    expires_at: float
    outcome: str = "Succeeded"
    place: int = 0
    extra_seconds: float = 0.0
    results: list[Document | None] = field(default_factory=list)

    @property
    def type(self) -> str:
        return str(self.record.document["type"])

    @property
    def status(self) -> str:
        return str(self.record.document["status"])

    @property
    def machine_id(self) -> str:
        return str(self.record.document["machineId"])


@dataclass
class Tally:
    """What the tenant counts for the summary; sets hold machine ids."""

    isolate_requests: int = 0
    unisolate_requests: int = 0
    isolated: set[str] = field(default_factory=set)
    released: set[str] = field(default_factory=set)
    touched: set[str] = field(default_factory=set)


class Tenant:
    """Hold one tenant.

    `dirty` names the rows that changed since the state was last saved; `notes` holds what the XDR and Graph APIs keep
    beside the alerts, for instance the owner of an incident, by kind and id.
    """

    def __init__(self, name: str, tenant_id: str, domains: list[str], settings: TenantSettings, seed: int) -> None:
        self.name = name
        self.id = tenant_id
        self.domains = domains
        self.settings = settings
        self.seed = seed
        self.apps: dict[str, App] = {}
        self.users: dict[str, Document] = {}
        self.machines: dict[str, Machine] = {}
        self.alerts: dict[str, Record] = {}
        self.alert_order: list[Record] = []
        self.machine_order: list[Record] = []
        self.machine_names: dict[str, list[str]] = {}
        self.actions: dict[str, Action] = {}
        self.active: dict[str, Action] = {}
        self.targets: list[str] | None = None
        self.events: list[Event] = []
        self.played = 0
        self.refs: dict[str, str] = {}
        self.withheld: dict[str, tuple[float, Record]] = {}
        self.shelves = {kind: Shelf(kind, self.touch) for kind in MOMENTS}
        self.generate: list[Generate] = []
        self.generated: list[int] = []
        self.notes: dict[str, Document] = {}
        self.delivered: set[str] = set()
        self.tally = Tally()
        self.quotas = Quotas()
        self.number = 0
        self.dirty: set[tuple[str, str]] = {("tenant", "")}

    def touch(self, kind: str = "tenant", key: str = "") -> None:
        """Remember that a row has to be saved: tenant, machine, alert, action, delivered, or one of a shelf."""
        self.dirty.add((kind, key))

    def next_number(self) -> int:
        """Return the next number of this tenant, from which identities are made."""
        self.number += 1
        self.touch()
        return self.number

    def add_app(self, spec: AppSpec, now: float) -> App:
        """Register an app."""
        client_id = spec.client_id or ids.guid("app", self.seed, self.name, spec.name)
        app = App(spec.name, client_id, list(spec.roles), [])
        self.apps[client_id.lower()] = app
        for secret in spec.secrets:
            self.add_secret(app, secret, now)
        self.touch()
        return app

    def add_secret(self, app: App, spec: SecretSpec, now: float) -> Secret:
        """Give an app another secret."""
        place = ("secret", self.seed, self.name, app.name, len(app.secrets), self.next_number())
        expires = None if spec.expires_in_seconds is None else now + spec.expires_in_seconds
        secret = Secret(ids.guid(*place), spec.value or ids.secret(*place), expires)
        app.secrets.append(secret)
        self.touch()
        return secret

    def add_machine(self, spec: MachineSpec, now: float) -> list[Machine]:
        """Add the machine, or the fleet, of a spec."""
        return [self._add_machine(name, spec, now) for name in spec.names()]

    def _add_machine(self, name: str, spec: MachineSpec, now: float) -> Machine:
        values: dict[str, Any] = {
            "osPlatform": spec.os,
            "machineTags": list(spec.tags),
            "deviceValue": spec.value,
            "rbacGroupName": spec.group,
            "isPotentialDuplication": spec.potential_duplicate,
            "isExcluded": spec.excluded,
            "onboardingStatus": spec.onboarding,
        }
        occurrence = len(self.machine_names.get(name.casefold(), ()))
        if occurrence:
            values["id"] = ids.hex40("machine", self.seed, self.name, name, occurrence)
        if spec.id and spec.count is None:
            values["id"] = spec.id
        if spec.ip:
            values["lastIpAddress"] = spec.ip
        if spec.merged_into:
            into = self.find_machine(spec.merged_into)
            values["mergedIntoMachineId"] = into.id if into else spec.merged_into
        if spec.offline:
            values["healthStatus"] = "Inactive"
        if spec.last_seen_hours_ago is not None:
            values["lastSeen"] = timestamps.stamp(now - spec.last_seen_hours_ago * 3_600)
        seed = (self.seed, self.name)
        document = documents.machine(name, len(self.machines), seed, now, values | spec.fields)
        users = spec.users or ([f"u{ids.number(1000, 9999, *seed, name)}"] if spec.os.startswith("Windows1") else [])
        online_since = None if spec.offline else now
        return self.keep_machine(Machine(Record(document["id"], document, {}), list(users), online_since), now)

    def keep_machine(self, machine: Machine, now: float) -> Machine:
        """Take a machine in, with the users who log on to it."""
        self.reread_machine(machine)
        self.machines[machine.id] = machine
        bisect.insort(self.machine_order, machine.record, key=lambda record: record.key)
        self.machine_names.setdefault(machine.name.casefold(), []).append(machine.id)
        for account in machine.users:
            self.user(account, machine.id, now)
        self.touch("machine", machine.id)
        return machine

    def duplicate_machine(self, machine: Machine, now: float) -> Machine:
        """Let a machine report under a second id from now on: the old record falls silent, and both look alike."""
        key = ids.hex40("machine", self.seed, self.name, machine.name, "again", self.next_number())
        changes = {"id": key, "firstSeen": timestamps.stamp(now), "lastSeen": timestamps.stamp(now)}
        document = {**machine.record.document, **changes, "isPotentialDuplication": True, "machineTags": []}
        machine.record.document["isPotentialDuplication"] = True
        return self.keep_machine(Machine(Record(key, document, {}), list(machine.users), now), now)

    def reread_machine(self, machine: Machine) -> None:
        """Follow a change of a machine's document."""
        try:
            machine.record.ticks["lastSeen"] = timestamps.read(str(machine.record.document["lastSeen"]))
        except ValueError:
            machine.record.ticks["lastSeen"] = 0
        machine.record.changed()
        self.touch("machine", machine.id)

    def rename_machine(self, machine: Machine, name: str) -> None:
        """Give a machine another DNS name."""
        self.machine_names[machine.name.casefold()].remove(machine.id)
        machine.record.document["computerDnsName"] = name
        self.machine_names.setdefault(name.casefold(), []).append(machine.id)
        self.reread_machine(machine)

    def find_machine(self, id_or_name: str) -> Machine | None:
        """Find a machine by its id, or by its DNS name: the one seen last if several records carry it."""
        found = self.machines.get(id_or_name) or self.machines.get(id_or_name.lower())
        if found:
            return found
        named = [self.machines[key] for key in self.machine_names.get(id_or_name.casefold(), ())]
        return max(named, key=lambda machine: machine.record.ticks["lastSeen"], default=None)

    def refresh_machines(self, now: float, report_seconds: float) -> None:
        """Let the machines that are online have reported: their lastSeen follows, in whole report intervals."""
        interval = max(1, round(report_seconds * timestamps.TICKS))
        present = timestamps.to_ticks(now)
        for machine in self.machines.values():
            if machine.online_since is None:
                continue
            behind = (present - machine.record.ticks["lastSeen"]) // interval
            if behind > 0:
                self.seen(machine, machine.record.ticks["lastSeen"] + behind * interval)

    def seen(self, machine: Machine, ticks: int) -> None:
        """Note that a machine was heard from."""
        machine.record.document["lastSeen"] = timestamps.write(ticks)
        self.reread_machine(machine)

    def user(self, account: str, machine_id: str | None, now: float) -> Document:
        """Return the user of that account name, made when first heard of."""
        if account not in self.users:
            seen = timestamps.write(timestamps.to_ticks(now - 3_600) // timestamps.TICKS * timestamps.TICKS)
            self.users[account] = documents.user(
                {
                    "id": f"{self.name}\\{account}",
                    "accountName": account,
                    "accountDomain": self.name,
                    "accountSid": f"S-1-5-21-72051607-1745760036-109187956-{ids.number(1000, 99999, 'sid', account)}",
                    "firstSeen": seen,
                    "lastSeen": seen,
                    "mostPrevalentMachineId": machine_id,
                    "leastPrevalentMachineId": machine_id,
                    "logonTypes": "Interactive",
                    "logOnMachinesCount": 1,
                    "isDomainAdmin": False,
                    "isOnlyNetworkUser": False,
                }
            )
            self.touch()
        return self.users[account]

    def keep_alert(self, record: Record) -> None:
        """Take an alert in, or replace the one of the same id."""
        if record.key in self.alerts:
            self.alert_order.remove(self.alerts[record.key])
        self.alerts[record.key] = record
        self.withheld.pop(record.key, None)
        bisect.insort(self.alert_order, record, key=lambda item: item.key)
        self.touch("alert", record.key)

    def withhold(self, record: Record, until: float) -> None:
        """Take an alert in that the API shows only from a moment on."""
        self.withheld[record.key] = (until, record)
        self.touch("alert", record.key)

    def find_alert(self, key: str) -> Record | None:
        """Find an alert, also one that the API does not show yet."""
        return self.alerts.get(key) or (self.withheld[key][1] if key in self.withheld else None)

    def deliver(self, keys: Iterable[str]) -> None:
        """Note which alerts were handed out."""
        fresh = set(keys) - self.delivered
        self.delivered |= fresh
        self.dirty.update(("delivered", key) for key in fresh)

    def keep_action(self, action: Action, *, active: bool) -> None:
        """Take a machine action in; an active one still moves."""
        action.place = len(self.actions)
        self.actions[action.record.key] = action
        if active:
            self.active[action.record.key] = action
        self.touch("action", action.record.key)

    def dump(self) -> dict[str, Any]:
        """Return the row of the tenant itself; machines, alerts and actions have rows of their own."""
        tally: dict[str, Any] = {
            key: sorted(value) if isinstance(value, set) else value for key, value in asdict(self.tally).items()
        }
        return {
            "name": self.name,
            "id": self.id,
            "domains": self.domains,
            "settings": self.settings.model_dump(),
            "seed": self.seed,
            "apps": [asdict(app) for app in self.apps.values()],
            "users": self.users,
            "targets": self.targets,
            "events": [event.model_dump(exclude_none=True) for event in self.events],
            "played": self.played,
            "refs": self.refs,
            "generate": [part.model_dump(exclude_none=True) for part in self.generate],
            "generated": self.generated,
            "notes": self.notes,
            "tally": tally,
            "number": self.number,
        }

    @classmethod
    def load(cls, saved: dict[str, Any]) -> "Tenant":
        """Make a tenant from the row that `dump` returned."""
        settings = TenantSettings.model_validate(saved["settings"])
        tenant = cls(saved["name"], saved["id"], saved["domains"], settings, saved["seed"])
        for app in saved["apps"]:
            secrets = [Secret(**secret) for secret in app["secrets"]]
            tenant.apps[app["client_id"].lower()] = App(**{**app, "secrets": secrets})
        tenant.users = saved["users"]
        tenant.targets = saved["targets"]
        tenant.events = [Event.model_validate(event) for event in saved["events"]]
        tenant.played = saved["played"]
        tenant.refs = saved["refs"]
        tenant.generate = [Generate.model_validate(part) for part in saved.get("generate", [])]
        tenant.generated = saved.get("generated", [])
        tenant.notes = saved.get("notes", {})
        tally: dict[str, Any] = {
            key: set(value) if isinstance(value, list) else value for key, value in saved["tally"].items()
        }
        tenant.tally = Tally(**tally)
        tenant.number = saved["number"]
        tenant.dirty.clear()
        return tenant

    @classmethod
    def from_spec(cls, spec: TenantSpec, seed: int, now: float) -> "Tenant":
        """Make a tenant as a scenario describes it."""
        tenant_id = spec.tenant_id or ids.guid("tenant", seed, spec.name)
        domains = spec.domains or [f"{spec.name}.onmicrosoft.com"]
        tenant = cls(spec.name, tenant_id, domains, spec.settings.model_copy(), seed)
        for app in spec.apps:
            tenant.add_app(app, now)
        for machine in spec.machines:
            tenant.add_machine(machine, now)
        for user in spec.users:
            tenant.user(user.name, None, now)["isDomainAdmin"] = user.domain_admin
        if spec.targets is not None:
            wanted = [tenant.find_machine(name) for name in spec.targets]
            tenant.targets = [machine.id for machine in wanted if machine]
        tenant.events = sorted(spec.events, key=lambda event: event.at)
        tenant.generate = list(spec.generate)
        tenant.generated = [0] * len(spec.generate)
        return tenant
