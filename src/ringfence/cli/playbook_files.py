"""Read playbooks from files, folders and stdin, for every command that takes them."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from ringfence.cli.visible import visible
from ringfence.errors import Invalid
from ringfence.playbooks.problems import Problem, Severity

LARGEST: Final = 4_000_000
"""The most bytes that are read of a file: four times what can be published."""
_ENDINGS: Final = (".yaml", ".yml")


def read(file: str) -> str | Problem:
    """Return the text of a file, of stdin for `-`, or what keeps it from being read."""
    try:
        if file == "-":
            raw = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with Path(file).open("rb") as opened:
                raw = opened.read(LARGEST + 1)
    except OSError as error:
        return _unreadable(f"The file cannot be read: {error.strerror}.", "Name a playbook's file.")
    if len(raw) > LARGEST:
        return _unreadable("The file is too large for a playbook.", f"{LARGEST} bytes are the most that are read.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return _unreadable("The file is not UTF-8 text.", "Save it as UTF-8.", line)


def demand(file: str) -> str:
    """Return the text of a file; Invalid if it cannot be read."""
    text = read(file)
    if isinstance(text, Problem):
        raise Invalid("The playbook cannot be read.", advice=text.advice, problems=(text.render(file),))
    return text


def found(paths: Iterable[str]) -> Iterator[str]:
    """Yield each file as it is named, and for a folder the playbooks in it and below it, by name."""
    for path in paths:
        if path != "-" and Path(path).is_dir():
            yield from (
                str(each) for each in sorted(Path(path).rglob("*")) if each.suffix in _ENDINGS and each.is_file()
            )
        else:
            yield path


def _unreadable(message: str, advice: str, line: int = 1) -> Problem:
    return Problem("unreadable-file", Severity.ERROR, visible(message), advice, line)
