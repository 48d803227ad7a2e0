"""The state file: an SQLite database that holds the simulated world, so that a restarted simulator continues.

Each save is one transaction of the rows that changed, made before the reply goes out: what a client was told
survives a kill of the process.
"""

import json
import sqlite3
from pathlib import Path
from typing import Any

from ringfence.simulator import documents, tokens
from ringfence.simulator.clock import SimulatorClock
from ringfence.simulator.faults import Fault
from ringfence.simulator.journal import Entry, as_document
from ringfence.simulator.record import Record
from ringfence.simulator.specs import Scenario
from ringfence.simulator.tenant import Action, Machine, Tenant
from ringfence.simulator.world import Simulator

_FORMAT = 1


class StateError(Exception):
    """A state file cannot be used; the message says what to do."""


class StateFile:
    """Write a simulator to a file, row by row. Used by one process at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._scenario: Scenario | None = None
        try:
            self._database = sqlite3.connect(path, isolation_level=None)
        except sqlite3.Error as problem:
            raise self._unusable(problem) from problem
        try:
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=NORMAL")
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS rows (kind TEXT, tenant TEXT, key TEXT, body TEXT, "
                "PRIMARY KEY (kind, tenant, key)) WITHOUT ROWID"
            )
            self._database.execute("CREATE TABLE IF NOT EXISTS journal (sequence INTEGER PRIMARY KEY, body TEXT)")
        except sqlite3.Error as problem:
            self._database.close()
            raise self._unusable(problem) from problem

    def _unusable(self, problem: sqlite3.Error) -> StateError:
        return StateError(
            f"{self.path} cannot be used as a state file: {problem}. Give another path, or remove the file."
        )

    def start_over(self) -> None:
        """Forget everything, before a scenario begins anew."""
        self._database.execute("DELETE FROM rows WHERE kind NOT IN ('meta', 'scenario', 'key')")
        self._database.execute("DELETE FROM journal")

    def save(self, simulator: Simulator) -> None:
        """Write what changed since the last save, in one transaction."""
        meta = {
            "format": _FORMAT,
            "seed": simulator.seed,
            "clock": simulator.clock.dump(),
            "faults": [fault.model_dump() for fault in simulator.faults.items],
            "faults_waiting": [fault.model_dump() for fault in simulator.faults.waiting],
            "journal": {
                "cap": simulator.journal.cap,
                "dropped": simulator.journal.dropped,
                "sequence": simulator.journal.sequence,
            },
        }
        rows: list[tuple[str, str, str, Any]] = [("meta", "", "", meta)]
        if self._scenario is not simulator.scenario:
            rows.append(("scenario", "", "", simulator.scenario.model_dump(exclude_none=True)))
            rows.append(("key", "", "", simulator.key.pem()))
        for tenant in simulator.tenants.values():
            rows += [(kind, tenant.id, key, _row(tenant, kind, key)) for kind, key in sorted(tenant.dirty)]
        entries = list(simulator.journal.unsaved.values())
        self._database.execute("BEGIN IMMEDIATE")
        try:
            self._database.executemany(
                "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?)",
                [(kind, tenant, key, json.dumps(body)) for kind, tenant, key, body in rows],
            )
            self._database.executemany(
                "INSERT OR REPLACE INTO journal VALUES (?, ?)",
                [(entry.sequence, json.dumps(as_document(entry))) for entry in entries],
            )
            if simulator.journal.entries:
                oldest = simulator.journal.entries[0].sequence
                self._database.execute("DELETE FROM journal WHERE sequence < ?", (oldest,))
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")
        for tenant in simulator.tenants.values():
            tenant.dirty.clear()
        self._scenario = simulator.scenario

    def load(self) -> Simulator | None:
        """Return the simulator that was saved, or None from a new file. Raises StateError."""
        try:
            found = self._database.execute("SELECT body FROM rows WHERE kind = 'meta'").fetchone()
            if found is None:
                return None
            return self._load(json.loads(found[0]))
        except (sqlite3.Error, ValueError, KeyError, TypeError) as problem:
            raise StateError(
                f"{self.path} does not hold a state that this version can continue ({problem}). Remove the file to begin anew."
            ) from problem

    def _load(self, meta: dict[str, Any]) -> Simulator:
        if meta["format"] != _FORMAT:
            raise StateError(f"{self.path} was written by another version. Remove the file to begin anew.")
        clock = SimulatorClock()
        clock.load(meta["clock"])
        self._scenario = Scenario.model_validate(self._one("scenario"))
        simulator = Simulator(clock, self._scenario, meta["seed"])
        simulator.key = tokens.load_key(self._one("key"))
        for fault in meta["faults"]:
            simulator.faults.items.append(Fault.model_validate(fault))
        simulator.faults.waiting = [Fault.model_validate(fault) for fault in meta.get("faults_waiting", [])]
        journal = simulator.journal
        journal.cap, journal.dropped = meta["journal"]["cap"], meta["journal"]["dropped"]
        journal.sequence = meta["journal"]["sequence"]
        for (body,) in self._database.execute("SELECT body FROM journal ORDER BY sequence"):
            journal.entries.append(Entry(**json.loads(body)))
        for (body,) in self._database.execute("SELECT body FROM rows WHERE kind = 'tenant'"):
            tenant = Tenant.load(json.loads(body))
            simulator.tenants[tenant.id.lower()] = tenant
            self._load_tenant(tenant, clock.now())
        return simulator

    def _load_tenant(self, tenant: Tenant, now: float) -> None:
        for (body,) in self._select("machine", tenant):
            saved = json.loads(body)
            record = Record(saved["id"], saved["document"], {})
            state = {key: value for key, value in saved.items() if key not in ("id", "document")}
            tenant.keep_machine(Machine(record, **state), now)
        for (body,) in self._select("alert", tenant):
            saved = json.loads(body)
            ticks = documents.alert_ticks(saved["document"], now) | saved["ticks"]
            record = Record(saved["id"], saved["document"], ticks)
            if saved.get("visible_at") is None:
                tenant.keep_alert(record)
            else:
                tenant.withhold(record, saved["visible_at"])
        actions = sorted(
            (json.loads(body) for (body,) in self._select("action", tenant)), key=lambda row: int(row["place"])
        )
        for saved in actions:
            record = Record(saved["id"], saved["document"], saved["ticks"])
            action = Action(record, saved["due_at"], saved["expires_at"], saved["outcome"])
            action.extra_seconds, action.results = saved.get("extra_seconds", 0.0), saved.get("results", [])
            tenant.keep_action(action, active=saved["active"])
        for kind, shelf in tenant.shelves.items():
            kept = [json.loads(body) for (body,) in self._select(kind, tenant)]
            for saved in sorted((row for row in kept if row), key=lambda row: int(row["place"])):
                shelf.put(saved["id"], saved["document"], saved["hidden"])
        keys = self._database.execute("SELECT key FROM rows WHERE kind = 'delivered' AND tenant = ?", (tenant.id,))
        tenant.delivered = {key for (key,) in keys}
        tenant.dirty.clear()

    def _one(self, kind: str) -> Any:
        (body,) = self._database.execute("SELECT body FROM rows WHERE kind = ?", (kind,)).fetchone()
        return json.loads(body)

    def _select(self, kind: str, tenant: Tenant) -> sqlite3.Cursor:
        return self._database.execute("SELECT body FROM rows WHERE kind = ? AND tenant = ?", (kind, tenant.id))

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _row(tenant: Tenant, kind: str, key: str) -> Any:
    if kind == "tenant":
        return tenant.dump()
    if kind == "machine":
        machine = tenant.machines[key]
        return {
            "id": key,
            "document": machine.record.document,
            "users": machine.users,
            "online_since": machine.online_since,
            "isolated": machine.isolated,
            "next_outcome": machine.next_outcome,
            "restricted": machine.restricted,
            "quarantined": machine.quarantined,
        }
    if kind == "alert":
        until, record = tenant.withheld[key] if key in tenant.withheld else (None, tenant.alerts[key])
        return {"id": key, "document": record.document, "ticks": record.ticks, "visible_at": until}
    if kind == "action":
        action = tenant.actions[key]
        return {
            "id": key,
            "document": action.record.document,
            "ticks": action.record.ticks,
            "place": action.place,
            "due_at": action.due_at,
            "expires_at": action.expires_at,
            "outcome": action.outcome,
            "extra_seconds": action.extra_seconds,
            "results": action.results,
            "active": key in tenant.active,
        }
    if kind in tenant.shelves:
        return tenant.shelves[kind].row(key)
    return None
