"""Passwords that others have lost already: a list that comes with us, and the hashes that an administrator gives.

The hashes are those of Have I Been Pwned, as its downloader writes them: one file of `SHA1:count` lines in the order of the
hashes, or a folder with a file for each of the first five digits. Nothing is asked of anybody: no network is used.
"""

import hashlib
import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, Final

from ringfence.errors import Misconfigured

_HASH: Final = re.compile(rb"[0-9A-Fa-f]{40}")
_PREFIX: Final = 5
_LOOKS: Final = 64
_LONGEST_LINE: Final = 256


class Breached:
    """Knows lost passwords; `source` is the file or folder of hashes, if there is one."""

    def __init__(self, source: Path | None = None) -> None:
        self._source = source
        if source is not None:
            self._demand_usable(source)

    def holds(self, password: str) -> bool:
        """Tell whether a password is among those that are known to be lost."""
        if password.casefold() in _common():
            return True
        if self._source is None:
            return False
        wanted = hashlib.sha1(password.encode("utf-8", "replace"), usedforsecurity=False).hexdigest().upper()
        try:
            return _in_folder(self._source, wanted) if self._source.is_dir() else _in_file(self._source, wanted)
        except OSError as error:
            raise _unusable(self._source, error.strerror or str(error)) from error

    def _demand_usable(self, source: Path) -> None:
        try:
            if source.is_dir():
                if not any(source.iterdir()):
                    raise _unusable(source, "the folder is empty")
                return
            with source.open("rb") as file:
                size = source.stat().st_size
                seen = [_line_at(file, size * number // _LOOKS) for number in range(_LOOKS)]
        except OSError as error:
            raise _unusable(source, error.strerror or str(error)) from error
        found = [line[:40].upper() for line in seen if line]
        if not found or not all(_HASH.fullmatch(each) for each in found):
            raise _unusable(source, "its lines do not begin with SHA-1 hashes")
        if any(before > after for before, after in pairwise(found)):
            raise _unusable(source, "its lines are not in the order of the hashes")


@cache
def _common() -> frozenset[str]:
    # Thirty thousand of the most common passwords; loaded where somebody chooses one, and only then.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(str(each).casefold() for each in FREQUENCY_LISTS["passwords"])


def _unusable(source: Path, why: str) -> Misconfigured:
    return Misconfigured(
        f"The hashes of breached passwords in {source} cannot be used: {why}.",
        advice="Set RINGFENCE_BREACHED_PASSWORDS to a file of `SHA1:count` lines that `sort` has ordered, or to the folder "
        "that the downloader of Have I Been Pwned wrote.",
    )


def _in_folder(folder: Path, wanted: str) -> bool:
    prefix, rest = wanted[:_PREFIX], wanted[_PREFIX:].encode()
    for name in (f"{prefix}.txt", prefix):
        path = folder / name
        if path.is_file():
            return any(line.strip()[: len(rest)].upper() == rest for line in path.read_bytes().splitlines())
    return False


def _in_file(path: Path, wanted: str) -> bool:
    key = wanted.encode()
    with path.open("rb") as file:
        low, high = 0, path.stat().st_size
        while low < high:
            middle = (low + high) // 2
            line = _line_at(file, middle)
            if not line or line[:40].upper() > key:
                high = middle
            elif line[:40].upper() == key:
                return True
            else:
                low = middle + 1
        # The first line begins at no line's end: the search above only sees lines that begin after a position.
        return _line_at(file, 0)[:40].upper() == key


def _line_at(file: BinaryIO, position: int) -> bytes:
    """Return the first line that begins at or after a position, nothing behind the last one."""
    file.seek(max(0, position - 1))
    if position:
        file.readline(_LONGEST_LINE)
    return file.readline(_LONGEST_LINE).strip()
