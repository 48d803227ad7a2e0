from functools import partial

import pytest

from accounts_samples import an_organization
from ringfence.audit import log
from ringfence.errors import Forbidden, NotFound, Outdated
from ringfence.organizations import members, teams
from ringfence.playbooks import rules
from ringfence.playbooks.model import Effect
from ringfence.playbooks.rules import Rules
from ringfence.security.rbac import Role
from ringfence.storage import Database


def _contoso(database: Database) -> str:
    organization = an_organization(database)
    for name in ("adele", "megan", "nestor"):
        database.run_now(
            partial(members.ensure, organization_id=organization, name=name, role=Role.ORGANIZATION_ADMINISTRATOR)
        )
    database.run_now(lambda tx: teams.put(tx, organization, "responders", ["adele", "nestor"]))
    return organization


def test_where_nothing_is_said_everybody_may_publish_everything(embedded: Database) -> None:
    organization = an_organization(embedded)
    found = embedded.read_now(lambda tx: rules.publisher(tx, organization, "anybody"))
    assert (found.may_publish, found.may, dict(found.holders)) == (True, frozenset(Effect), {})


def test_a_right_is_held_by_people_and_teams_and_the_others_are_told_whom_to_ask(embedded: Database) -> None:
    organization = _contoso(embedded)
    wanted = Rules(contain=("responders",), write=("megan", "responders"))
    embedded.run_now(lambda tx: rules.put(tx, organization, wanted, "adele", expected=0))
    megan = embedded.read_now(lambda tx: rules.publisher(tx, organization, "megan"))
    adele = embedded.read_now(lambda tx: rules.publisher(tx, organization, "adele"))
    assert (megan.may, megan.holders["contain"]) == (frozenset(Effect) - {Effect.CONTAIN}, ("adele", "nestor"))
    assert adele.may == frozenset(Effect)
    embedded.run_now(lambda tx: teams.remove(tx, organization, "responders"))
    assert Effect.CONTAIN not in embedded.read_now(lambda tx: rules.publisher(tx, organization, "adele")).may


def test_rules_are_changed_by_those_who_may_publish_once_and_written_down(embedded: Database) -> None:
    organization = _contoso(embedded)
    closed = Rules(publish=("responders",), second_person=True)

    def put(wanted: Rules, by: str, expected: int | None = None) -> int:
        return embedded.run_now(lambda tx: rules.put(tx, organization, wanted, by, expected=expected)).version

    with pytest.raises(Forbidden, match="could not change them back"):
        put(closed, "megan")
    assert put(closed, "adele") == 1
    assert put(closed, "nestor") == 1
    with pytest.raises(Forbidden, match="megan may not publish"):
        put(Rules(), "megan")
    with pytest.raises(Outdated, match="at version 1, not 0"):
        put(Rules(), "adele", 0)
    with pytest.raises(NotFound, match="nobody-known"):
        put(Rules(contain=("nobody-known",)), "adele")
    assert put(Rules(), "adele", 1) == 2
    entries = embedded.read_now(lambda tx: log.listing(tx, organization).entries)
    assert [each.event for each in entries if each.event.startswith("playbook")] == ["playbook:rules_changed"] * 2
