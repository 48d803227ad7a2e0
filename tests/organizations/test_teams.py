import pytest

from accounts_samples import an_organization
from ringfence.errors import Invalid, NotFound
from ringfence.organizations import members, teams
from ringfence.security.rbac import Role
from ringfence.storage import Database


def test_a_team_is_made_changed_listed_and_removed(database: Database) -> None:
    organization = an_organization(database)
    database.run_now(lambda tx: teams.put(tx, organization, "tier-2", ["ines", "tom", "ines"]))
    database.run_now(lambda tx: teams.put(tx, organization, "tier-1", ["olaf"]))
    changed = database.run_now(lambda tx: teams.put(tx, organization, "tier-2", ["ines", "petra"]))
    assert changed.people == ("ines", "petra")
    listed = database.read_now(lambda tx: teams.every(tx, organization))
    assert [each.name for each in listed] == ["tier-1", "tier-2"]
    database.run_now(lambda tx: teams.remove(tx, organization, "tier-1"))
    with pytest.raises(NotFound, match="tier-1"):
        database.read_now(lambda tx: teams.by_name(tx, organization, "tier-1"))


def test_names_of_teams_and_people_stand_for_people(database: Database) -> None:
    organization = an_organization(database)
    database.run_now(lambda tx: members.ensure(tx, organization, "mara", Role.ORGANIZATION_ADMINISTRATOR))
    database.run_now(lambda tx: teams.put(tx, organization, "tier-2", ["ines", "mara"]))
    found = database.read_now(lambda tx: teams.people(tx, organization, ["tier-2", "mara"]))
    assert found == ("ines", "mara")
    assert database.read_now(lambda tx: teams.everybody(tx, organization)) == ("mara",)
    with pytest.raises(NotFound, match="tier-3"):
        database.read_now(lambda tx: teams.people(tx, organization, ["tier-3"]))
    with pytest.raises(Invalid, match="A person is called"):
        database.run_now(lambda tx: teams.put(tx, organization, "mara", ["tom"]))


@pytest.mark.parametrize(
    ("name", "people"), [("", ["a"]), ("x" * 101, ["a"]), ("t", []), ("t", [" "]), ("a\nb", ["a"])]
)
def test_what_cannot_be_a_team_is_refused(embedded: Database, name: str, people: list[str]) -> None:
    organization = an_organization(embedded)
    with pytest.raises(Invalid):
        embedded.run_now(lambda tx: teams.put(tx, organization, name, people))
