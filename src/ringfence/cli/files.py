"""Write what came from outside to files of this computer: whole or not at all, and never over another file."""

import contextlib
import hashlib
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from ringfence.actions import ActionError
from ringfence.errors import Conflict, Misconfigured
from ringfence.runs.attachments import safe_name


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing, readable by its owner only; Conflict if there is one already.

    Where the block breaks off, nothing is left behind.
    """
    try:
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except FileExistsError:
        raise Conflict(f"There is a file {path} already.", advice="Choose another name: -o FILE.") from None
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from error
    try:
        with file:
            yield file
    except BaseException as error:
        with contextlib.suppress(OSError):
            path.unlink()
        if isinstance(error, OSError):
            raise _unwritable(path, error) from error
        raise


def save(pieces: Iterable[bytes], path: Path) -> Path:
    """Write a file and return its path; see `new_file`."""
    with new_file(path) as file:
        for piece in pieces:
            file.write(piece)
    return path


class Folder:
    """A folder that takes the files which an action gives, each under a name that no file there has."""

    def __init__(self, path: Path, *, largest: int) -> None:
        self._path = path
        self._largest = largest
        self._kept: dict[str, dict[str, Any]] = {}

    @property
    def kept(self) -> list[dict[str, Any]]:
        """What was written: name, path, size in bytes, sha256."""
        return list(self._kept.values())

    async def keep(self, name: str, content: bytes | AsyncIterable[bytes]) -> dict[str, Any]:
        """Write a file once for each name and return a reference to it; ActionError for one that is too large."""
        name = safe_name(name)
        if name not in self._kept:
            try:
                self._path.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise _unwritable(self._path, error) from error
            self._kept[name] = await self._write(name, free_path(self._path, name), content)
        return dict(self._kept[name])

    async def _write(self, name: str, path: Path, content: bytes | AsyncIterable[bytes]) -> dict[str, Any]:
        digest, size = hashlib.sha256(), 0
        with new_file(path) as file:
            async for piece in _pieces(content):
                size += len(piece)
                if size > self._largest:
                    message = f"The file {name} is larger than {self._largest} bytes."
                    advice = "Raise RINGFENCE_ATTACHMENT_LIMIT, or fetch it from Defender's portal."
                    raise ActionError(message, code="too-large", permanent=True, advice=advice)
                digest.update(piece)
                file.write(piece)
        return {"name": name, "path": str(path), "size": size, "sha256": digest.hexdigest()}


async def _pieces(content: bytes | AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    async for piece in content:
        yield piece


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
