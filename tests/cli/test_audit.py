import json
from pathlib import Path

import sqlalchemy as sa

from cli_world import Ringfence
from contoso import Contoso
from ringfence.audit.heads import Signer
from ringfence.audit.log import Head
from ringfence.audit.witnesses import append
from ringfence.settings import Settings
from ringfence.storage.tables import audit_entries, audit_heads


def _did_something(ringfence: Ringfence) -> None:
    machine = ringfence.tenant.find_machine("wks-001")
    assert machine is not None
    ringfence("containment", "contain", machine.id, "--reason", "Test", "--by", "asmith")


def test_what_was_done_is_listed_with_who_did_it_and_by_which_way(ringfence: Ringfence, contoso: Contoso) -> None:
    _did_something(ringfence)
    (entry,) = ringfence.json("audit", "list", "--event", "containment:requested")["items"]
    assert (entry["actor"], entry["via"], entry["subject"]) == ("asmith", "command", "containment")
    assert entry["details"]["detail"] == "Requested by asmith: Test"
    assert entry["sentence"] == "A host was asked to be contained."
    lines = ringfence("audit", "list", "--actor", "asmith").stdout.splitlines()
    assert lines[0].split() == ["number", "when", "who", "by", "way", "of", "event", "subject"]
    assert "containment:requested" in lines[1]
    page = ringfence.json("audit", "list", "--limit", "1")
    assert page["next"] == page["items"][0]["number"] or page["next"] is None
    assert "no event" in ringfence.error("audit", "list", "--event", "nonsense")["message"]


def test_the_chain_is_checked_and_a_changed_entry_is_named_with_status_1(
    ringfence: Ringfence, contoso: Contoso
) -> None:
    _did_something(ringfence)
    assert ringfence.json("audit", "verify")["sound"] is True
    assert ringfence("audit", "verify").stdout.startswith("ok: ")
    ringfence("audit", "head")
    assert ringfence.json("audit", "verify")["signed_heads"] == 1
    with ringfence.open(ringfence.opened[-1]).database.transaction() as tx:
        tx.execute(sa.update(audit_entries).where(audit_entries.c.number == 1).values(actor="nobody"))
    said = ringfence.json("audit", "verify", status=1)
    assert [(each["fault"], each["number"]) for each in said["problems"]] == [("changed", 1)]
    told = ringfence("audit", "verify", status=1)
    assert "FAILED: 1 problem in " in told.stdout
    assert "Entry 1 was changed" in told.stdout
    assert "find out who can write to the database" in told.stderr


def test_an_export_proves_itself_with_the_public_key_alone(
    ringfence: Ringfence, contoso: Contoso, tmp_path: Path
) -> None:
    _did_something(ringfence)
    file, key = tmp_path / "audit.jsonl", tmp_path / "key.pem"
    said = ringfence.json("audit", "export", "-o", str(file))
    lines = file.read_text().splitlines()
    assert said["entries"] == len(lines) - 1
    assert json.loads(lines[-2])["event"] == "audit:exported"
    key.write_text(ringfence("audit", "key").stdout)
    assert ringfence.json("audit", "verify", "--file", str(file), "--key", str(key))["sound"] is True
    file.write_text(file.read_text().replace("asmith", "nobody"))
    assert ringfence.json("audit", "verify", "--file", str(file), "--key", str(key), status=1)["sound"] is False
    assert ringfence("audit", "export").stdout.splitlines()[0] == lines[0]
    assert ringfence.json("audit", "key")["pem"] == key.read_text()


def test_a_head_can_be_written_elsewhere_and_checked_against(
    ringfence: Ringfence, contoso: Contoso, tmp_path: Path
) -> None:
    _did_something(ringfence)
    path = tmp_path / "heads.jsonl"
    line = ringfence("audit", "head", "-o", str(path)).stdout
    assert path.read_text() == line
    assert ringfence.json("audit", "head", "-o", str(path))["number"] == json.loads(line)["number"]
    assert ringfence.json("audit", "verify", "--heads", str(path))["signed_heads"] == 2
    assert "cannot be read" in ringfence.error("audit", "verify", "--heads", str(tmp_path / "none"))["message"]
    assert "cannot be written" in ringfence.error("audit", "export", "-o", str(tmp_path))["message"]
    assert "cannot be written" in ringfence.error("audit", "head", "-o", str(tmp_path))["message"]


