"""A folder of playbooks beside an installation: which side has changed since both last agreed. Pure.

What they agreed on is remembered in a file of the folder (`STATE`), which belongs under version control with the rest.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final

from ringfence.errors import Invalid

STATE: Final = ".ringfence-sync.json"
_LONGEST: Final = 80
_LARGEST_STATE: Final = 4_000_000


class Move(StrEnum):
    """What brings both sides together.

    none: they agree. publish: the file has changed. write: the installation has. conflict: both have, differently.
    retire: the file was deleted. delete: the playbook was retired.
    """

    NONE = "none"
    PUBLISH = "publish"
    WRITE = "write"
    CONFLICT = "conflict"
    RETIRE = "retire"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class File:
    """A playbook in the folder; `path` is relative to it."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Installed:
    """A playbook in the installation, with its newest version."""

    version: str
    text: str
    retired: bool = False


@dataclass(frozen=True, slots=True)
class Agreed:
    """What both sides said when they last agreed: the SHA-256 of each text, which publishing may have completed."""

    path: str
    file: str
    installed: str
    version: str


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done about one playbook; `path` is its file's, also where that is still to be written."""

    name: str
    path: str
    move: Move
    why: str


def plan(
    files: Mapping[str, File], installed: Mapping[str, Installed], agreed: Mapping[str, Agreed]
) -> tuple[Step, ...]:
    """Say what brings both sides together, by the names of the playbooks."""
    taken = {each.path for each in files.values()} | {each.path for each in agreed.values()}
    steps = []
    for name in sorted({*files, *installed}):
        file, there, before = files.get(name), installed.get(name), agreed.get(name)
        move, why = _move(file, there, before)
        if move is Move.NONE and (file is None or there is None):
            continue
        path = file.path if file is not None else before.path if before is not None else file_name(name, taken)
        taken.add(path)
        steps.append(Step(name, path, move, why))
    return tuple(steps)


def _move(file: File | None, there: Installed | None, before: Agreed | None) -> tuple[Move, str]:
    if file is not None and there is not None and not there.retired:
        return _both(file, there, before)
    if file is not None:
        if before is None and there is None:
            return Move.PUBLISH, "It is new in the folder."
        if before is not None and digest(file.text) == before.file:
            return Move.DELETE, "It was retired in the installation."
        return Move.CONFLICT, "The file is new or has changed, and the playbook is retired in the installation."
    if there is None or there.retired:
        return Move.NONE, ""
    if before is None:
        return Move.WRITE, "It is new in the installation."
    if digest(there.text) == before.installed:
        return Move.RETIRE, "Its file was deleted."
    return (
        Move.CONFLICT,
        f"Its file was deleted, and the installation has published {there.version} since {before.version}.",
    )


def _both(file: File, there: Installed, before: Agreed | None) -> tuple[Move, str]:
    if file.text == there.text:
        return Move.NONE, "Both say the same."
    if before is None:
        return Move.CONFLICT, "Folder and installation have different texts, and never agreed on one."
    mine, theirs = digest(file.text) != before.file, digest(there.text) != before.installed
    if mine and theirs:
        return (
            Move.CONFLICT,
            f"The file has changed, and the installation has published {there.version} since {before.version}.",
        )
    if mine:
        return Move.PUBLISH, "The file has changed."
    if theirs:
        return Move.WRITE, f"The installation has published {there.version} since {before.version}."
    return Move.NONE, "Neither has changed since they agreed."


def agree(file: File, there: Installed) -> Agreed:
    """Return what both sides say now as what they agree on."""
    return Agreed(file.path, digest(file.text), digest(there.text), there.version)


def read_state(text: str) -> dict[str, Agreed]:
    """Read what was agreed; Invalid where the file was damaged."""
    try:
        if len(text) > _LARGEST_STATE:
            raise ValueError(len(text))
        found = json.loads(text)["playbooks"]
        state = {str(name): Agreed(**{key: str(each[key]) for key in _KEYS}) for name, each in found.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Invalid(
            f"{STATE} cannot be read.",
            advice="Restore it from version control, or delete it: then every text that differs is shown as a conflict.",
        ) from None
    if any(not _SAFE.fullmatch(each.path) or ".." in each.path.split("/") for each in state.values()):
        raise Invalid(f"{STATE} names a file outside the folder.", advice="Restore it from version control.")
    return state


_KEYS: Final = ("path", "file", "installed", "version")
_SAFE: Final = re.compile(r"(?!/)[^\x00-\x1f\\]{1,1000}\.ya?ml")


def write_state(agreed: Mapping[str, Agreed]) -> str:
    """Write what was agreed, so that it merges well under version control."""
    playbooks = {name: asdict(agreed[name]) for name in sorted(agreed)}
    return json.dumps({"playbooks": playbooks}, indent=1, ensure_ascii=True) + "\n"


def digest(text: str) -> str:
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def file_name(name: str, taken: Container[str] = ()) -> str:
    """Return a readable name for a playbook's file, the same on every system; `taken` are those of other playbooks."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST] or "playbook"
    found = f"{slug}.yaml"
    return found if found not in taken else f"{slug}-{digest(name)[:8]}.yaml"
