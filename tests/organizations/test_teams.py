import asyncio

import pytest

from accounts_samples import an_organization
from ringfence.errors import Invalid, NotFound, Outdated
from ringfence.organizations import members, teams
from ringfence.security.rbac import Role
from ringfence.storage import Database, editions


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


async def test_of_several_who_change_a_team_at_once_one_is_first_and_the_others_are_told(database: Database) -> None:
    organization = an_organization(database)

    async def put(person: str, seen: str) -> teams.Team:
        return await database.run(lambda tx: teams.put(tx, organization, "tier-2", [person], seen=seen))

    for _ in ("made", "changed", "changed again"):
        seen = database.read_now(lambda tx: teams.edition(tx, organization, "tier-2"))
        ended = await asyncio.gather(*(put(each, seen) for each in ("ines", "olaf", "tom")), return_exceptions=True)
        (first,) = [each for each in ended if isinstance(each, teams.Team)]
        assert sum(isinstance(each, Outdated) for each in ended) == 2
        assert database.read_now(lambda tx: teams.every(tx, organization)) == [first]
    gone = database.read_now(lambda tx: teams.edition(tx, organization, "tier-2"))
    database.run_now(lambda tx: teams.remove(tx, organization, "tier-2"))
    with pytest.raises(Outdated, match="removed"):
        await put("ines", gone)
    assert database.read_now(lambda tx: teams.edition(tx, organization, "tier-2")) == editions.NONE


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
