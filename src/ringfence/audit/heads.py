"""Signed heads: the newest entry of a chain, signed and kept outside the database, so that a rewritten chain is found.

Whoever can write the database could rewrite a whole chain; they cannot make it end in a head that was signed before. The key
(Ed25519) is `audit.key` in the data folder, the heads are lines of JSON; see `witnesses` for where they go.
"""

import base64
import binascii
import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from ringfence import clock
from ringfence.audit.canonical import canonical
from ringfence.audit.log import Head
from ringfence.errors import Invalid, Misconfigured

KEY_FILE: Final = "audit.key"
OLDER_FILE: Final = "audit-keys.pem"
"""Public keys of those that signed before, one after the other."""
HEADS_FILE: Final = "audit-heads.jsonl"
KIND: Final = "ringfence.audit.head/1"
_LONGEST_LINE: Final = 2_000


@dataclass(frozen=True, slots=True)
class SignedHead:
    """The newest entry of a chain at a moment; `key` names the key, `signature` is base64 over canonical JSON of the rest."""

    organization_id: str
    number: int
    hash: str
    signed_at: str
    key: str
    signature: str

    def line(self) -> str:
        """Return it as a line of a heads file."""
        return canonical({"kind": KIND, **asdict(self)})

    @classmethod
    def of(cls, line: str) -> "SignedHead":
        """Read a line of a heads file, or of what a syslog server wrote down; Invalid if it is none."""
        try:
            if len(line) > _LONGEST_LINE:
                raise ValueError("too long")
            # Before the document there is what a syslog server adds.
            document = json.loads(line[line.index("{") :])
            if document.pop("kind") != KIND:
                raise ValueError("of another kind")
            found = cls(**document)
            if not isinstance(found.number, int) or not isinstance(found.hash, str):
                raise ValueError("of other types")
            return found
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise Invalid(
                "A line of the heads file is no signed head.", advice="Give the file as Ringfence wrote it."
            ) from error


class Signer:
    """Signs heads with the key of the data folder, which is made where there is none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: tuple[tuple[int, int], Ed25519PrivateKey] | None = None
        _ = self._private

    @property
    def _private(self) -> Ed25519PrivateKey:
        """The key as it is now: another process may have put a new one in its place."""
        path = self._folder / KEY_FILE
        try:
            if not path.exists():
                _create(path)
            found = path.stat()
            stamp = (found.st_mtime_ns, found.st_ino)
            if self._read is not None and self._read[0] == stamp:
                return self._read[1]
            private = load_pem_private_key(path.read_bytes(), password=None)
        except (OSError, ValueError, TypeError) as error:
            raise Misconfigured(
                f"The audit key {path} cannot be read or made.",
                advice="Let the user that Ringfence runs as own the data folder, or restore the key from a backup.",
            ) from error
        if not isinstance(private, Ed25519PrivateKey):
            raise Misconfigured(f"The audit key {path} is no Ed25519 key.", advice="Restore it from a backup.")
        self._read = (stamp, private)
        return private

    @property
    def public(self) -> Ed25519PublicKey:
        """The key that proves the signatures."""
        return self._private.public_key()

    @property
    def older(self) -> tuple[Ed25519PublicKey, ...]:
        """The keys that prove what was signed before the key was changed, the oldest first."""
        return older_keys(self._folder)

    def sign(self, head: Head) -> SignedHead:
        """Return a head with the present time and our signature."""
        private = self._private
        bare = SignedHead(
            organization_id=head.organization_id,
            number=head.number,
            hash=head.hash,
            signed_at=clock.iso(clock.now()),
            key=key_id(private.public_key()),
            signature="",
        )
        signature = base64.b64encode(private.sign(_signed(bare))).decode()
        return SignedHead(**{**asdict(bare), "signature": signature})

    def sign_text(self, text: str) -> str:
        """Return our signature over a text's UTF-8, as base64."""
        return base64.b64encode(self._private.sign(text.encode())).decode()


def is_genuine(head: SignedHead, public: Ed25519PublicKey) -> bool:
    """Say whether this key signed the head."""
    try:
        public.verify(base64.b64decode(head.signature, validate=True), _signed(head))
    except (InvalidSignature, binascii.Error, ValueError, TypeError):
        return False
    return True


def key_id(public: Ed25519PublicKey) -> str:
    """Return the name of a key: the beginning of its SHA-256."""
    return hashlib.sha256(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def pem(public: Ed25519PublicKey) -> str:
    """Return a public key as PEM."""
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def read_public(text: str) -> Ed25519PublicKey:
    """Read a public key from PEM; Invalid if it is none."""
    try:
        found = load_pem_public_key(text.encode())
    except ValueError as error:
        raise Invalid("This is no public key in PEM.", advice="Give what `ringfence audit key` printed.") from error
    if not isinstance(found, Ed25519PublicKey):
        raise Invalid("This is no Ed25519 key.", advice="Give what `ringfence audit key` printed.")
    return found


def older_keys(folder: Path) -> tuple[Ed25519PublicKey, ...]:
    """Return the public keys that a data folder keeps of keys that signed before; Misconfigured if they cannot be read."""
    try:
        text = (folder / OLDER_FILE).read_text(encoding="ascii")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{folder / OLDER_FILE} cannot be read.", advice="Restore it from a backup.") from error
    end = "-----END PUBLIC KEY-----"
    # A rotation that was broken off may have left a part of one.
    return tuple(read_public(f"{each.lstrip()}{end}\n") for each in text.split(end)[:-1])


def read(lines: Iterable[str], organization_id: str | None = None) -> list[SignedHead]:
    """Read the heads of a file, of one organization or of all; Invalid at a line that is none."""
    found = [SignedHead.of(line) for line in lines if line.strip()]
    return [head for head in found if organization_id in (None, head.organization_id)]


def kept(path: Path, organization_id: str | None = None) -> list[SignedHead]:
    """Read an organization's heads, or all, from a file, none where there is no file; Invalid if it cannot be read."""
    try:
        return read(path.read_text(encoding="utf-8").splitlines(), organization_id)
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid("The signed heads cannot be read.", advice=f"Look at {path}.") from error


def _signed(head: SignedHead) -> bytes:
    document = {"kind": KIND, **asdict(head)}
    del document["signature"]
    return canonical(document).encode()


def _create(path: Path) -> None:
    """Write a new key in full, then give it its name: of two processes that start at once, the first one's stays."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft, _ = drafted(path)
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink(missing_ok=True)


def drafted(path: Path) -> tuple[Path, Ed25519PublicKey]:
    """Write a new key in full beside where it belongs, for its owner only; return where it is and what proves it."""
    private = Ed25519PrivateKey.generate()
    draft = path.with_name(f".{path.name}.{clock.new_id()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(file.fileno())
    return draft, private.public_key()
