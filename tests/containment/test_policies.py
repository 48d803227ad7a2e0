"""Each change of policy is a version; the newest of each layer counts."""

import asyncio
from typing import Any

import pytest

from accounts_samples import an_organization
from ringfence.containment import policies
from ringfence.containment.policies import PROVIDER, Scope, Version
from ringfence.errors import Conflict, Invalid, NotFound
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
