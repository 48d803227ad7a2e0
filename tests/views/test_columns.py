import pytest

from ringfence.errors import Invalid
from ringfence.security.rbac import command_line
from ringfence.storage import Database
from ringfence.views import columns
from ringfence.views.lists import LISTS
from views_world import people

ALERTS = LISTS["alerts"]


def test_each_person_chooses_for_each_list(database: Database) -> None:
    who = people(database)
    megan, alex = who["megan"], who["alex"]
    chosen = database.run_now(lambda tx: columns.choose(tx, alex, ALERTS, ["seen", "owner"]))
    assert ([each.key for each in chosen.columns], chosen.own) == (["alert", "seen", "owner"], True)
    assert database.read_now(lambda tx: columns.shown(tx, alex, ALERTS)) == chosen
    for asker, kind in ((megan, ALERTS), (alex, LISTS["incidents"])):
        found = database.read_now(lambda tx, a=asker, k=kind: columns.shown(tx, a, k))  # type: ignore[misc]
        assert (found.columns, found.own) == (kind.usual_columns, False)
    turned = [each.key for each in reversed(ALERTS.usual_columns)]
    assert database.run_now(lambda tx: columns.choose(tx, alex, ALERTS, turned)).own
    for keys in (None, [each.key for each in ALERTS.usual_columns]):
        database.run_now(lambda tx: columns.choose(tx, alex, ALERTS, ["host"]))
        back = database.run_now(lambda tx, k=keys: columns.choose(tx, alex, ALERTS, k))  # type: ignore[misc]
        assert (back.columns, back.own) == (ALERTS.usual_columns, False)


def test_a_column_that_there_is_not_is_refused_and_so_is_whoever_is_no_person(embedded: Database) -> None:
    alex = people(embedded)["alex"]
    with pytest.raises(Invalid, match="'colour'"):
        embedded.run_now(lambda tx: columns.choose(tx, alex, ALERTS, ["host", "colour"]))
    with pytest.raises(Invalid, match="Only a person"):
        embedded.run_now(lambda tx: columns.choose(tx, command_line("root", alex.organization_id), ALERTS, ["host"]))
