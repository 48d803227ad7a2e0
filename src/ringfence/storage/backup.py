"""Copies of the embedded databases, taken while they are used, and put back after a look at what they are.

A backup is a folder: `ringfence.sqlite3`, `engine.sqlite3` and a manifest with their SHA-256. Keys are not in it: with them in
one place, whoever finds a backup would have the secrets too.
"""

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import ringfence
from ringfence import clock
from ringfence.errors import Conflict, Invalid, NotFound

# The engine's first: what it lacks then is found again in ours.
FILES: Final = ("engine.sqlite3", "ringfence.sqlite3")
OURS: Final = FILES[1]
MANIFEST: Final = "manifest.json"
KIND: Final = "ringfence.backup/1"
NOTE: Final = "last-backup.json"


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup: when it was taken, by which release, and of which revision the tables are."""

    folder: Path
    at: str
    version: str
    revision: str
    sizes: Mapping[str, int]


def take(data: Path, folder: Path, revision: str) -> Backup:
    """Copy the databases of a data folder into a new folder, whole and checked; nobody has to stop working."""
    if folder.exists() and any(folder.iterdir()):
        raise Conflict(f"The folder {folder} is not empty.", advice="Give each backup a folder of its own.")
    draft = folder.with_name(f".{folder.name}.{clock.new_id()}")
    draft.mkdir(parents=True, mode=0o700)
    try:
        digests = {}
        for name in FILES:
            if (data / name).exists():
                _copy(data / name, draft / name)
                digests[name] = _digest(draft / name)
        if OURS not in digests:
            raise NotFound(f"There is no database in {data}.", advice="Name the data folder: ringfence --data FOLDER …")
        at = clock.iso(clock.now())
        manifest = {
            "kind": KIND,
            "at": at,
            "version": ringfence.__version__,
            "revision": revision,
            "sha256": digests,
        }
        _write(draft / MANIFEST, manifest)
        if folder.exists():
            folder.rmdir()
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    note(data, str(folder.resolve()))
    return look(folder)


def look(folder: Path) -> Backup:
    """Read a backup and prove that it is as it was written; Invalid if it is not."""
    advice = "Use another backup."
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if manifest["kind"] != KIND or OURS not in manifest["sha256"] or not set(manifest["sha256"]) <= set(FILES):
            raise ValueError("of another kind")
        found = Backup(
            folder,
            str(manifest["at"]),
            str(manifest["version"]),
            str(manifest["revision"]),
            {name: (folder / name).stat().st_size for name in manifest["sha256"]},
        )
        changed = [name for name, digest in manifest["sha256"].items() if _digest(folder / name) != digest]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Invalid(f"There is no whole backup in {folder}.", advice=advice) from error
    if changed:
        raise Invalid(f"The backup was changed since it was taken: {', '.join(changed)}.", advice=advice)
    return found


def put_back(backup: Backup, data: Path) -> Path | None:
    """Put a backup in the place of the databases of a data folder; returns where those are now, None if there were none.

    Nobody may have them open meanwhile.
    """
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    drafts = {}
    for name in backup.sizes:
        drafts[name] = data / f".{name}.{clock.new_id()}"
        shutil.copyfile(backup.folder / name, drafts[name])
        drafts[name].chmod(0o600)
    aside = data / f"before-restore-{clock.now():%Y%m%dT%H%M%S}"
    present = [path for name in FILES for path in data.glob(f"{name}*")]
    if present:
        aside.mkdir(mode=0o700)
        for path in present:
            path.rename(aside / path.name)
    for name, draft in drafts.items():
        draft.rename(data / name)
    return aside if present else None


def note(data: Path, where: str) -> None:
    """Remember that a backup was taken now."""
    data.mkdir(parents=True, exist_ok=True)
    draft = data / f".{NOTE}.{clock.new_id()}"
    _write(draft, {"at": clock.iso(clock.now()), "where": where})
    draft.rename(data / NOTE)


def newest(data: Path) -> tuple[datetime, str] | None:
    """Return when the newest backup was taken, and where it is; None where none is remembered."""
    try:
        found = json.loads((data / NOTE).read_text(encoding="utf-8"))
        return datetime.fromisoformat(found["at"]), str(found["where"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _copy(source: Path, target: Path) -> None:
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as there,
        closing(sqlite3.connect(target)) as here,
    ):
        there.backup(here)
        problems = [row[0] for row in here.execute("PRAGMA integrity_check").fetchall()]
        here.execute("PRAGMA journal_mode=DELETE")
    if problems != ["ok"]:
        raise Invalid(
            f"The database {source.name} is damaged: {problems[0][:200]}.",
            advice="Restore an earlier backup, and look at the disk.",
        )
    target.chmod(0o600)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, document: Mapping[str, Any]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
