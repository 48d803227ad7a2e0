import json
from pathlib import Path

import pytest

from audit_chain import write_some
from ringfence.audit import export
from ringfence.audit.heads import Signer
from ringfence.audit.verification import Fault
from ringfence.errors import Invalid
from ringfence.storage import Database


def _lines(database: Database, signer: Signer) -> list[str]:
    write_some(database, "contoso", 3)
    return database.read_now(lambda tx: list(export.lines(tx, "contoso", signer)))


def test_a_file_holds_every_entry_and_ends_in_a_signed_head_and_proves_itself(
    database: Database, tmp_path: Path
) -> None:
    signer = Signer(tmp_path)
    lines = _lines(database, signer)
    assert [json.loads(line).get("number") for line in lines] == [1, 2, 3, 3]
    report = export.verify_file([f"{line}\n" for line in [*lines, ""]], signer.public)
    assert (report.sound, report.entries, report.organization_id) == (True, 3, "contoso")


def test_an_empty_chain_is_an_empty_file(database: Database, tmp_path: Path) -> None:
    assert database.read_now(lambda tx: list(export.lines(tx, "contoso", Signer(tmp_path)))) == []


def test_a_file_that_was_changed_is_found_out(embedded: Database, tmp_path: Path) -> None:
    signer = Signer(tmp_path)
    lines = _lines(embedded, signer)
    changed = export.verify_file([lines[0], lines[1].replace("asmith", "nobody"), *lines[2:]], signer.public)
    assert [(each.fault, each.number) for each in changed.problems] == [(Fault.CHANGED, 2)]
    cut = export.verify_file([lines[0], lines[3]], signer.public)
    assert {each.fault for each in cut.problems} == {Fault.MISSING}
    other = export.verify_file(lines, Signer(tmp_path / "other").public)
    assert [each.fault for each in other.problems] == [Fault.SIGNATURE]


@pytest.mark.parametrize("line", ["[]", "nonsense", '{"number": 1}', "[" * 100_000])
def test_a_file_of_another_kind_is_refused_with_its_line(embedded: Database, tmp_path: Path, line: str) -> None:
    signer = Signer(tmp_path)
    lines = _lines(embedded, signer)
    with pytest.raises(Invalid, match="Line 2"):
        export.verify_file([lines[0], line, *lines[1:]], signer.public)
    with pytest.raises(Invalid, match="Line 1"):
        export.verify_file([lines[0].replace("2026-", "soon-")], signer.public)


def test_a_file_without_its_head_is_refused(embedded: Database, tmp_path: Path) -> None:
    lines = _lines(embedded, Signer(tmp_path))
    with pytest.raises(Invalid, match="without a signed head"):
        export.verify_file(lines[:-1], None)
