from pathlib import Path

import sqlalchemy as sa

import sealed_samples
from ringfence.security import key_report
from ringfence.security.crypto import KEY_FILE, Vault
from ringfence.security.sealed import SEALED
from ringfence.storage import Database
from ringfence.storage.tables import channels


def test_it_tells_what_depends_on_each_key_and_shows_none(embedded: Database, tmp_path: Path) -> None:
    vault = Vault(tmp_path, embedded)
    own = embedded.run_now(lambda tx: sealed_samples.organization(tx, "contoso"))
    embedded.run_now(lambda tx: sealed_samples.put(tx, vault, own, SEALED[0], "text"))
    embedded.run_now(lambda tx: sealed_samples.put(tx, Vault(tmp_path), own, SEALED[1], "text"))
    found = embedded.read_now(lambda tx: key_report.show(tx, vault))
    [master], [key] = found.masters, found.keys
    assert (master.newest, master.at_hand, master.keys, master.secrets) == (True, True, 1, 1)
    assert (key.organization, key.active, key.secrets, key.masters) == ("contoso", True, 1, (master.id,))
    assert (found.to_wrap, found.to_seal) == (0, 1)
    assert (tmp_path / KEY_FILE).read_text().strip() not in repr(found)


def test_a_secret_that_does_not_open_is_named_and_not_shown(embedded: Database, tmp_path: Path) -> None:
    vault = Vault(tmp_path, embedded)
    own = embedded.run_now(lambda tx: sealed_samples.organization(tx, "contoso"))
    row_id = embedded.run_now(lambda tx: sealed_samples.put(tx, vault, own, SEALED[5], "text"))
    embedded.run_now(lambda tx: tx.execute(sa.update(channels).values(sealed="text in the clear")))
    checked = embedded.read_now(lambda tx: key_report.check(tx, vault))
    [found] = checked.unreadable
    assert (checked.secrets, found.where, found.row_id) == (1, "channels.sealed", row_id)
    assert "in the clear" not in repr(checked)
