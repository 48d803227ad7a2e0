import csv
import io
import json
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from audit_chain import refuse_audit, write_some
from hostile import HOSTILE
from ringfence.audit import export, log
from ringfence.audit.events import Event
from ringfence.audit.export import Form
from ringfence.audit.heads import Signer
from ringfence.audit.log import EVERYTHING, Wanted
from ringfence.audit.verification import Fault
from ringfence.errors import Invalid
from ringfence.storage import Database, Transaction


def _lines(database: Database, signer: Signer) -> list[str]:
    write_some(database, "contoso", 3)
    head = database.read_now(lambda tx: log.head(tx, "contoso"))
    assert head is not None
    return database.read_now(lambda tx: list(export.lines(tx, head, signer)))


def test_a_file_holds_every_entry_and_ends_in_a_signed_head_and_proves_itself(
    database: Database, tmp_path: Path
) -> None:
    signer = Signer(tmp_path)
    lines = _lines(database, signer)
    assert [json.loads(line).get("number") for line in lines] == [1, 2, 3, 3]
    report = export.verify_file([*lines, "\n"], signer.public)
    assert (report.sound, report.entries, report.organization_id) == (True, 3, "contoso")


async def test_what_is_streamed_is_what_is_written_at_once(embedded: Database, tmp_path: Path) -> None:
    write_some(embedded, "contoso", 4)
    wanted = Wanted(text="playbook-2")
    head = embedded.run_now(lambda tx: export.begin(tx, "contoso", wanted, Form.CSV))
    assert head.number == 5
    signer = Signer(tmp_path)
    for asked in (EVERYTHING, wanted):
        for form in Form:
            streamed = [each async for each in export.stream(embedded, head, signer, asked, form)]
            at_once = embedded.read_now(lambda tx: list(export.lines(tx, head, signer, asked, form)))  # noqa: B023
            assert "".join(streamed) == "".join(at_once)


def test_a_part_of_a_log_does_not_claim_to_be_the_whole(embedded: Database, tmp_path: Path) -> None:
    write_some(embedded, "contoso", 4)
    wanted = Wanted(event="playbook", text="playbook-2")
    head = embedded.run_now(lambda tx: export.begin(tx, "contoso", wanted, Form.JSONL))
    (line,) = embedded.read_now(lambda tx: list(export.lines(tx, head, Signer(tmp_path), wanted)))
    assert json.loads(line)["subject_id"] == "playbook-2"
    (said,) = embedded.read_now(lambda tx: log.listing(tx, "contoso", event="audit:exported")).entries
    assert said.facts == {"event": "playbook", "form": "jsonl", "text": "playbook-2"}


def test_no_cell_of_a_csv_is_a_formula(embedded: Database, tmp_path: Path) -> None:
    hostile = [*HOSTILE, "=1+1", " =1", "+1", "-1", "@SUM(A1)", "\t=1", "'=1", "' =1"]

    def work(tx: Transaction) -> None:
        for text in hostile:
            log.write(tx, Event.PLAYBOOK_PAUSED, "contoso", text, details={text: text}, actor=text)

    embedded.run_now(work)
    head = embedded.run_now(lambda tx: export.begin(tx, "contoso", EVERYTHING, Form.CSV))
    text = "".join(embedded.read_now(lambda tx: list(export.lines(tx, head, Signer(tmp_path), form=Form.CSV))))
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len(rows) == len(hostile) + 2
    assert rows[0][:3] == ["organization_id", "number", "at"]
    assert [cell for row in rows for cell in row if cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))] == []


def test_where_the_export_cannot_be_written_down_nothing_is_exported(embedded: Database) -> None:
    write_some(embedded, "contoso", 1)
    refuse_audit(embedded)
    with pytest.raises(IntegrityError):
        embedded.run_now(lambda tx: export.begin(tx, "contoso", EVERYTHING, Form.CSV))


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
