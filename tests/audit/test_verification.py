from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from audit_chain import put_in, rebuild, remove, set_head, stored, tamper, write_some
from ringfence.audit import log
from ringfence.audit.heads import SignedHead, Signer
from ringfence.audit.log import Entry
from ringfence.audit.verification import Fault, Report, verify
from ringfence.storage import Database
from ringfence.storage.tables import audit_entries, audit_heads

COLUMNS = tuple(column.name for column in audit_entries.columns if column.name != "number")


def _report(database: Database, signed: list[SignedHead] | None = None, signer: Signer | None = None) -> Report:
    public = signer.public if signer else None
    return database.read_now(lambda tx: verify(tx, "contoso", signed or [], public))


def _found(report: Report) -> list[tuple[Fault, int | None]]:
    return [(problem.fault, problem.number) for problem in report.problems]


def test_a_chain_that_nobody_touched_is_sound(database: Database) -> None:
    assert _report(database).sound
    write_some(database, "contoso", 5)
    write_some(database, "fabrikam", 2)
    report = _report(database)
    assert (report.sound, report.entries, report.head and report.head.number) == (True, 5, 5)


def test_a_change_of_any_column_of_any_entry_is_named(database: Database) -> None:
    write_some(database, "contoso", 4)
    for number in (1, 2, 4):
        for column in COLUMNS:
            before = stored(database, number)[column]
            value: Any = before + timedelta(microseconds=1) if column == "at" else f"{before[:-1]}x"
            tamper(database, number, **{column: value})
            report = _report(database)
            wanted = Fault.MISSING if column == "organization_id" else Fault.CHANGED
            assert (wanted, number) in _found(report), column
            assert all(str(number) in problem.sentence for problem in report.problems if problem.number == number)
            tamper(database, number, **{column: before})
    assert _report(database).sound


def test_a_changed_entry_with_a_fitting_hash_breaks_the_link_to_the_next(database: Database) -> None:
    write_some(database, "contoso", 5)
    forged = Entry(**{**stored(database, 3), "actor": "nobody"})
    tamper(database, 3, actor="nobody", hash=log.hash_of(forged))
    assert _found(_report(database)) == [(Fault.UNLINKED, 4)]


@pytest.mark.parametrize(
    ("gone", "problems"),
    [
        ((1,), [(Fault.MISSING, 1)]),
        ((2, 3), [(Fault.MISSING, 2)]),
        ((2, 4), [(Fault.MISSING, 2), (Fault.MISSING, 4)]),
        ((5,), [(Fault.MISSING, 5)]),
        ((1, 2, 3, 4, 5), [(Fault.MISSING, 1)]),
    ],
)
def test_deleted_entries_are_named(
    database: Database, gone: tuple[int, ...], problems: list[tuple[Fault, int | None]]
) -> None:
    write_some(database, "contoso", 5)
    remove(database, *gone)
    assert _found(_report(database)) == problems


def test_swapped_entries_are_named(database: Database) -> None:
    write_some(database, "contoso", 5)
    tamper(database, 2, number=99)
    tamper(database, 3, number=2)
    tamper(database, 99, number=3)
    assert {(Fault.CHANGED, 2), (Fault.CHANGED, 3)} <= set(_found(_report(database)))


@pytest.mark.parametrize("number", [-1, 0, 6, 9])
def test_an_entry_that_was_put_in_is_named(database: Database, number: int) -> None:
    write_some(database, "contoso", 5)
    row = Entry(**{**stored(database, 5), "number": number, "previous": stored(database, 5)["hash"]})
    put_in(database, {**stored(database, 5), "number": number, "previous": row.previous, "hash": log.hash_of(row)})
    found = _found(_report(database))
    assert (Fault.ADDED, number if number < 1 else 6) in found


def test_an_entry_from_another_organization_is_not_taken_for_one_of_ours(database: Database) -> None:
    write_some(database, "contoso", 2)
    write_some(database, "fabrikam", 3)
    row = database.read_now(lambda tx: list(log.entries(tx, "fabrikam")))[2]
    put_in(database, {name: getattr(row, name) for name in row.__dataclass_fields__} | {"organization_id": "contoso"})
    assert (Fault.CHANGED, 3) in _found(_report(database))


def test_two_organizations_that_were_swapped_whole_are_named_entry_by_entry(embedded: Database) -> None:
    write_some(embedded, "contoso", 3)
    write_some(embedded, "fabrikam", 2)
    for before, after in (("contoso", "aside"), ("fabrikam", "contoso"), ("aside", "fabrikam")):
        for table in (audit_entries, audit_heads):
            moved = sa.update(table).where(table.c.organization_id == before).values(organization_id=after)
            embedded.run_now(lambda tx: tx.execute(moved))  # noqa: B023
    assert _found(_report(embedded)) == [(Fault.CHANGED, 1), (Fault.CHANGED, 2)]
    other = embedded.read_now(lambda tx: verify(tx, "fabrikam"))
    assert [(each.fault, each.number) for each in other.problems] == [(Fault.CHANGED, each) for each in (1, 2, 3)]


