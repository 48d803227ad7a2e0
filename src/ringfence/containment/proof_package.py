"""The proof of a containment as one file: JSON, a page to read, its audit entries with the signed head, and a manifest."""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ringfence.audit import heads, log
from ringfence.audit.canonical import canonical
from ringfence.audit.events import Event
from ringfence.audit.heads import Signer
from ringfence.containment import proof, proof_page
from ringfence.storage import Transaction

MANIFEST: Final = "ringfence.containment.proof.manifest/1"


@dataclass(frozen=True, slots=True)
class Package:
    """A ZIP file and the name that it should have."""

    name: str
    content: bytes


def make(tx: Transaction, organization_id: str, containment_id: str, signer: Signer, *, by: str) -> Package:
    """Return the package, and write down that it was taken; NotFound where the organization has no such containment."""
    document = proof.document(tx, organization_id, containment_id, by=by)
    head = log.head(tx, organization_id)
    lines = [canonical(entry) for entry in document["audit"]["entries"]]
    if head is not None:
        signed = signer.sign(head)
        document["audit"]["signed_head"] = json.loads(signed.line())
        lines.append(signed.line())
    parts = {
        "proof.json": proof.written(document),
        "proof.html": proof_page.render(document).encode("utf-8", "backslashreplace"),
        "audit.jsonl": "".join(f"{line}\n" for line in lines).encode(),
        "audit-key.pem": heads.pem(signer.public).encode(),
    }
    parts["manifest.json"] = _manifest(document, parts, signer)
    said = {"sha256": hashlib.sha256(parts["proof.json"]).hexdigest()}
    log.write(tx, Event.CONTAINMENT_PROVEN, organization_id, containment_id, details=said, actor=by)
    return Package(_name(document), _zipped(parts, document["made_at"]))


def _manifest(document: Mapping[str, Any], parts: Mapping[str, bytes], signer: Signer) -> bytes:
    bare = {
        "kind": MANIFEST,
        "containment": document["containment"]["id"],
        "made_at": document["made_at"],
        "made_by": document["made_by"],
        "parts": [
            {"name": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in parts.items()
        ],
        "key": heads.key_id(signer.public),
    }
    return json.dumps({**bare, "signature": signer.sign_text(canonical(bare))}, indent=2).encode()


def _zipped(parts: Mapping[str, bytes], made_at: str) -> bytes:
    at = datetime.fromisoformat(made_at)
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            info = zipfile.ZipInfo(name, (max(at.year, 1980), at.month, at.day, at.hour, at.minute, at.second))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            file.writestr(info, content)
    return written.getvalue()


def _name(document: Mapping[str, Any]) -> str:
    row = document["containment"]
    host = re.sub(r"[^a-z0-9.-]+", "-", str(row["machine_name"] or row["target"]).lower()).strip("-.")[:60]
    return f"containment-{host or 'host'}-{row['requested_at'][:10]}-{row['id'][:13]}.zip"
