"""Sealing of secrets: AES-256-GCM with a key for each organization, derived from the installation's master key.

A sealed text is `v1:keyid:nonce:ciphertext` and opens only for the organization and purpose that it was sealed for, so
that a row copied to another place is useless there. The key file holds one master key a line (base64, 32 bytes); the last
line seals, every line opens, and so a new line begins a rotation. Nothing here logs.
"""

import binascii
import hashlib
import hmac
import json
import os
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ringfence.errors import Misconfigured

KEY_FILE: Final = "master.key"
KEY_BYTES: Final = 32
_VERSION: Final = "v1"
_NONCE_BYTES: Final = 12


class Unopenable(Misconfigured):
    """A sealed secret cannot be opened with the keys at hand."""

    code = "unopenable_secret"


class Vault:
    """Seal and open secrets; `source` is the data folder that holds, or will hold, the key file, or a master key itself."""

    def __init__(self, source: Path | bytes) -> None:
        masters = (_checked(source, "The master key"),) if isinstance(source, bytes) else _from_folder(source)
        self._masters = {_key_id(master): master for master in masters}
        self._sealing = _key_id(masters[-1])

    def seal(self, organization_id: str, purpose: str, text: str) -> str:
        """Return `text` sealed for one organization and one purpose (`account-secret`, …)."""
        nonce = os.urandom(_NONCE_BYTES)
        key = AESGCM(self._key(self._sealing, organization_id))
        sealed = key.encrypt(nonce, text.encode(), _bound(self._sealing, organization_id, purpose))
        return ":".join((_VERSION, self._sealing, _to_text(nonce), _to_text(sealed)))

    def open(self, organization_id: str, purpose: str, sealed: str) -> str:
        """Return what was sealed; Unopenable if key, organization, purpose or the text itself is not the same."""
        version, _, rest = sealed.partition(":")
        key_id, _, rest = rest.partition(":")
        nonce, _, body = rest.partition(":")
        if version != _VERSION or not body:
            raise Unopenable(
                "A stored secret is not in a form that this release knows.",
                advice="Use the release that stored it, or enter the secret again.",
            )
        if key_id not in self._masters:
            raise Unopenable(
                f"A stored secret was sealed with the master key {key_id}, which this installation does not have.",
                advice=f"Put the {KEY_FILE} that belongs to this database back into the data folder, "
                "or enter the secret again.",
            )
        key = AESGCM(self._key(key_id, organization_id))
        try:
            opened = key.decrypt(_to_bytes(nonce), _to_bytes(body), _bound(key_id, organization_id, purpose))
        except (InvalidTag, ValueError):
            raise Unopenable(
                "A stored secret was changed, or copied from another place.", advice="Enter the secret again."
            ) from None
        return opened.decode()

    def sign(self, purpose: str, text: str) -> str:
        """Return `keyid.mac` in hex, by which `signed` knows that this installation wrote `text` for this purpose."""
        return f"{self._sealing}.{self._mac(self._sealing, purpose, text)}"

    def signed(self, purpose: str, text: str, signature: str) -> bool:
        """Tell, in constant time, whether a signature is ours, by any key of the key file."""
        return any(
            hmac.compare_digest(f"{key_id}.{self._mac(key_id, purpose, text)}".encode(), signature.encode())
            for key_id in self._masters
        )

    def _mac(self, key_id: str, purpose: str, text: str) -> str:
        info = f"ringfence {_VERSION} signature {purpose}".encode()
        key = HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=info).derive(self._masters[key_id])
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    def _key(self, key_id: str, organization_id: str) -> bytes:
        info = f"ringfence {_VERSION} organization {organization_id}".encode()
        return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=info).derive(self._masters[key_id])


def _key_id(master: bytes) -> str:
    return hashlib.blake2b(master, digest_size=4, person=b"ringfence-key-id").hexdigest()


def _bound(key_id: str, organization_id: str, purpose: str) -> bytes:
    return json.dumps([_VERSION, key_id, organization_id, purpose]).encode()


def _to_text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _to_bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _checked(master: bytes, name: str) -> bytes:
    if len(master) != KEY_BYTES:
        raise Misconfigured(
            f"{name} has {len(master)} bytes instead of {KEY_BYTES}.",
            advice="Restore the key from a backup; without it, stored secrets must be entered again.",
        )
    return master


def _from_folder(folder: Path) -> tuple[bytes, ...]:
    path = folder / KEY_FILE
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
    masters = tuple(_decoded(line, path) for line in content.split())
    if not masters:
        raise Misconfigured(
            f"The key file {path} is empty.",
            advice="Restore it from a backup; if nothing was sealed yet, remove it and start again.",
        )
    return masters


def _decoded(line: bytes, path: Path) -> bytes:
    try:
        master = binascii.a2b_base64(line, strict_mode=True)
    except binascii.Error:
        raise Misconfigured(
            f"The key file {path} holds a line that is not base64.", advice="Restore the file from a backup."
        ) from None
    return _checked(master, f"A key in the key file {path}")


def _create(path: Path) -> None:
    """Write a new key file in full, then give it its name: a process that starts at the same moment sees all or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(b64encode(os.urandom(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        # Somebody else was first: theirs is the key.
        return
    finally:
        draft.unlink(missing_ok=True)
