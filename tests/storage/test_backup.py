import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.storage import Database, backup
from ringfence.storage.tables import organizations
from run_world import Time
from sealed_samples import organization


def names(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / backup.OURS)) as connection:
        return [row[0] for row in connection.execute("SELECT name FROM organizations ORDER BY name")]


def data_of(database: Database) -> Path:
    assert database.url.database is not None
    return Path(database.url.database).parent


def test_a_backup_is_taken_while_somebody_writes_and_holds_what_was_committed(
    embedded: Database, tmp_path: Path
) -> None:
    data = data_of(embedded)
    with closing(sqlite3.connect(data / "engine.sqlite3")) as engine:
        engine.execute("CREATE TABLE workflows (id)")
    embedded.run_now(lambda tx: organization(tx, "contoso"))
    with embedded.transaction() as tx:
        organization(tx, "fabrikam")
        made = backup.take(data, tmp_path / "backup", "0001")
    assert names(tmp_path / "backup") == ["contoso"]
    assert (made.revision, set(made.sizes)) == ("0001", set(backup.FILES))
    assert sorted(each.name for each in (tmp_path / "backup").iterdir()) == sorted((*backup.FILES, backup.MANIFEST))
    assert {each.stat().st_mode & 0o777 for each in (tmp_path / "backup").iterdir()} == {0o600}
    newest = backup.newest(data)
    assert newest is not None
    assert newest[1] == str(tmp_path / "backup")


def test_a_backup_is_put_back_and_what_was_there_is_kept(embedded: Database, tmp_path: Path) -> None:
    Time().start()
    data = data_of(embedded)
    embedded.run_now(lambda tx: organization(tx, "contoso"))
    made = backup.take(data, tmp_path / "backup", "0001")
    embedded.run_now(lambda tx: tx.execute(sa.update(organizations).values(name="changed since")))
    embedded.close()
    aside = backup.put_back(made, data)
    assert names(data) == ["contoso"]
    assert aside is not None
    assert names(aside) == ["changed since"]
    # No journal of the database before may meet the one that was put back.
    assert [path.name for path in data.glob("ringfence.sqlite3-*")] == []
    assert backup.put_back(made, tmp_path / "elsewhere") is None
    assert names(tmp_path / "elsewhere") == ["contoso"]


def test_a_backup_that_was_changed_is_not_used(embedded: Database, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    backup.take(data_of(embedded), folder, "0001")
    (folder / backup.OURS).write_bytes(b"something else")
    with pytest.raises(Invalid, match="was changed since"):
        backup.look(folder)
    (folder / backup.OURS).unlink()
    with pytest.raises(Invalid, match="no whole backup"):
        backup.look(folder)


@pytest.mark.parametrize(
    "manifest",
    ["", "[]", "{}", '{"kind": "else", "sha256": {}}', '{"kind": "ringfence.backup/1", "sha256": {"../../x": "y"}}'],
)
def test_what_is_no_backup_is_refused(tmp_path: Path, manifest: str) -> None:
    (tmp_path / backup.MANIFEST).write_text(manifest)
    with pytest.raises(Invalid, match="no whole backup"):
        backup.look(tmp_path)


def test_a_folder_with_something_in_it_is_left_alone(embedded: Database, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter").touch()
    with pytest.raises(Conflict, match="is not empty"):
        backup.take(data_of(embedded), tmp_path / "mine", "0001")
    with pytest.raises(NotFound, match="no database"):
        backup.take(tmp_path / "mine", tmp_path / "new", "0001")
    assert not (tmp_path / "new").exists()


def test_a_database_that_is_damaged_makes_no_backup(embedded: Database, tmp_path: Path) -> None:
    data = data_of(embedded)
    embedded.close()
    content = bytearray((data / backup.OURS).read_bytes())
    content[8192:12288] = b"\xff" * 4096
    (data / backup.OURS).write_bytes(content)
    with pytest.raises((Invalid, sqlite3.DatabaseError)):
        backup.take(data, tmp_path / "backup", "0001")
    assert not (tmp_path / "backup").exists()


def test_a_note_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    assert backup.newest(tmp_path) is None
    (tmp_path / backup.NOTE).write_text(json.dumps({"at": "once"}))
    assert backup.newest(tmp_path) is None
    backup.note(tmp_path, "tape 7")
    found = backup.newest(tmp_path)
    assert found is not None
    assert found[1] == "tape 7"
