import hashlib
import io
import json
import zipfile
from base64 import b64decode
from pathlib import Path

import pytest

from audit_chain import write_some
from containment_rows import rows_in
from ringfence.audit import heads, log
from ringfence.audit.canonical import canonical
from ringfence.audit.heads import Signer
from ringfence.containment import proof_package
from ringfence.errors import NotFound
from ringfence.storage import Database


def test_the_package_proves_itself_part_by_part(database: Database, tmp_path: Path) -> None:
    rows = rows_in(database)
    asked = rows.request()
    signer = Signer(tmp_path)
    made = database.run_now(lambda tx: proof_package.make(tx, rows.organization_id, asked.id, signer, by="auditor"))
    assert made.name.startswith(f"containment-{'a' * 40}-2026-09-21-")
    with zipfile.ZipFile(io.BytesIO(made.content)) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    manifest = json.loads(parts.pop("manifest.json"))
    assert {each["name"]: each["sha256"] for each in manifest["parts"]} == {
        name: hashlib.sha256(content).hexdigest() for name, content in parts.items()
    }
    signature = b64decode(manifest.pop("signature"))
    public = heads.read_public(parts["audit-key.pem"].decode())
    public.verify(signature, canonical(manifest).encode())
    document = json.loads(parts["proof.json"])
    assert document["audit"]["signed_head"]["key"] == heads.key_id(public)
    lines = parts["audit.jsonl"].decode().splitlines()
    assert [json.loads(line).get("event") for line in lines] == ["containment:requested", None]
    entry = json.loads(lines[0])
    bare = {name: value for name, value in entry.items() if name != "hash"}
    assert hashlib.sha256(canonical(bare).encode()).hexdigest() == entry["hash"]
    assert heads.is_genuine(heads.SignedHead.of(lines[-1]), public)


def test_that_it_was_taken_is_written_down_with_its_hash(database: Database, tmp_path: Path) -> None:
    rows = rows_in(database)
    write_some(database, rows.organization_id, 1)
    asked = rows.request()
    made = database.run_now(
        lambda tx: proof_package.make(tx, rows.organization_id, asked.id, Signer(tmp_path), by="auditor")
    )
    with zipfile.ZipFile(io.BytesIO(made.content)) as file:
        digest = hashlib.sha256(file.read("proof.json")).hexdigest()
    last = database.read_now(lambda tx: log.listing(tx, rows.organization_id, limit=1)).entries[0]
    assert (last.event, last.actor, last.facts) == ("containment:proof_taken", "auditor", {"sha256": digest})


def test_a_name_of_a_file_holds_nothing_of_a_hostile_host(database: Database, tmp_path: Path) -> None:
    rows = rows_in(database)
    asked = rows.request("wks-001.contoso.com")
    made = database.run_now(
        lambda tx: proof_package.make(tx, rows.organization_id, asked.id, Signer(tmp_path), by="auditor")
    )
    assert made.name.startswith("containment-wks-001.contoso.com-")
    with pytest.raises(NotFound):
        database.run_now(lambda tx: proof_package.make(tx, "another", asked.id, Signer(tmp_path), by="auditor"))
