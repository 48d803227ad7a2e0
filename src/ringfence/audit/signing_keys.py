"""Give the heads of the audit log a new key: what the old one signed stays provable by its public part, which is kept.

The old public key is written beside the new key before that takes its place, so that whatever breaks a rotation off leaves
every signature provable. Whoever signs looks for a new key each time.
"""

import fcntl
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ringfence.audit import heads, log
from ringfence.audit.events import Event
from ringfence.audit.heads import KEY_FILE, OLDER_FILE, Signer
from ringfence.errors import Misconfigured
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import audit_heads

_LOCK: Final = ".audit.key.lock"


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The id of the key that signs, since when it does, and the ids of those that did before, the oldest first."""

    key: str
    since: datetime
    older: tuple[str, ...]


def show(folder: Path) -> SigningKeys:
    """Return which keys sign and have signed; the first one is made where there is none."""
    signer = Signer(folder)
    since = datetime.fromtimestamp((folder / KEY_FILE).stat().st_mtime, UTC)
    return SigningKeys(heads.key_id(signer.public), since, tuple(heads.key_id(each) for each in signer.older))


def rotate(database: Database, folder: Path) -> SigningKeys:
    """Sign with a new key from now on, and write that down in each organization's log; Misconfigured if it cannot be made."""
    signer = Signer(folder)
    try:
        with (folder / _LOCK).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            before = signer.public
            draft, public = heads.drafted(folder / KEY_FILE)
            try:
                _keep(folder, before)
                said = {"key": heads.key_id(public), "before": heads.key_id(before)}

                def work(tx: Transaction) -> None:
                    for row in tx.all(sa.select(audit_heads.c.organization_id).order_by(audit_heads.c.organization_id)):
                        log.write(tx, Event.AUDIT_KEY_ROTATED, row["organization_id"], said["key"], details=said)

                # First it is written down: what cannot be written down is not done.
                database.run_now(work)
                draft.replace(folder / KEY_FILE)
            finally:
                draft.unlink(missing_ok=True)
    except OSError as error:
        raise Misconfigured(
            f"The audit key cannot be changed: {error.strerror}.",
            advice="Let the user that Ringfence runs as own the data folder.",
        ) from error
    return show(folder)


def _keep(folder: Path, public: Ed25519PublicKey) -> None:
    if heads.key_id(public) in {heads.key_id(each) for each in heads.older_keys(folder)}:
        return
    descriptor = os.open(folder / OLDER_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    with os.fdopen(descriptor, "ab") as file:
        file.write(heads.pem(public).encode())
        file.flush()
        os.fsync(file.fileno())
