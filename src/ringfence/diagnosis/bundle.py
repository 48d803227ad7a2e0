"""The support bundle: what whoever helps needs to know of an installation, as a zip, without its secrets.

Everything in it passes through what hides the secrets of every organization. Names of organizations, accounts and hosts stay.
"""

import io
import json
import platform
import sqlite3
import sys
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import sqlalchemy as sa
from pydantic import SecretStr

import ringfence
from ringfence import clock
from ringfence.diagnosis.model import Report
from ringfence.runs import known_secrets
from ringfence.security.crypto import Vault
from ringfence.security.hiding import Hider
from ringfence.settings import Settings
from ringfence.storage import Database, Transaction, schema
from ringfence.storage.tables import accounts, channels, outbox, runs, step_runs, trigger_services
from ringfence.storage.tables import metadata as tables

_NEWEST: Final = 100
_LIBRARIES: Final = (
    "fastapi",
    "starlette",
    "uvicorn",
    "sqlalchemy",
    "psycopg",
    "dbos",
    "cryptography",
    "httpx",
    "msal",
    "pydantic",
)
# Their values may hold what no other setting may.
_UNSAID: Final = frozenset({"master_key_command"})


def make(settings: Settings, database: Database, vault: Vault, report: Report) -> bytes:
    """Return the zip."""

    def look(tx: Transaction) -> dict[str, Any]:
        return {
            "manifest.json": _manifest(database),
            "settings.json": settings_told(settings),
            "health.json": {"level": report.worst, "findings": [asdict(each) for each in report.findings]},
            "schema.json": {"revision": schema.revision(database), "rows": _counts(tx)},
            "errors.json": {name: [dict(row) for row in tx.all(query)] for name, query in _errors()},
        }

    found = database.read_now(look)
    hider = database.read_now(lambda tx: known_secrets.hider_of_all(tx, vault)).more(_of_settings(settings))
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as file:
        for name, document in found.items():
            file.writestr(f"ringfence-support/{name}", _text(document, hider))
    return written.getvalue()


def settings_told(settings: Settings) -> dict[str, object]:
    """Return every setting, of secrets and commands only whether they are set, and of addresses only the host."""
    return {name: _told(name, getattr(settings, name)) for name in Settings.model_fields}


def _told(name: str, value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, SecretStr) or name in _UNSAID:
        return "(set)"
    text = str(value)
    if "://" not in text:
        return text
    try:
        parts = urlsplit(text)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname or ''}{port}/…"
    except ValueError:
        return "(set)"


def _of_settings(settings: Settings) -> Iterator[str]:
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            yield from value.get_secret_value().replace(",", " ").split()
    if settings.database_url:
        yield urlsplit(settings.database_url).password or ""


def _manifest(database: Database) -> dict[str, Any]:
    return {
        "kind": "ringfence.support/1",
        "at": clock.iso(clock.now()),
        "version": ringfence.__version__,
        "python": sys.version,
        "platform": platform.platform(),
        "database": f"SQLite {sqlite3.sqlite_version}" if database.sqlite else "PostgreSQL",
        "libraries": {name: metadata.version(name) for name in _LIBRARIES},
    }


def _counts(tx: Transaction) -> dict[str, int]:
    return {table.name: int(tx.scalar(sa.select(sa.func.count()).select_from(table))) for table in tables.sorted_tables}


def _errors() -> Iterator[tuple[str, sa.Select[Any]]]:
    """Give what went wrong lately, by where."""
    failed = step_runs.c.error != ""
    yield (
        "steps",
        sa.select(step_runs.c.run_id, step_runs.c.step, step_runs.c.action, step_runs.c.status, step_runs.c.error)
        .where(failed)
        .order_by(step_runs.c.run_id.desc())
        .limit(_NEWEST),
    )
    yield (
        "runs",
        sa.select(runs.c.id, runs.c.status, runs.c.error, runs.c.requested_at)
        .where(runs.c.status.in_(["failed", "partly_failed"]))
        .order_by(runs.c.requested_at.desc())
        .limit(_NEWEST),
    )
    yield "accounts", sa.select(accounts.c.name, accounts.c.state, accounts.c.state_reason)
    named = trigger_services.c
    yield "services", sa.select(named.name, named.state, named.state_reason, named.poll_error, named.lag, named.errors)
    yield "channels", sa.select(channels.c.name, channels.c.kind, channels.c.failures, channels.c.error)
    yield (
        "notifications",
        sa.select(outbox.c.id, outbox.c.state, outbox.c.attempts, outbox.c.detail)
        .where(outbox.c.state == "failed")
        .order_by(outbox.c.created_at.desc())
        .limit(_NEWEST),
    )


def _text(document: Mapping[str, Any], hider: Hider) -> str:
    plain = json.loads(json.dumps(document, default=str))
    return json.dumps(hider.value(plain), indent=1, ensure_ascii=False)


def name_of(folder: Path | None = None) -> Path:
    """Return how a bundle that is made now is called."""
    return (folder or Path()) / f"ringfence-support-{clock.now():%Y%m%dT%H%M%S}.zip"
