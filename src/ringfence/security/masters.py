"""Where the master keys come from: a file, the environment, or what a command prints (the helper of a key service).

A source gives base64 keys of 32 bytes, separated by white space or commas. The last one wraps, every one unwraps. Only a file is
written by us; with the others, whoever runs the installation adds and takes away keys.
"""

import binascii
import fcntl
import hashlib
import os
import shlex
import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ringfence import clock
from ringfence.errors import Conflict, Misconfigured
from ringfence.settings import Settings

KEY_FILE: Final = "master.key"
KEY_BYTES: Final = 32
COMMAND_SECONDS: Final = 30.0
_RESTORE: Final = "Restore the key from a backup; without it, stored secrets must be entered again."


def key_id(master: bytes) -> str:
    """Return the name of a master key, by which nobody can find the key."""
    return hashlib.blake2b(master, digest_size=4, person=b"ringfence-key-id").hexdigest()


def generate() -> str:
    """Return a new master key as it stands in a file, a variable or a key service."""
    return b64encode(os.urandom(KEY_BYTES)).decode()


@dataclass(frozen=True, slots=True)
class Source:
    """What gives the keys, in words for people; `path` is the file where it is one."""

    words: str
    read: Callable[[], tuple[bytes, ...]] = field(repr=False)
    path: Path | None = None


def given(master: bytes) -> Source:
    """Return a source of one key that is at hand."""
    checked = _checked(master, "The master key")
    return Source("a key at hand", lambda: (checked,))


def key_file(path: Path) -> Source:
    """Return a file as the source; it is made where there is none."""
    return Source(f"the key file {path}", lambda: _from_file(path), path)


def variable(text: str) -> Source:
    """Return the value of an environment variable as the source."""
    words = "the environment variable RINGFENCE_MASTER_KEY"
    return Source(words, lambda: _decoded(text.encode(), words))


def command(line: str) -> Source:
    """Return what a command prints as the source; it is run without a shell."""
    words = "the command RINGFENCE_MASTER_KEY_COMMAND"
    return Source(words, lambda: _decoded(_printed(line), words))


def of(settings: Settings) -> Source:
    """Return the source that the settings name, the key file in the data folder if none; Misconfigured if several."""
    named = {
        "RINGFENCE_MASTER_KEY": settings.master_key,
        "RINGFENCE_MASTER_KEY_COMMAND": settings.master_key_command,
        "RINGFENCE_MASTER_KEY_FILE": settings.master_key_file,
    }
    set_ = [name for name, value in named.items() if value is not None]
    if len(set_) > 1:
        raise Misconfigured(
            f"The master key is to come from several places: {', '.join(set_)}.", advice="Keep one of these settings."
        )
    if settings.master_key is not None:
        return variable(settings.master_key.get_secret_value())
    if settings.master_key_command is not None:
        return command(settings.master_key_command)
    return key_file(settings.master_key_file or settings.data / KEY_FILE)


class Masters:
    """The keys of a source, read again when one is asked for that is not known: another process may have added it."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._keys: dict[str, bytes] = {}
        self._seen: tuple[int, int] | None = None
        self.reload()

    def reload(self) -> None:
        """Read the source again; Misconfigured if it gives no usable key."""
        keys = self.source.read()
        self._seen = self._stamp()
        self._keys = {key_id(master): master for master in keys}

    @property
    def ids(self) -> tuple[str, ...]:
        """The names of all keys, the one that wraps last."""
        if self._stamp() != self._seen:
            # Somebody has added a key, or taken one away.
            self.reload()
        return tuple(self._keys)

    @property
    def newest(self) -> str:
        """The name of the key that wraps."""
        return self.ids[-1]

    def get(self, master_id: str) -> bytes | None:
        """Return a key, None where the source does not have it."""
        if master_id not in self._keys:
            self.reload()
        return self._keys.get(master_id)

    def _stamp(self) -> tuple[int, int] | None:
        try:
            found = self.source.path.stat() if self.source.path is not None else None
        except OSError:
            # What is in memory still opens; whoever reads the file next is told.
            return self._seen
        return (found.st_ino, found.st_mtime_ns) if found is not None else None

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Let nobody else change the key file meanwhile; Conflict if somebody is at it."""
        path = self.source.path
        if path is None:
            yield
            return
        with path.with_name(f"{path.name}.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise Conflict(
                    "Somebody is changing the master keys at this moment.",
                    advice="Wait for them to end, then look again.",
                ) from None
            self.reload()
            yield

    def add(self) -> str:
        """Put a new key at the end of the key file and return its name; inside `changing` only."""
        self._write([*self._keys.values(), os.urandom(KEY_BYTES)])
        return self.newest

    def remove(self, master_id: str) -> None:
        """Take a key out of the key file; inside `changing` only."""
        self._write([master for name, master in self._keys.items() if name != master_id])

    def _write(self, keys: list[bytes]) -> None:
        path = self.source.path
        if path is None:
            raise Misconfigured(
                f"The master keys come from {self.source.words}, which Ringfence cannot change.",
                advice="Add the new key there, after the old one: `ringfence keys generate` prints one.",
            )
        draft = _drafted(path, keys)
        try:
            os.replace(draft, path)
            _flush_folder(path.parent)
        finally:
            draft.unlink(missing_ok=True)
        self.reload()