def test_a_part_is_exported_by_filters_also_for_a_spreadsheet(
    ringfence: Ringfence, contoso: Contoso, tmp_path: Path
) -> None:
    _did_something(ringfence)
    file = tmp_path / "audit.csv"
    wanted = ("--event", "containment", "--actor", "asmith", "--since", "2020-01-01", "--until", "2199-01-01T00:00Z")
    assert ringfence.json("audit", "export", "--format", "csv", *wanted, "-o", str(file))["entries"] == 1
    head, row = file.read_text().splitlines()
    assert head.startswith("organization_id,number,at,actor,")
    assert "containment:requested" in row
    assert json.loads(ringfence("audit", "export", *wanted).stdout)["actor"] == "asmith"
    assert ringfence.json("audit", "export", "--until", "2020-01-01", "-o", str(file))["entries"] == 0
    assert ringfence.json("audit", "list", "--since", "2199-01-01")["items"] == []
    assert "is no moment" in ringfence.error("audit", "list", "--since", "soon")["message"]


def test_all_organizations_are_checked_with_those_that_only_the_heads_know_of(
    ringfence: Ringfence, contoso: Contoso, tmp_path: Path
) -> None:
    _did_something(ringfence)
    path = tmp_path / "heads.jsonl"
    signer = Signer(ringfence.data)
    ringfence("audit", "head", "-o", str(path))
    assert ringfence.json("audit", "verify", "--all", "--heads", str(path))["sound"] is True
    append(path, [signer.sign(Head("removed", 3, "a" * 64))])
    assert ringfence.json("audit", "verify", "--heads", str(path))["sound"] is True
    said = ringfence.json("audit", "verify", "--all", "--heads", str(path), status=1)
    (gone,) = [each for each in said["items"] if not each["sound"]]
    assert (gone["organization_id"], gone["problems"][0]["fault"]) == ("removed", "missing")
    assert "of removed" in ringfence("audit", "verify", "--all", "--heads", str(path), status=1).stdout


def test_older_keys_prove_older_heads(ringfence: Ringfence, contoso: Contoso, tmp_path: Path) -> None:
    _did_something(ringfence)
    path, older, newer = tmp_path / "heads.jsonl", tmp_path / "older.pem", tmp_path / "newer.pem"
    older.write_text(ringfence("audit", "key").stdout)
    ringfence("audit", "head", "-o", str(path))
    (ringfence.data / "audit.key").unlink()
    newer.write_text(ringfence("audit", "key").stdout)
    assert ringfence.json("audit", "verify", "--heads", str(path), status=1)["problems"][0]["fault"] == "signature"
    keys = ("--key", str(newer), "--key", str(older))
    assert ringfence.json("audit", "verify", "--heads", str(path), *keys)["sound"] is True


def test_heads_of_before_a_rotation_are_proven_without_being_told(
    ringfence: Ringfence, contoso: Contoso, tmp_path: Path
) -> None:
    _did_something(ringfence)
    path = tmp_path / "heads.jsonl"
    before = json.loads(ringfence("audit", "head", "-o", str(path)).stdout)["key"]
    rotated = ringfence("audit", "key", "rotate")
    assert "keep this public key" in rotated.stderr
    shown = ringfence.json("audit", "key")
    assert shown["pem"] == rotated.stdout
    assert [each["key"] for each in shown["older"]] == [before]
    assert json.loads(ringfence("audit", "head", "-o", str(path)).stdout)["key"] == shown["key"] != before
    assert ringfence.json("audit", "verify", "--heads", str(path))["sound"] is True


def test_where_nothing_was_done_there_is_nothing_to_sign(ringfence: Ringfence, contoso: Contoso) -> None:
    with ringfence.open(Settings(data=ringfence.data)).database.transaction() as tx:
        tx.execute(sa.delete(audit_heads))
    assert "Nothing was written down" in ringfence.error("audit", "head")["message"]
