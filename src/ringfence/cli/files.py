"""Write what came from outside to files of this computer: whole or not at all, and never over another file."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from ringfence.errors import Conflict, Misconfigured


def save(pieces: Iterable[bytes], path: Path) -> Path:
    """Write a file, readable by its owner only, and return its path; Conflict if there is one already.

    A write that breaks off leaves nothing behind.
    """
    try:
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except FileExistsError:
        raise Conflict(f"There is a file {path} already.", advice="Choose another name: -o FILE.") from None
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from error
    try:
        with file:
            for piece in pieces:
                file.write(piece)
    except BaseException as error:
        with contextlib.suppress(OSError):
            path.unlink()
        if isinstance(error, OSError):
            raise _unwritable(path, error) from error
        raise
    return path


def free_path(folder: Path, name: str) -> Path:
    """Return a path in a folder that no file has: the name itself, or with a number before its ending."""
    path, number = folder / name, 1
    while os.path.lexists(path):
        number += 1
        stem, dot, ending = name.rpartition(".")
        path = folder / (f"{stem} ({number}).{ending}" if dot and stem else f"{name} ({number})")
    return path


def _unwritable(path: Path, error: OSError | ValueError) -> Misconfigured:
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return Misconfigured(f"{path} cannot be written: {said}.", advice="Choose another place: -o FILE.")