def _checked(master: bytes, name: str) -> bytes:
    if len(master) != KEY_BYTES:
        raise Misconfigured(f"{name} has {len(master)} bytes instead of {KEY_BYTES}.", advice=_RESTORE)
    return master


def _decoded(content: bytes, name: str) -> tuple[bytes, ...]:
    keys: list[bytes] = []
    for line in content.replace(b",", b" ").split():
        try:
            keys.append(_checked(binascii.a2b_base64(line, strict_mode=True), f"A key in {name}"))
        except binascii.Error:
            raise Misconfigured(
                f"There is something that is not base64 in {name}.",
                advice="Restore the key from a backup; `ringfence keys generate` prints one for a new installation.",
            ) from None
    if not keys:
        raise Misconfigured(
            f"There is no key in {name}: it is empty.",
            advice="Restore it from a backup; if nothing was sealed yet, begin with a new one: `ringfence keys generate`.",
        )
    return tuple(keys)


def _printed(line: str) -> bytes:
    try:
        done = subprocess.run(
            shlex.split(line), stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_SECONDS, check=False
        )
    except (OSError, ValueError) as error:
        raise Misconfigured(
            "The command that gives the master key cannot be run.", advice="Correct RINGFENCE_MASTER_KEY_COMMAND."
        ) from error
    except subprocess.TimeoutExpired:
        raise Misconfigured(
            f"The command that gives the master key did not end within {COMMAND_SECONDS:g} seconds.",
            advice="Run it by hand, as the user that Ringfence runs as.",
        ) from None
    if done.returncode:
        # What it printed may hold a key.
        raise Misconfigured(
            f"The command that gives the master key ended with status {done.returncode}.",
            advice="Run it by hand, as the user that Ringfence runs as.",
        )
    return done.stdout


def _from_file(path: Path) -> tuple[bytes, ...]:
    try:
        if not path.exists():
            _create(path)
        # Looked at and read through one descriptor, so that both are about the same file.
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read()
    except OSError as error:
        raise Misconfigured(
            f"The key file {path} cannot be read or made: {error.strerror}.",
            advice="Let the user that Ringfence runs as own the data folder and the key file.",
        ) from error
    if mode & 0o027:
        raise Misconfigured(
            f"The key file {path} can be read by others or changed by its group (mode {mode & 0o777:o}).",
            advice=f"Run `chmod 600 {path}`, and consider the secrets sealed with it as known to others.",
        )
    return _decoded(content, f"the key file {path}")


def _create(path: Path) -> None:
    """Write a new key file in full, then give it its name: a process that starts at the same moment sees all or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = _drafted(path, [os.urandom(KEY_BYTES)])
    try:
        os.link(draft, path)
    except FileExistsError:
        # Somebody else was first: theirs is the key.
        return
    finally:
        draft.unlink(missing_ok=True)


def _drafted(path: Path, keys: list[bytes]) -> Path:
    draft = path.with_name(f".{path.name}.{clock.new_id()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.writelines(b64encode(each) + b"\n" for each in keys)
        file.flush()
        os.fsync(file.fileno())
    return draft


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
