"""Each change of policy is a version; the newest of each layer counts."""

import asyncio
from contextlib import nullcontext
from typing import Any

import pytest

from accounts_samples import an_organization
from ringfence.containment import policies
from ringfence.containment.policies import PROVIDER, Scope, Version
from ringfence.errors import Conflict, Forbidden, Invalid, NotFound
from ringfence.security.rbac import Role, acting_as, asked_by
from ringfence.storage import Database


@pytest.fixture
def organization(database: Database) -> str:
    return an_organization(database)


def write(database: Database, scope: Scope, document: dict[str, Any], expected: int) -> Version:
    return database.run_now(
        lambda tx: policies.write(tx, scope, document, expected_version=expected, by="mara", note="Because.")
    )


def test_nothing_was_written_at_first(database: Database, organization: str) -> None:
    standing = database.read_now(lambda tx: policies.standing(tx, organization))
    assert standing.version == "default"
    assert database.read_now(lambda tx: policies.newest(tx, Scope(organization))).version == 0


def test_layers_make_the_policy_that_counts(database: Database, organization: str) -> None:
    write(database, PROVIDER, {"max_per_hour": 3}, 0)
    write(database, Scope(organization), {"mode": "tagged"}, 0)
    write(database, Scope(organization, "Plant"), {"mode": "none"}, 0)
    whole = database.read_now(lambda tx: policies.standing(tx, organization))
    assert (whole.effective.policy.mode, whole.effective.policy.max_per_hour) == ("tagged", 3)
    assert whole.version == "provider 1 · organization 1"
    plant = database.read_now(lambda tx: policies.standing(tx, organization, "PLANT"))
    assert plant.effective.policy.mode == "none"
    assert plant.version == "provider 1 · organization 1 · device group PLANT 1"
    assert database.read_now(lambda tx: policies.groups(tx, organization)) == ["Plant"]


def test_versions_are_kept_and_only_who_has_seen_the_newest_writes_the_next(
    database: Database, organization: str
) -> None:
    scope = Scope(organization)
    write(database, scope, {"max_per_hour": 1}, 0)
    write(database, scope, {"max_per_hour": 2}, 1)
    with pytest.raises(Conflict, match="version 2, not 1"):
        write(database, scope, {"max_per_hour": 9}, 1)
    kept = database.read_now(lambda tx: policies.history(tx, scope))
    assert [(each.version, each.document["max_per_hour"], each.made_by) for each in kept] == [
        (2, 2, "mara"),
        (1, 1, "mara"),
    ]
    assert database.read_now(lambda tx: policies.version(tx, scope, 1)).note == "Because."
    with pytest.raises(NotFound, match="no version 7"):
        database.read_now(lambda tx: policies.version(tx, scope, 7))


async def test_of_two_who_write_at_the_same_moment_one_is_told(database: Database, organization: str) -> None:
    def attempt(place: int) -> bool:
        try:
            write(database, Scope(organization), {"max_per_hour": place}, 0)
        except Conflict:
            return False
        return True

    done = await asyncio.gather(*(asyncio.to_thread(attempt, place) for place in range(6)))
    assert sum(done) == 1


def test_what_cannot_be_read_is_not_written(database: Database, organization: str) -> None:
    with pytest.raises(Invalid):
        write(database, Scope(organization), {"mode": "some"}, 0)
    with pytest.raises(Invalid, match="device group"):
        write(database, Scope(organization, "  "), {}, 0)
    with pytest.raises(NotFound):
        write(database, Scope("nobody"), {}, 0)


def test_the_kill_switch_is_a_version_that_says_who_turned_it_when_and_why(
    database: Database, organization: str
) -> None:
    scope = Scope(organization)
    write(database, scope, {"mode": "tagged"}, 0)

    def turn(where: Scope, on: bool, reason: str) -> Version:
        return database.run_now(lambda tx: policies.freeze(tx, where, on=on, by="megan", reason=reason))

    first = turn(scope, True, "Storm")
    assert (first.version, first.document, first.note) == (
        2,
        {"mode": "tagged", "frozen": True},
        "Kill switch on: Storm",
    )
    assert turn(scope, True, "Again").version == 2
    # Nobody turns it off by leaving it out.
    with pytest.raises(Invalid, match="without saying so"):
        write(database, scope, {"mode": "none"}, 2)
    write(database, scope, {"mode": "none", "frozen": True}, 2)
    turn(PROVIDER, True, "Everywhere")
    turn(Scope(organization, "Plant"), True, "Plant only")
    stops = database.read_now(lambda tx: policies.stops(tx, organization))
    assert [(each.scope.name, each.by, each.note) for each in stops] == [
        ("provider", "megan", "Kill switch on: Everywhere"),
        ("organization", "megan", "Kill switch on: Storm"),
        ("group:Plant", "megan", "Kill switch on: Plant only"),
    ]
    assert stops[1].at == first.made_at
    for where in (PROVIDER, scope, Scope(organization, "Plant")):
        turn(where, False, "Over")
    assert database.read_now(lambda tx: policies.stops(tx, organization)) == ()
    with pytest.raises(Invalid, match="needs a reason"):
        turn(scope, True, " ")


def test_a_layer_is_named_as_people_write_it(organization: str) -> None:
    for name in ("provider", "organization", "group:Plant 7"):
        assert policies.scope(name, organization).name == name
    for wrong in ("", "group:", "group: ", "plant", "group:" + "x" * 300):
        with pytest.raises(Invalid, match="no layer of policy"):
            policies.scope(wrong, organization)


def test_only_a_system_administrator_changes_the_layer_of_all() -> None:
    policies.demand_own(PROVIDER)
    for role, may in ((Role.SYSTEM_ADMINISTRATOR, True), (Role.ORGANIZATION_ADMINISTRATOR, False)):
        actor = acting_as(role, user_id="1", name="mara", organization_id="o", label="", how="session")
        with asked_by(actor), nullcontext() if may else pytest.raises(Forbidden):
            policies.demand_own(PROVIDER)
        with asked_by(actor):
            policies.demand_own(Scope("o"))
