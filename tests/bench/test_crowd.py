from pathlib import Path

import sqlalchemy as sa

from bench.crowd import ALERT, Crowd, Sizes, some
from ringfence.alerts import queue
from ringfence.organizations import service as organizations
from ringfence.storage import Database, tables


def test_what_is_made_is_as_the_tables_want_it_and_holds_together(embedded: Database) -> None:
    organization = embedded.run_now(lambda tx: organizations.create(tx, "Crowded")).id
    path = embedded.url.database
    embedded.engine.dispose()
    assert path is not None
    Crowd(Path(path), organization, ["sealed", "sealed"], Sizes.of(600)).fill()
    with embedded.reading() as tx:
        assert tx.all(sa.text("PRAGMA foreign_key_check")) == []
        assert tx.scalar(sa.text("PRAGMA integrity_check")) == "ok"
        assert tx.scalar(sa.select(sa.func.count()).select_from(tables.alerts)) == 600
        newest = queue.page(tx, organization, limit=1).alerts[0]
        assert newest.id == some(ALERT, 600)
        assert queue.read_version(tx, organization, newest).raw["id"] == "600"