def test_a_whole_chain_that_was_built_anew_is_found_and_said_from_where_on_by_signed_heads(
    embedded: Database, tmp_path: Path
) -> None:
    signer, signed = Signer(tmp_path), []
    for _ in range(3):
        write_some(embedded, "contoso", 2)
        head = embedded.read_now(lambda tx: log.head(tx, "contoso"))
        assert head is not None
        signed.append(signer.sign(head))
    for first, sentence in ((3, "rewritten somewhere after entry 2"), (1, "rewritten somewhere from its beginning on")):
        rebuild(embedded, first)
        assert _report(embedded).sound
        report = _report(embedded, signed, signer)
        wanted = [head.number for head in signed if head.number >= first]
        assert _found(report) == [(Fault.REWRITTEN, number) for number in wanted]
        assert all(sentence in problem.sentence for problem in report.problems)
    embedded.run_now(lambda tx: (tx.execute(sa.delete(audit_entries)), tx.execute(sa.delete(audit_heads))))
    assert _report(embedded).sound
    assert _found(_report(embedded, signed, signer)) == [(Fault.MISSING, number) for number in (2, 4, 6)]


def test_heads_of_an_older_key_prove_as_much_where_that_key_is_given(embedded: Database, tmp_path: Path) -> None:
    older, newer = Signer(tmp_path / "older"), Signer(tmp_path / "newer")
    write_some(embedded, "contoso", 2)
    head = embedded.read_now(lambda tx: log.head(tx, "contoso"))
    assert head is not None
    signed = [older.sign(head), newer.sign(head)]
    assert _found(_report(embedded, signed, newer)) == [(Fault.SIGNATURE, 2)]
    assert embedded.read_now(lambda tx: verify(tx, "contoso", signed, newer.public, [older.public])).sound


def test_a_head_that_was_changed_or_taken_away_is_named(database: Database) -> None:
    write_some(database, "contoso", 3)
    set_head(database, 3, "f" * 64)
    assert _found(_report(database)) == [(Fault.HEAD, 3)]
    database.run_now(lambda tx: tx.execute(sa.delete(audit_heads)))
    assert _found(_report(database)) == [(Fault.HEAD, None)]


def test_a_tail_that_was_cut_off_with_its_head_is_found_by_a_signed_head(database: Database, tmp_path: Path) -> None:
    signer = Signer(tmp_path)
    write_some(database, "contoso", 5)
    head = database.read_now(lambda tx: log.head(tx, "contoso"))
    assert head is not None
    signed = [signer.sign(head)]
    assert _report(database, signed, signer).sound
    remove(database, 4, 5)
    set_head(database, 3, stored(database, 3)["hash"])
    assert _report(database).sound
    report = _report(database, signed, signer)
    assert _found(report) == [(Fault.MISSING, 5)]


def test_a_chain_that_was_rewritten_from_an_entry_on_is_found_by_a_signed_head(
    database: Database, tmp_path: Path
) -> None:
    signer = Signer(tmp_path)
    write_some(database, "contoso", 3)
    head = database.read_now(lambda tx: log.head(tx, "contoso"))
    assert head is not None
    signed = [signer.sign(head)]
    rebuild(database, 2)
    assert _report(database).sound
    assert _found(_report(database, signed, signer)) == [(Fault.REWRITTEN, 3)]


def test_a_head_with_a_wrong_signature_or_of_another_key_proves_nothing_and_is_named(
    database: Database, tmp_path: Path
) -> None:
    ours, theirs = Signer(tmp_path / "ours"), Signer(tmp_path / "theirs")
    write_some(database, "contoso", 3)
    head = database.read_now(lambda tx: log.head(tx, "contoso"))
    assert head is not None
    genuine = ours.sign(head)
    forged = SignedHead(genuine.organization_id, 2, genuine.hash, genuine.signed_at, genuine.key, genuine.signature)
    report = _report(database, [forged, theirs.sign(head), genuine], ours)
    assert _found(report) == [(Fault.SIGNATURE, 2), (Fault.SIGNATURE, 3)]
    assert "another key" in report.problems[1].sentence


def test_rows_that_cannot_be_read_are_named_and_the_rest_is_checked(embedded: Database) -> None:
    write_some(embedded, "contoso", 5)
    for column, number, value in (("at", 2, "soon"), ("details", 4, b"\xff")):
        statement = sa.text(f"UPDATE audit_entries SET {column} = :value WHERE number = :number").bindparams(
            value=value, number=number
        )
        embedded.run_now(lambda tx: tx.execute(statement))  # noqa: B023
    row = {**stored(embedded, 5), "number": 6}
    put_in(embedded, row)
    embedded.run_now(lambda tx: tx.execute(sa.text("UPDATE audit_entries SET number = 'six' WHERE number = 6")))
    found = _found(_report(embedded))
    assert found == [(Fault.UNREADABLE, None), (Fault.UNREADABLE, 2), (Fault.CHANGED, 4)]


def test_of_many_problems_the_first_are_kept_and_all_are_counted(embedded: Database) -> None:
    write_some(embedded, "contoso", 250)
    embedded.run_now(lambda tx: tx.execute(sa.text("UPDATE audit_entries SET actor = 'nobody'")))
    report = _report(embedded)
    assert (len(report.problems), report.found, report.sound) == (200, 250, False)
