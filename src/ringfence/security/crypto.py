"""Sealing of secrets: AES-256-GCM with a data key for each organization, which is kept wrapped under the master key.

A sealed text is `v2:keyid:nonce:ciphertext` and opens only for the organization and purpose (`account-secret:ID`: the column and
the row) that it was sealed for, so that a text copied to another place is useless there. What an earlier release sealed is
`v1:masterid:…`, by a key that is derived from the master key; so is what belongs to no organization. Nothing here logs.
"""

import hashlib
import hmac
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ringfence.security import keyring, masters
from ringfence.security.keyring import Unopenable
from ringfence.security.masters import KEY_BYTES, KEY_FILE, Masters, Source
from ringfence.storage import Database

__all__ = ["KEY_BYTES", "KEY_FILE", "Unopenable", "Vault", "key_of"]

_DERIVED: Final = "v1"
_WRAPPED: Final = "v2"
_NONCE_BYTES: Final = 12


class Vault:
    """Seal and open secrets; `source` is where the master keys come from, a data folder with a key file, or a key itself.

    Without a database there are no data keys: everything is sealed by keys derived from the master key. With one, a call joins
    the transaction that its thread is in.
    """

    def __init__(self, source: Source | Path | bytes, database: Database | None = None) -> None:
        if isinstance(source, Path):
            source = masters.key_file(source / KEY_FILE)
        elif isinstance(source, bytes):
            source = masters.given(source)
        self.masters = Masters(source)
        self._database = database

    def seal(self, organization_id: str, purpose: str, text: str) -> str:
        """Return `text` sealed for one organization and one purpose; the first call for an organization makes its key."""
        if self._database is None:
            return self.seal_apart(organization_id, purpose, text)
        with self._database.joined(writing=True) as tx:
            key = keyring.active(tx, self.masters, organization_id)
        return _sealed(_WRAPPED, key.id, key.secret, organization_id, purpose, text)

    def seal_apart(self, owner: str, purpose: str, text: str) -> str:
        """Return `text` sealed for an owner that is no organization of the database, by a key derived from the master key."""
        newest = self.masters.newest
        return _sealed(_DERIVED, newest, self._derived(newest, owner), owner, purpose, text)

    def open(self, organization_id: str, purpose: str, sealed: str) -> str:
        """Return what was sealed; Unopenable if key, organization, purpose or the text itself is not the same."""
        version, _, rest = sealed.partition(":")
        key_id, _, rest = rest.partition(":")
        nonce, _, body = rest.partition(":")
        if not body or version not in (_DERIVED, _WRAPPED) or (version == _WRAPPED and self._database is None):
            raise Unopenable(
                "A stored secret is not in a form that this release knows.",
                advice="Use the release that stored it, or enter the secret again.",
            )
        if version == _DERIVED:
            secret = self._derived(key_id, organization_id)
        else:
            assert self._database is not None
            with self._database.joined() as tx:
                secret = keyring.find(tx, self.masters, organization_id, key_id)
        try:
            opened = AESGCM(secret).decrypt(
                _to_bytes(nonce), _to_bytes(body), _bound(version, key_id, organization_id, purpose)
            )
        except (InvalidTag, ValueError):
            raise Unopenable(
                "A stored secret was changed, or copied from another place.", advice="Enter the secret again."
            ) from None
        return opened.decode()

    def sign(self, purpose: str, text: str) -> str:
        """Return `keyid.mac` in hex, by which `signed` knows that this installation wrote `text` for this purpose."""
        newest = self.masters.newest
        return f"{newest}.{self._mac(newest, purpose, text)}"

    def signed(self, purpose: str, text: str, signature: str) -> bool:
        """Tell, in constant time, whether a signature is ours, by any master key at hand."""
        return any(
            hmac.compare_digest(f"{key_id}.{self._mac(key_id, purpose, text)}".encode(), signature.encode())
            for key_id in self.masters.ids
        )

    def _mac(self, key_id: str, purpose: str, text: str) -> str:
        key = self._derive(key_id, f"ringfence {_DERIVED} signature {purpose}")
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    def _derived(self, key_id: str, owner: str) -> bytes:
        return self._derive(key_id, f"ringfence {_DERIVED} organization {owner}")

    def _derive(self, key_id: str, info: str) -> bytes:
        master = self.masters.get(key_id)
        if master is None:
            raise Unopenable(
                f"A stored secret was sealed with the master key {key_id}, which this installation does not have.",
                advice=f"Put the {KEY_FILE} that belongs to this database back into the data folder, "
                "or enter the secret again.",
            )
        return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=info.encode()).derive(master)


def key_of(sealed: str) -> str:
    """Return the name of the key that sealed a text: of an organization's key, or of a master key where it is derived."""
    return sealed.split(":", 2)[1] if sealed.count(":") >= 2 else ""


def _sealed(version: str, key_id: str, secret: bytes, owner: str, purpose: str, text: str) -> str:
    nonce = os.urandom(_NONCE_BYTES)
    body = AESGCM(secret).encrypt(nonce, text.encode(), _bound(version, key_id, owner, purpose))
    return ":".join((version, key_id, _to_text(nonce), _to_text(body)))


def _bound(version: str, key_id: str, organization_id: str, purpose: str) -> bytes:
    return json.dumps([version, key_id, organization_id, purpose]).encode()


def _to_text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _to_bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
