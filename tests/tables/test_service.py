import pytest

from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.organizations import service as organizations
from ringfence.storage import Database
from ringfence.tables import entries, service
from ringfence.tables.model import NewEntry


def test_a_table_is_made_found_listed_and_removed_with_its_entries(database: Database) -> None:
    organization = database.run_now(organizations.ensure_default).id
    made = database.run_now(lambda tx: service.make(tx, organization, " vips ", "text", "Who matters", by="ines"))
    assert (made.name, made.kind, made.entries, made.expired) == ("vips", "text", 0, 0)
    database.run_now(lambda tx: entries.put(tx, made, [NewEntry("ines")], by="ines"))
    assert [each.entries for each in database.read_now(lambda tx: service.every(tx, organization))] == [1]
    with pytest.raises(Conflict, match="already is a table"):
        database.run_now(lambda tx: service.make(tx, organization, "vips", "text", "", by="ines"))
    with pytest.raises(NotFound, match="no table") as caught:
        database.read_now(lambda tx: service.by_name(tx, organization, "vip"))
    assert "'vips'" in caught.value.advice
    database.run_now(lambda tx: service.remove(tx, organization, made.id, by="ines"))
    with pytest.raises(NotFound):
        database.read_now(lambda tx: service.by_name(tx, organization, "vips"))


@pytest.mark.parametrize(
    ("name", "kind", "description"),
    [("", "text", ""), ("a\x00", "text", ""), ("a", "regex", ""), ("a", "text", "d" * 1_001)],
)
def test_what_cannot_be_a_table_is_refused(embedded: Database, name: str, kind: str, description: str) -> None:
    organization = embedded.run_now(organizations.ensure_default).id
    with pytest.raises(Invalid):
        embedded.run_now(lambda tx: service.make(tx, organization, name, kind, description, by="ines"))


def test_another_organization_s_table_does_not_exist(embedded: Database) -> None:
    organization = embedded.run_now(organizations.ensure_default).id
    made = embedded.run_now(lambda tx: service.make(tx, organization, "vips", "text", "", by="ines"))
    with pytest.raises(NotFound):
        embedded.read_now(lambda tx: service.by_name(tx, "another", made.id))
