"""Contoso, as rows: what the pages are tested with and pictured with. Everything hangs on one moment, `NOW` by default."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any

import sqlalchemy as sa

import contoso_incidents as incidents
import drill_samples
from ringfence import clock
from ringfence.alerts import ledger
from ringfence.alerts.judging import judge
from ringfence.organizations import members
from ringfence.playbooks.document import read
from ringfence.playbooks.model import DefenderAlertTrigger
from ringfence.security.rbac import Role
from ringfence.storage import Transaction, tables
from ringfence.triggers import defender

STARTER = (resources.files("ringfence.playbooks") / "starters" / "contain-ransomware.yaml").read_text()
_PLAYBOOK = read(STARTER).playbook
assert _PLAYBOOK is not None
assert isinstance(_PLAYBOOK.trigger, DefenderAlertTrigger)
TRIGGER = _PLAYBOOK.trigger
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
WORKSTATION = "6f1c2a9be04d7758a3c1de90fb42aa7718c0de31"


@dataclass(frozen=True, slots=True)
class Contoso:
    """The ids of what a test looks for."""

    organization_id: str
    user_id: str
    account_id: str
    playbook_id: str
    alert_id: str
    run_id: str
    live_run_id: str
    containment_id: str
    pending_id: str
    incident_number: int
    drill_id: str


def hash_of(host: str) -> int:
    """Return a number that a host always has."""
    return int.from_bytes(host.encode())


@dataclass(frozen=True, slots=True)
class _Alert:
    title: str
    severity: str
    status: str
    category: str
    host: str | None
    minutes: float


_ALERTS = (
    _Alert("Ransomware behavior detected in the file system", "High", "InProgress", "Ransomware", "fin-ws-014", 3.2),
    _Alert("Possible credential theft from LSASS memory", "High", "New", "CredentialAccess", "hr-ws-007", 1.1),
    _Alert("Hands-on-keyboard attack disruption via Cobalt Strike", "High", "New", "LateralMovement", "dc-01", 7),
    _Alert("Suspicious PowerShell download", "Medium", "New", "Execution", "eng-ws-021", 12),
    _Alert("Anomalous token lookup", "Medium", "InProgress", "PrivilegeEscalation", "eng-ws-022", 19),
    _Alert("Connection to a rare external domain", "Medium", "Resolved", "CommandAndControl", "fin-ws-003", 34),
    _Alert("Unusual number of failed sign-ins", "Low", "New", "InitialAccess", "kiosk-02", 41),
    _Alert("Potentially unwanted application blocked", "Low", "Resolved", "UnwantedSoftware", "mkt-ws-009", 58),
    _Alert("Backup service stopped unexpectedly", "Medium", "New", "Impact", "bck-01", 75),
    _Alert("Automated investigation started manually", "Informational", "Resolved", "SuspiciousActivity", None, 96),
    _Alert("Malware was prevented: Trojan:Win32/Wacatac", "Low", "Resolved", "Malware", "sales-ws-031", 130),
    _Alert("A file renamed many documents in a short time", "High", "Resolved", "Ransomware", "mkt-ws-004", 1500),
)


def _document(alert: _Alert, alert_id: str, machine_id: str | None, at: datetime) -> dict[str, Any]:
    process = {
        "entityType": "Process",
        "fileName": "powershell.exe",
        "filePath": "C:\\Windows\\System32\\WindowsPowerShell\\v1.0",
        "processId": 8420,
        "processCommandLine": "powershell.exe -NoProfile -EncodedCommand JABjAGwAaQBlAG4AdAAgAD0A",
        "parentProcessId": 5120,
        "parentProcessFileName": "outlook.exe",
        "parentProcessFilePath": "C:\\Program Files\\Microsoft Office\\root\\Office16",
        "sha256": "a4752c71d81afd3d5865d24ddb11a6b0c615062fcc448d24050c2172d2cbccd6",
        "detectionStatus": "Detected",
    }
    child = {
        "entityType": "Process",
        "fileName": "enc.exe",
        "filePath": "C:\\Users\\adele.vance\\AppData\\Local\\Temp",
        "processId": 9004,
        "processCommandLine": "enc.exe --path C:\\Users --extension .locked --threads 8",
        "parentProcessId": 8420,
        "sha256": "dc0ade0c95d6db98882bc8fa6707e64353cd6f7767ff48d6a81a6c2aef21c608",
        "detectionStatus": "Detected",
    }
    others = [
        {"entityType": "File", "fileName": "enc.exe", "filePath": "C:\\Users\\adele.vance\\AppData\\Local\\Temp",
         "sha256": "dc0ade0c95d6db98882bc8fa6707e64353cd6f7767ff48d6a81a6c2aef21c608", "detectionStatus": "Detected"},
        {"entityType": "User", "accountName": "adele.vance", "domainName": "CONTOSO",
         "userPrincipalName": "adele.vance@contoso.com", "userSid": "S-1-5-21-11111607-1111760036-109187956-75141"},
        {"entityType": "Ip", "ipAddress": "203.0.113.47"},
    ]  # fmt: skip
    return {
        "id": alert_id,
        "incidentId": 4012,
        "assignedTo": "soc@contoso.com" if alert.status == "InProgress" else None,
        "severity": alert.severity,
        "status": alert.status,
        "investigationState": "Running",
        "detectionSource": "WindowsDefenderAtp",
        "category": alert.category,
        "title": alert.title,
        "description": (
            "A process renamed and rewrote many user files within a short time, which is how ransomware behaves. "
            "Shadow copies were deleted just before."
        ),
        "alertCreationTime": clock.iso(at),
        "machineId": machine_id,
        "computerDnsName": f"{alert.host}.contoso.com" if alert.host else None,
        "rbacGroupName": "Workstations",
        "mitreTechniques": ["T1486", "T1490", "T1059.001"],
        "relatedUser": {"userName": "adele.vance", "domainName": "CONTOSO"},
        "comments": [
            {
                "comment": "fin-ws-014.contoso.com is contained; Defender confirmed it. [Ringfence 0197:comment:0]",
                "createdBy": "ringfence",
                "createdTime": clock.iso(at + timedelta(seconds=50)),
            }
        ],
        "evidence": [process, child, *others],
    }


def rule_everywhere(tx: Transaction, contoso: Contoso) -> None:
    """Make the person of the tests a system administrator."""
    mine = tables.users.c.id == contoso.user_id
    tx.execute(sa.update(tables.users).where(mine).values(system_administrator=True))
    # Whoever may work in several organizations has chosen one.
    theirs = sa.update(tables.sessions).where(tables.sessions.c.user_id == contoso.user_id)
    tx.execute(theirs.values(organization_id=contoso.organization_id))


class _Seeder:
    def __init__(self, tx: Transaction, now: datetime) -> None:
        self.tx = tx
        self.now = now
        self.organization_id = clock.new_id()
        self.account_id = clock.new_id()
        self.playbook_id = clock.new_id()
        self.version_id = clock.new_id()

    def ago(self, minutes: float = 0, seconds: float = 0) -> datetime:
        return self.now - timedelta(minutes=minutes, seconds=seconds)

    def add(self, table: sa.Table, **values: Any) -> None:
        self.tx.execute(sa.insert(table).values(**values))

    def organization(self, name: str) -> None:
        self.add(
            tables.organizations,
            id=self.organization_id,
            name=name,
            created_at=self.ago(9000),
        )

    def account(self, account_id: str, name: str, state: str, **more: Any) -> None:
        values: dict[str, Any] = {
            "cloud": "Commercial",
            "tenant_id": "11111111-2222-3333-4444-555555555555",
            "client_id": "66666666-7777-8888-9999-000000000000",
            "secret_sealed": "sealed",
            "state_reason": "",
            "roles": ["Alert.ReadWrite.All", "Machine.Isolate", "Machine.Read.All"],
            "proven_at": self.ago(240),
            "created_at": self.ago(9000),
            "updated_at": self.ago(1),
        }
        polled_at = more.pop("polled_at", self.ago(seconds=22))
        self.add(
            tables.accounts,
            id=account_id,
            organization_id=self.organization_id,
            name=name,
            state=state,
            **(values | more),
        )
        self.add(
            tables.trigger_services,
            id=clock.new_id(),
            organization_id=self.organization_id,
            account_id=account_id,
            name=name,
            state="running" if state == "healthy" else "failed",
            state_reason="" if state == "healthy" else "Reading alerts failed: the sign-in was refused.",
            failures=0 if state == "healthy" else 5,
            problems={},
            watermark=self.ago(1),
            polled_at=polled_at,
            next_poll_at=self.ago(seconds=-38),
            lag=41.0,
            polls=9021,
            hits=12,
            misses=40,
            errors=0 if state == "healthy" else 5,
            activated_at=self.ago(9000),
            created_at=self.ago(9000),
            updated_at=self.ago(9000),
        )

    def playbook(self) -> None:
        self.add(
            tables.playbooks,
            id=self.playbook_id,
            organization_id=self.organization_id,
            name="Contain ransomware",
            state="active",
            active_version_id=self.version_id,
            created_at=self.ago(6000),
            updated_at=self.ago(3000),
        )
        self.add(
            tables.playbook_versions,
            id=self.version_id,
            playbook_id=self.playbook_id,
            major=1,
            minor=3,
            source=STARTER,
            published_at=self.ago(3000),
            published_by="megan.bowen",
        )

    def alert(self, alert: _Alert, number: int) -> tuple[str, str | None]:
        own_id = clock.new_id()
        at = self.ago(alert.minutes)
        machine_id = None
        if alert.host:
            machine_id = WORKSTATION if alert.host == "fin-ws-014" else f"{number:02d}{WORKSTATION[2:]}"
        their_id = f"da6394{number:02d}472900382838_1364969609"
        self.add(
            tables.alerts,
            id=own_id,
            organization_id=self.organization_id,
            account_id=self.account_id,
            alert_id=their_id,
            version=2,
            title=alert.title,
            severity=alert.severity,
            status=alert.status,
            category=alert.category,
            assigned_to="soc@contoso.com" if alert.status == "InProgress" else None,
            incident_id="4012",
            machine_id=machine_id,
            machine_name=f"{alert.host}.contoso.com" if alert.host else None,
            event_at=at - timedelta(seconds=50),
            created_at=at - timedelta(seconds=20),
            updated_at=at,
            ingested_at=at,
        )
        document = _document(alert, their_id, machine_id, at)
        first = document | {"comments": [], "status": "New", "assignedTo": None}
        ours = judge(first, document)
        versions = ((1, at, first, judge(None, first)), (2, at + timedelta(seconds=51), document, ours))
        for version, seen, raw, judged in versions:
            self.add(
                tables.alert_versions,
                alert_id=own_id,
                version=version,
                fingerprint=f"{number}-{version}",
                seen_at=seen,
                raw=json.dumps(raw),
                standing=judged.standing.value,
                transitions=list(judged.changes),
                compared_with=version - 1 or None,
                difference=judged.stored(),
            )
            event = defender.Event(raw, judged.changes, "contoso", judged.standing)
            letter = defender.decide(TRIGGER, event).value
            member = ledger.Member(self.playbook_id, self.version_id)
            ledger.write(self.tx, self.organization_id, [member], [(own_id, version, letter)], seen)
        self.tx.changed(self.organization_id, "alert", own_id, "created")
        return own_id, machine_id

    def run(self, alert_id: str, status: str, minutes: float, took: float | None, error: str = "") -> str:
        own_id = clock.new_id()
        start = self.ago(minutes)
        self.add(
            tables.runs,
            id=own_id,
            organization_id=self.organization_id,
            playbook_id=self.playbook_id,
            playbook_version_id=self.version_id,
            account_id=self.account_id,
            alert_id=alert_id,
            alert_version=1,
            cause_key=own_id,
            trigger={"type": "defender.alert", "change": "created", "alert": {"id": alert_id}},
            trigger_kind="defender.alert",
            run_as="service contoso",
            status=status,
            error=error,
            requested_at=start,
            started_at=start + timedelta(seconds=0.009),
            finished_at=None if took is None else start + timedelta(seconds=took),
        )
        self.add(tables.run_alerts, run_id=own_id, alert_id=alert_id, alert_version=1, joined_at=start)
        self.tx.changed(self.organization_id, "run", own_id, status)
        return own_id

    def steps(
        self, run_id: str, minutes: float, made: list[tuple[str, str, str, str | None, float, float | None]]
    ) -> None:
        start = self.ago(minutes)
        for position, (name, action, status, outcome, begin, end) in enumerate(made):
            started = None if status in ("pending", "skipped") else start + timedelta(seconds=begin)
            self.add(
                tables.step_runs,
                run_id=run_id,
                step=name,
                iteration=0,
                position=position,
                action=action,
                status=status,
                outcome=outcome,
                attempt=0 if started is None else 1,
                input={"machine": WORKSTATION} if started else None,
                output={"computerDnsName": "fin-ws-014.contoso.com", "healthStatus": "Active", "onboarded": True}
                if status == "succeeded"
                else None,
                error="",
                started_at=started,
                finished_at=None if end is None else start + timedelta(seconds=end),
                wake_at=self.now + timedelta(minutes=4) if status == "waiting" else None,
            )
            if started is not None:
                self.add(
                    tables.run_logs,
                    run_id=run_id,
                    step=name,
                    at=started,
                    level="info",
                    message=f"{action} started",
                    fields={},
                )

    def isolation(self, host: str, minutes: float, **more: Any) -> None:
        """Let Defender keep a host isolated."""
        common = {"requestor": "Ringfence", "comment": "Ransomware behavior", "heard_at": self.ago(20)}
        self.add(
            tables.isolations,
            **{
                "organization_id": self.organization_id,
                "account_id": self.account_id,
                "machine_id": f"{hash_of(host):040x}",
                "machine_name": f"{host}.contoso.com",
                "state": "isolated",
                "isolated": True,
                "action_id": f"action-{host}",
                "isolation_type": "Full",
                "since": self.ago(minutes),
                "seen_at": self.now,
                **common,
                **more,
            },
        )

    def containment(self, state: str, host: str, minutes: float, reason: str, **more: Any) -> str:
        own_id = clock.new_id()
        holder = f"{more['run_id']}:isolate:0" if "run_id" in more else f"person:{own_id}"
        start = self.ago(minutes)
        by = more.pop("requested_by", "playbook Contain ransomware 1.3")
        verdict = more.pop("verdict", None)
        until = more.pop("until", ())
        names = ("requested_at", "decided_at", "submitted_at", "accepted_at", "confirmed_at",
                 "release_requested_at", "release_submitted_at", "released_at")  # fmt: skip
        times = dict(zip(names, [start + timedelta(seconds=second) for second in (0.0, *until)], strict=False))
        self.add(
            tables.containments,
            id=own_id,
            organization_id=self.organization_id,
            account_id=self.account_id,
            request_key=holder,
            target=f"{host}.contoso.com",
            machine_id=more.pop("machine_id", f"{len(host):02d}{WORKSTATION[2:]}"),
            machine_name=f"{host}.contoso.com",
            isolation_type="Full",
            reason=reason,
            requested_by=by,
            state=state,
            verdict=verdict,
            auto_release_after=more.pop("auto_release_after", 86400.0),
            deadline_at=start + timedelta(hours=4),
            **times,
            **more,
        )
        self.add(
            tables.containment_holds,
            containment_id=own_id,
            holder=holder,
            reason=reason,
            held_at=start,
            let_go_at=times.get("release_requested_at"),
        )
        self.events(own_id, times, state, by, reason)
        self.tx.changed(self.organization_id, "containment", own_id, state)
        return own_id

    def events(self, own_id: str, times: dict[str, datetime], state: str, by: str, reason: str) -> None:
        told = (
            ("requested_at", "requested", f"Requested by {by}: {reason}"),
            ("decided_at", "approved", "Policy allowed it: no guard spoke against it."),
            ("submitted_at", "submitting", "The isolate request leaves for Defender."),
            ("accepted_at", "pending", "Defender accepted it; the machine action is Pending."),
            ("confirmed_at", "contained", "The machine action reached Succeeded: the host is isolated."),
            ("release_requested_at", "releasing", "The last hold was let go."),
            ("released_at", "released", "The machine action reached Succeeded: the host is free."),
        )
        before = None
        for name, after, detail in told:
            if name not in times or (state == "denied" and name == "decided_at"):
                continue
            self.add(
                tables.containment_events,
                containment_id=own_id,
                at=times[name],
                before=before,
                after=after,
                detail=detail,
                facts={"machine_action": "5c1b6c3d-7a0e-4a9f-9a55-0c8de5cba0aa"} if name == "accepted_at" else None,
            )
            before = after
        if state == "denied":
            self.add(
                tables.containment_events,
                containment_id=own_id,
                at=times["decided_at"],
                before="requested",
                after="denied",
                detail="Policy refused it.",
                facts=None,
            )


_ALLOWED = {
    "allowed": True,
    "reasons": [],
    "facts": {
        "machine_id": WORKSTATION,
        "name": "fin-ws-014.contoso.com",
        "tags": ["Workstation", "Finance"],
        "os_platform": "Windows11",
        "onboarding_status": "Onboarded",
        "health_status": "Active",
        "last_seen": "2026-03-02T09:25:41.000Z",
        "decided_last_hour": 1,
    },
}
_DENIED = {
    "allowed": False,
    "reasons": ["The host has the protected tag “Domain Controller”."],
    "facts": {"name": "dc-01.contoso.com", "tags": ["Domain Controller", "Tier 0"], "os_platform": "WindowsServer2022"},
}


def seed(tx: Transaction, *, now: datetime = NOW, organization: str = "contoso", user: str = "megan.bowen") -> Contoso:
    """Write Contoso's rows and return the ids that matter."""
    make = _Seeder(tx, now)
    make.organization(organization)
    user_id = members.ensure(tx, make.organization_id, user, Role.ORGANIZATION_ADMINISTRATOR)
    make.account(make.account_id, "contoso", "healthy", sensor=True)
    make.account(
        clock.new_id(),
        "contoso-gov",
        "failed",
        cloud="GCC High",
        roles=["Alert.Read.All"],
        polled_at=make.ago(95),
        state_reason="The client secret has expired (AADSTS7000222). Make a new one in Entra and store it here.",
    )
    make.playbook()
    made = [make.alert(alert, number) for number, alert in enumerate(_ALERTS)]
    first, _ = made[0]
    run_id = make.run(made[11][0], "succeeded", 1499, 5412.0)
    make.run(made[2][0], "failed", 6.9, 2.3, "isolate: policy refused to contain dc-01.contoso.com.")
    live_run_id = make.run(first, "waiting", 3.1, None)
    done = [
        ("facts", "jmespath.query", "succeeded", "success", 0.01, 0.012),
        ("machine", "defender.get_machine", "succeeded", "success", 0.02, 0.41),
        ("known", "logic.condition", "succeeded", "yes", 0.42, 0.421),
        ("comment_unknown", "defender.update_alert", "skipped", None, 0.0, None),
        ("isolate", "containment.contain", "succeeded", "success", 0.43, 39.2),
        ("comment_contained", "defender.update_alert", "succeeded", "success", 39.3, 39.9),
    ]
    make.steps(run_id, 1499, [*done, ("release", "containment.release", "succeeded", "success", 5370.0, 5411.0)])
    make.steps(
        live_run_id,
        3.1,
        [
            *done,
            ("wait", "logic.delay", "waiting", None, 40.0, None),
            ("release", "containment.release", "pending", None, 0.0, None),
        ],
    )
    containment_id = make.containment(
        "contained",
        "fin-ws-014",
        3.08,
        "Ransomware behavior detected in the file system",
        verdict=_ALLOWED,
        until=(0.118, 0.131, 0.642, 38.9),
        machine_id=WORKSTATION,
        run_id=live_run_id,
        alert_id=first,
        isolate_action_id="5c1b6c3d-7a0e-4a9f-9a55-0c8de5cba0aa",
        auto_release_at=make.now + timedelta(hours=23, minutes=57),
    )
    pending_id = make.containment(
        "pending",
        "hr-ws-007",
        0.9,
        "Possible credential theft from LSASS memory",
        verdict=_ALLOWED,
        until=(0.2, 0.22, 0.9),
        requested_by="megan.bowen",
        isolate_action_id="0b3bb1de-3c7e-4f5e-8a4e-4b2f6f3f1f10",
        detail="The machine action is Pending; the host was last heard of 2 min ago.",
    )
    make.containment(
        "denied", "dc-01", 6.8, "Hands-on-keyboard attack disruption", verdict=_DENIED, until=(0.15,),
        finished_at=make.ago(6.7), detail="The host has the protected tag “Domain Controller”.",
    )  # fmt: skip
    make.containment(
        "releasing", "eng-ws-022", 140, "Anomalous token lookup", verdict=_ALLOWED,
        until=(0.2, 0.21, 0.8, 31.0, 8350.0, 8350.2), requested_by="alex.wilber",
        isolate_action_id="0b3bb1de-3c7e-4f5e-8a4e-4b2f6f3f1f11", release_action_id="1a3bb1de-3c7e-4f5e-8a4e-4b2f6f3f1f12",
    )  # fmt: skip
    make.containment(
        "withdrawn", "sales-ws-031", 420, "Malware on a laptop that was off", verdict=_ALLOWED, until=(0.2, 0.3, 0.9),
        finished_at=make.ago(180), detail="Not confirmed within 4 hours; the queued action was cancelled.",
    )  # fmt: skip
    make.containment(
        "released", "mkt-ws-004", 1498, "A file renamed many documents in a short time", verdict=_ALLOWED,
        until=(0.1, 0.12, 0.7, 38.7, 5369.0, 5369.4, 5410.5), finished_at=make.ago(1400), run_id=run_id,
        isolate_action_id="0b3bb1de-3c7e-4f5e-8a4e-4b2f6f3f1f13", release_action_id="1a3bb1de-3c7e-4f5e-8a4e-4b2f6f3f1f14",
    )  # fmt: skip
    make.isolation("fin-ws-014", 2.4, machine_id=WORKSTATION, containment_id=containment_id, request_source="PublicApi")
    make.isolation(
        "ops-ws-002", 95, requestor="Microsoft Defender", request_source="AttackDisruption",
        comment="Attack disruption contained a compromised device.",
    )  # fmt: skip
    make.isolation(
        "lab-ws-009", 3100, requestor="diego.siciliani@contoso.com", request_source="Portal", comment="Looks odd, will check",
        heard_at=make.ago(3000), heard_read_at=make.now, lost_since=make.ago(1500),
    )  # fmt: skip
    make.isolation(
        "mkt-ws-004", 60, requestor="Contoso SOAR",
        request_source="PublicApi", comment="Automated response", drift="isolated_again", drift_since=make.ago(59),
    )  # fmt: skip
    return Contoso(
        organization_id=make.organization_id,
        user_id=user_id,
        account_id=make.account_id,
        playbook_id=make.playbook_id,
        alert_id=first,
        run_id=run_id,
        live_run_id=live_run_id,
        containment_id=containment_id,
        pending_id=pending_id,
        incident_number=incidents.seed(tx, make.organization_id, made[0][0], made[5][0], made[11][0], now=now),
        drill_id=drill_samples.seed(tx, make.organization_id, make.account_id, WORKSTATION, now),
    )
