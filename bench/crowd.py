"""Rows of an installation that has run for a quarter of a year, made in the database itself, which takes seconds.

What pages read is as various as it is in life: alerts spread evenly over ninety days, few of them severe, nearly all old ones
resolved, a rare category, thousands of hosts; runs, containments, incidents and an audit log that fit them. Only for SQLite.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

from ringfence import clock

_STARTER: Final = (resources.files("ringfence.playbooks") / "starters" / "contain-ransomware.yaml").read_text()
_DAYS: Final = 90
_TITLES: Final = 400
_RAW: Final = """{"id":"@","severity":"Low","status":"New","category":"Malware","title":"Suspicious activity","machineId":"@",
"description":"A process renamed and rewrote many user files within a short time, which is how ransomware behaves.",
"comments":[],"evidence":[{"entityType":"Process","fileName":"powershell.exe","filePath":"C:\\\\Windows\\\\System32",
"processId":8420,"processCommandLine":"powershell.exe -NoProfile -EncodedCommand JABjAGwA","parentProcessId":5120,
"parentProcessFileName":"outlook.exe","sha256":"a4752c71d81afd3d5865d24ddb11a6b0c615062fcc448d24050c2172d2cbccd6"},
{"entityType":"User","accountName":"adele.vance","domainName":"CONTOSO"},{"entityType":"Ip","ipAddress":"203.0.113.47"}]}"""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many of each there are."""

    alerts: int
    runs: int
    containments: int
    incidents: int
    audit: int

    @classmethod
    def of(cls, alerts: int) -> "Sizes":
        """Return what goes with so many alerts, which are 300 at least."""
        return cls(alerts, max(alerts // 10, 60), max(alerts // 50, 60), max(alerts // 50, 60), max(alerts // 2, 300))


def _id(kind: int, number: str = "i") -> str:
    return f"printf('{kind:08x}-0000-7000-8000-%012x', {number})"


def _ago(seconds: str) -> str:
    """Write a moment before the one that the rows hang on (`:now`, Julian day) as our columns hold it."""
    return f"strftime('%Y-%m-%d %H:%M:%f000', :now - ({seconds}) / 86400.0)"


def _either(number: str, *words: str) -> str:
    cases = " ".join(f"WHEN {position} THEN '{word}'" for position, word in enumerate(words))
    return f"CASE ({number}) % {len(words)} {cases} END"


ALERT, RUN, CONTAINMENT, INCIDENT, PLAYBOOK, VERSION, ACCOUNT = range(1, 8)
SET: Final = "0" * 32


def some(kind: int, number: int = 1) -> str:
    """Return the id of the row of a kind with a number; of runs and containments number 1 is the newest, else the oldest."""
    return f"{kind:08x}-0000-7000-8000-{number:012x}"


class Crowd:
    """Fills the file of a database that nobody has open; `secrets` are what the two accounts sign in with, sealed."""

    def __init__(self, path: Path, organization_id: str, secrets: Sequence[str], sizes: Sizes) -> None:
        self._path = path
        self._sizes = sizes
        self._fixed: dict[str, object] = {
            "organization": organization_id,
            "first_secret": secrets[0],
            "second_secret": secrets[1],
            "starter": _STARTER,
            "raw": _RAW,
            "now": clock.timestamp() / 86400 + 2440587.5,
            "last": sizes.alerts,
            "step": _DAYS * 86400 / sizes.alerts,
        }

    def fill(self) -> None:
        """Write all rows, in one transaction that nothing would be left of: whoever measures makes the file anew."""
        with closing(sqlite3.connect(self._path, isolation_level=None)) as connection:
            for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-500000"):
                connection.execute(f"PRAGMA {pragma}")
            connection.execute("BEGIN EXCLUSIVE")
            self._connection = connection
            self._setting()
            self._alerts()
            self._runs()
            self._containments()
            self._incidents()
            self._log()
            connection.execute("COMMIT")
            connection.execute("PRAGMA journal_mode=WAL")

    def _rows(self, table: str, many: int, values: Mapping[str, str]) -> None:
        """Insert rows, in each of which `i` is its number from 1 on."""
        self._connection.execute(
            f"WITH RECURSIVE counted(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM counted WHERE i < {many}) "
            f"INSERT INTO {table} ({', '.join(values)}) SELECT {', '.join(values.values())} FROM counted",
            self._fixed,
        )

    def _setting(self) -> None:
        old = _ago("100 * 86400")
        self._rows(
            "accounts",
            2,
            {
                "id": _id(ACCOUNT),
                "organization_id": ":organization",
                "name": _either("i", "contoso", "fabrikam"),
                "cloud": "'Commercial'",
                "tenant_id": "'11111111-2222-3333-4444-555555555555'",
                "client_id": "'66666666-7777-8888-9999-000000000000'",
                "secret_sealed": "CASE i WHEN 1 THEN :first_secret ELSE :second_secret END",
                "state": "'healthy'",
                "state_reason": "''",
                "roles": """'["Alert.ReadWrite.All","Machine.Isolate","Machine.Read.All"]'""",
                "created_at": old,
                "updated_at": old,
            },
        )
        self._rows(
            "playbooks",
            20,
            {
                "id": _id(PLAYBOOK),
                "organization_id": ":organization",
                "name": "'Contain ransomware ' || i",
                "state": "'active'",
                "active_version_id": _id(VERSION),
                "created_at": old,
                "updated_at": old,
            },
        )
        self._rows(
            "playbook_versions",
            20,
            {
                "id": _id(VERSION),
                "playbook_id": _id(PLAYBOOK),
                "major": "1",
                "minor": "3",
                "source": ":starter",
                "published_at": old,
                "published_by": "'megan.bowen'",
            },
        )
        members = ",".join(f'["{some(PLAYBOOK, each)}","{some(VERSION, each)}"]' for each in range(1, 21))
        self._rows(
            "trigger_sets", 1, {"id": f"'{SET}'", "organization_id": ":organization", "triggers": f"'[{members}]'"}
        )

    def _alerts(self) -> None:
        # The first to be written is the oldest, as in life.
        at = _ago("(:last - i) * :step")
        self._rows(
            "alerts",
            self._sizes.alerts,
            {
                "id": _id(ALERT),
                "organization_id": ":organization",
                "account_id": _id(ACCOUNT, "1 + i % 2"),
                "alert_id": "printf('da%018d_-%010d', i, (i * 2654435761) % 4294967296)",
                "version": "1",
                "title": f"CASE WHEN i % 5000 = 7 THEN 'Ransomware behavior detected in the file system' ELSE "
                f"{_either('i', 'Suspicious PowerShell download', 'Malware was prevented', 'Unusual sign-in')} || "
                f"' (rule ' || (i % {_TITLES}) || ')' END",
                "severity": "CASE WHEN i % 100 < 4 THEN 'High' WHEN i % 100 < 25 THEN 'Medium' WHEN i % 100 < 80 THEN 'Low' "
                "ELSE 'Informational' END",
                "status": "CASE WHEN :last - i < :last / 100 THEN 'New' WHEN i % 200 = 3 THEN 'InProgress' "
                "WHEN i % 200 = 5 THEN 'New' ELSE 'Resolved' END",
                "category": "CASE WHEN i % 5000 = 7 THEN 'Ransomware' ELSE "
                + _either("i / 3", "Malware", "Execution", "InitialAccess", "SuspiciousActivity", "CredentialAccess")
                + " END",
                "assigned_to": "CASE WHEN i % 200 = 3 THEN 'soc@contoso.com' END",
                "incident_id": "i / 8",
                "machine_id": "printf('%040x', (i * 7919) % 20000)",
                "machine_name": "printf('ws-%05d.contoso.com', (i * 7919) % 20000)",
                "event_at": at,
                "created_at": at,
                "updated_at": at,
                "ingested_at": at,
            },
        )
        self._rows(
            "alert_versions",
            self._sizes.alerts,
            {
                "alert_id": _id(ALERT),
                "version": "1",
                "fingerprint": "printf('%032x', i)",
                "seen_at": at,
                "raw": "replace(:raw, '@', i)",
                "transitions": """'["created"]'""",
            },
        )
        self._rows(
            "alert_verdicts",
            self._sizes.alerts,
            {
                "alert_id": _id(ALERT),
                "version": "1",
                "set_id": f"'{SET}'",
                "letters": f"'{'s' * 20}'",
                "decided_at": at,
            },
        )

    def _runs(self) -> None:
        many = self._sizes.runs
        at, end = _ago("i * :step * 10"), _ago("i * :step * 10 - 30")
        alert = _id(ALERT, f":last - (i - 1) * (:last / {many})")
        live = "i % 2000 = 1"
        self._rows(
            "runs",
            many,
            {
                "id": _id(RUN),
                "organization_id": ":organization",
                "playbook_id": _id(PLAYBOOK, "1 + i % 20"),
                "playbook_version_id": _id(VERSION, "1 + i % 20"),
                "account_id": _id(ACCOUNT, "1"),
                "alert_id": alert,
                "alert_version": "1",
                "cause_key": "i",
                "trigger": """'{"type":"defender.alert","change":"created","alert":{}}'""",
                "trigger_kind": "'defender.alert'",
                "machine_id": "printf('%040x', (i * 7919) % 20000)",
                "status": f"CASE WHEN {live} THEN 'waiting' WHEN i % 50 = 2 THEN 'failed' ELSE 'succeeded' END",
                "requested_at": at,
                "started_at": at,
                "finished_at": f"CASE WHEN {live} THEN NULL ELSE {end} END",
                "minutes_saved": "15",
            },
        )
        self._rows("run_alerts", many, {"run_id": _id(RUN), "alert_id": alert, "alert_version": "1", "joined_at": at})
        for position, (step, action) in enumerate(
            {
                "machine": "defender.machine.get",
                "isolate": "containment.contain",
                "comment": "defender.alert.comment",
            }.items()
        ):
            self._rows(
                "step_runs",
                many,
                {
                    "run_id": _id(RUN),
                    "step": f"'{step}'",
                    "iteration": "0",
                    "position": str(position),
                    "action": f"'{action}'",
                    "status": "'succeeded'",
                    "outcome": "'success'",
                    "attempt": "1",
                    "input": """'{"machine":"ws"}'""",
                    "output": """'{"computerDnsName":"ws.contoso.com","healthStatus":"Active"}'""",
                    "started_at": at,
                    "finished_at": end,
                },
            )
        self._rows(
            "run_logs",
            many,
            {
                "run_id": _id(RUN),
                "step": "'isolate'",
                "at": at,
                "level": "'info'",
                "message": "'Started'",
                "fields": "'{}'",
            },
        )

    def _containments(self) -> None:
        many = self._sizes.containments
        live = "i <= 50"
        spread = ":step * 50"
        at = _ago(f"i * {spread}")
        after = {seconds: _ago(f"i * {spread} - {seconds}") for seconds in (1, 2, 20, 3600, 3660)}
        self._rows(
            "containments",
            many,
            {
                "id": _id(CONTAINMENT),
                "organization_id": ":organization",
                "account_id": _id(ACCOUNT, "1"),
                "request_key": "'step:' || i",
                "live_key": f"CASE WHEN {live} THEN 'contoso:' || i END",
                "target": "printf('ws-%05d.contoso.com', i % 20000)",
                "machine_id": "printf('%040x', i % 20000)",
                "machine_name": "printf('ws-%05d.contoso.com', i % 20000)",
                "isolation_type": "'Full'",
                "reason": "'Ransomware behavior'",
                "requested_by": "'playbook Contain ransomware 1.3'",
                "run_id": _id(RUN),
                "alert_id": _id(ALERT, ":last - i"),
                "state": f"CASE WHEN {live} THEN 'contained' ELSE 'released' END",
                "verdict": """'{"outcome":"allowed","allowed":true,"reasons":["Because."],"facts":{}}'""",
                "deadline_at": after[3600],
                "requested_at": at,
                "decided_at": after[1],
                "submitted_at": after[1],
                "accepted_at": after[2],
                "confirmed_at": after[20],
                "release_requested_at": f"CASE WHEN {live} THEN NULL ELSE {after[3600]} END",
                "released_at": f"CASE WHEN {live} THEN NULL ELSE {after[3660]} END",
                "finished_at": f"CASE WHEN {live} THEN NULL ELSE {after[3660]} END",
            },
        )
        for before, state in (("requested", "approved"), ("approved", "pending"), ("pending", "contained")):
            self._rows(
                "containment_events",
                many,
                {
                    "containment_id": _id(CONTAINMENT),
                    "at": after[2],
                    "before": f"'{before}'",
                    "after": f"'{state}'",
                    "detail": "'As Defender says.'",
                    "facts": "'{}'",
                },
            )
        self._rows(
            "containment_holds",
            many,
            {"containment_id": _id(CONTAINMENT), "holder": "'run'", "reason": "'Ransomware'", "held_at": at},
        )

    def _incidents(self) -> None:
        many = self._sizes.incidents
        at = _ago(f"({many} - i) * :step * 50")
        done = f"i < {many} - 200"
        self._rows(
            "incidents",
            many,
            {
                "id": _id(INCIDENT),
                "organization_id": ":organization",
                "number": "i",
                "title": "'Ransomware in ' || " + _either("i", "finance", "sales", "engineering"),
                "status": f"CASE WHEN {done} THEN 'resolved' ELSE 'open' END",
                "severity": _either("i", "High", "Medium", "Low"),
                "owner": _either("i", "megan.bowen", "alex.wilber", "adele.vance", "diego.siciliani"),
                "resolution": f"CASE WHEN {done} THEN 'true_positive' END",
                "created_at": at,
                "created_by": "'megan.bowen'",
                "updated_at": at,
                "resolved_at": f"CASE WHEN {done} THEN {at} END",
            },
        )
        for number in range(3):
            alert = _id(ALERT, f":last - ({many} - i) * 3 - {number}")
            self._rows(
                "incident_alerts",
                many,
                {
                    "incident_id": _id(INCIDENT),
                    "alert_id": alert,
                    "open_alert_id": f"CASE WHEN {done} THEN NULL ELSE {alert} END",
                    "added_at": at,
                    "added_by": "'megan.bowen'",
                },
            )
            self._rows(
                "incident_events",
                many,
                {
                    "incident_id": _id(INCIDENT),
                    "at": at,
                    "by": "'megan.bowen'",
                    "kind": "'note'",
                    "detail": "'A note.'",
                },
            )

    def _log(self) -> None:
        many = self._sizes.audit
        at = _ago(f"({many} - i) * :step * 2")
        self._connection.execute("DELETE FROM audit_entries")
        self._connection.execute("DELETE FROM audit_heads")
        self._rows(
            "audit_entries",
            many,
            {
                "organization_id": ":organization",
                "number": "i",
                "at": at,
                "actor": _either("i", "megan.bowen", "alex.wilber", "Ringfence"),
                "via": "'page'",
                "event": _either("i", "playbook:published", "containment:requested", "sign_in:succeeded"),
                "subject": _either("i", "playbook", "containment", "sign_in"),
                "subject_id": "i",
                "details": """'{"machine":"ws-00001.contoso.com","reason":"Ransomware behavior"}'""",
                "previous": "printf('%064x', i)",
                "hash": "printf('%064x', i + 1)",
            },
        )
        self._rows(
            "audit_heads",
            1,
            {"organization_id": ":organization", "number": str(many), "hash": f"printf('%064x', {many} + 1)"},
        )
        self._rows(
            "changes",
            max(self._sizes.alerts // 5, 100),
            {
                "organization_id": ":organization",
                "noun": "'alert'",
                "noun_id": _id(ALERT),
                "kind": "'created'",
                "at": at,
            },
        )
