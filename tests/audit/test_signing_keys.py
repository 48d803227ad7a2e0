import stat
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from audit_chain import write_some
from ringfence.audit import heads, log, signing_keys
from ringfence.audit.heads import Signer
from ringfence.audit.verification import verify
from ringfence.errors import Misconfigured
from ringfence.storage import Database
from ringfence.storage.tables import audit_entries


def test_heads_of_before_stay_proven_and_whoever_signs_takes_the_new_key(embedded: Database, tmp_path: Path) -> None:
    organization = "contoso"
    write_some(embedded, organization, 1)
    running = Signer(tmp_path)
    first = running.public

    def sign() -> heads.SignedHead:
        newest = embedded.read_now(lambda tx: log.head(tx, organization))
        assert newest is not None
        return running.sign(newest)

    signed = [sign()]
    for _ in range(2):
        signing_keys.rotate(embedded, tmp_path)
        signed.append(sign())
    shown = signing_keys.show(tmp_path)
    assert [each.key for each in signed] == [*shown.older, shown.key]
    assert len({each.key for each in signed}) == 3
    fresh = Signer(tmp_path)
    report = embedded.read_now(lambda tx: verify(tx, organization, signed, fresh.public, fresh.older))
    assert (report.sound, report.signed_heads) == (True, 3)
    alone = embedded.read_now(lambda tx: verify(tx, organization, signed, fresh.public))
    assert alone.found == 2
    assert heads.key_id(first) == shown.older[0]
    assert stat.S_IMODE((tmp_path / "audit.key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.glob(".audit.key*")] == [".audit.key.lock"]
    told = sa.select(audit_entries.c.subject_id).where(audit_entries.c.event == "audit_key:rotated")
    rows = embedded.read_now(lambda tx: tx.all(told.order_by(audit_entries.c.number)))
    assert [row["subject_id"] for row in rows] == [signed[1].key, signed[2].key]


def test_a_key_is_not_changed_where_that_cannot_be_written_down(embedded: Database, tmp_path: Path) -> None:
    write_some(embedded, "contoso", 1)
    before = heads.key_id(Signer(tmp_path).public)
    embedded.run_now(
        lambda tx: tx.connection.exec_driver_sql(
            "CREATE TRIGGER closed BEFORE INSERT ON audit_entries BEGIN SELECT RAISE(ABORT, 'closed'); END"
        )
    )
    with pytest.raises(DBAPIError):
        signing_keys.rotate(embedded, tmp_path)
    assert signing_keys.show(tmp_path).key == before
    # Its public part lies ready, as it may after any rotation that was broken off: it is kept once.
    assert signing_keys.show(tmp_path).older == (before,)
    embedded.run_now(lambda tx: tx.connection.exec_driver_sql("DROP TRIGGER closed"))
    assert signing_keys.rotate(embedded, tmp_path).older == (before,)


def test_what_is_left_of_a_key_that_was_not_written_in_full_is_passed_over(tmp_path: Path) -> None:
    public = Signer(tmp_path).public
    (tmp_path / "audit-keys.pem").write_text(heads.pem(public) + heads.pem(public)[:40])
    assert [heads.key_id(each) for each in heads.older_keys(tmp_path)] == [heads.key_id(public)]
    (tmp_path / "audit-keys.pem").write_bytes(b"\xff")
    with pytest.raises(Misconfigured, match=r"audit-keys\.pem"):
        heads.older_keys(tmp_path)
