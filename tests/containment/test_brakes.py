"""A limit that is reached is one brake, reported once, until it is over or a person lifts it."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from accounts_samples import a_stored_account, an_organization
from ringfence import clock
from ringfence.containment import brakes, service
from ringfence.containment.model import Containment
from ringfence.containment.verdict import Brake, Limit
from ringfence.errors import Invalid
from ringfence.storage import Database, changes
from ringfence.storage.tables import containments

HOUR = Brake(Limit.HOUR, "", "10 containments were decided in the last 60 minutes and the limit is 10.")
PLANT = Brake(Limit.GROUP, "Plant", "2 containments in the device group Plant were decided.")


@pytest.fixture
def time() -> list[float]:
    moment = [1_790_000_000.0]
    clock.replace(lambda: moment[0])
    return moment


@pytest.fixture
def asked(database: Database) -> Containment:
    organization = an_organization(database)
    account = a_stored_account(database, organization).id
    return database.run_now(
        lambda tx: service.request(
            tx,
            organization_id=organization,
            account_id=account,
            target="wks-001",
            reason="Ransomware",
            requested_by="a playbook",
            key="one",
        )
    )


def trip(database: Database, asked: Containment, found: Brake = HOUR, opens_in: float | None = None) -> bool:
    opens_at = None if opens_in is None else clock.now() + timedelta(seconds=opens_in)
    return database.run_now(
        lambda tx: brakes.trip(tx, asked.organization_id, found, opens_at=opens_at, containment_id=asked.id)
    )


def told(database: Database, asked: Containment) -> list[str]:
    feed = database.read_now(lambda tx: changes.after(tx, 0, organization_id=asked.organization_id))
    return [each.kind for each in feed if each.noun == "brake"]


def test_a_thousand_refusals_are_one_brake_and_people_are_told_once(
    database: Database, asked: Containment, time: list[float]
) -> None:
    tripped = [trip(database, asked, opens_in=600) for _ in range(20)]
    assert tripped == [True] + [False] * 19
    assert told(database, asked) == ["tripped"]
    (held,) = database.read_now(lambda tx: brakes.holding(tx, asked.organization_id))
    assert (held.refused, held.containment_id, held.detail) == (20, asked.id, HOUR.sentence)


def test_a_brake_is_over_when_its_time_comes_and_the_next_is_told_anew(
    database: Database, asked: Containment, time: list[float]
) -> None:
    trip(database, asked, opens_in=600)
    time[0] += 601
    assert database.read_now(lambda tx: brakes.holding(tx, asked.organization_id)) == ()
    assert trip(database, asked, opens_in=600)
    assert told(database, asked) == ["tripped", "ended", "tripped"]
    later, first = database.read_now(lambda tx: brakes.listed(tx, asked.organization_id))
    assert (later.holds, first.holds, first.ended_at) == (True, False, first.opens_at)


def test_what_is_not_reached_any_more_is_over_and_others_are_not(
    database: Database, asked: Containment, time: list[float]
) -> None:
    for each in (HOUR, PLANT):
        trip(database, asked, each)
    assert told(database, asked) == ["tripped", "tripped"]
    database.run_now(lambda tx: brakes.settle(tx, asked.organization_id, [HOUR], [HOUR.key, "group:Other"]))
    assert len(database.read_now(lambda tx: brakes.holding(tx, asked.organization_id))) == 2
    database.run_now(lambda tx: brakes.settle(tx, asked.organization_id, [], [PLANT.key]))
    (left,) = database.read_now(lambda tx: brakes.holding(tx, asked.organization_id))
    assert left.limit == Limit.HOUR


def test_a_person_lifts_all_brakes_for_a_while_with_a_reason(
    database: Database, asked: Containment, time: list[float]
) -> None:
    trip(database, asked)
    organization = asked.organization_id
    lift = database.run_now(lambda tx: brakes.lift(tx, organization, seconds=60, by="megan", reason=" It is real. "))
    assert lift.sentence.startswith("megan lifted the limits until 20")
    assert lift.sentence.endswith(": It is real.")
    assert database.read_now(lambda tx: brakes.holding(tx, organization)) == ()
    (over,) = database.read_now(lambda tx: brakes.listed(tx, organization))
    assert (over.ended_by, over.ended_why) == ("megan", "It is real.")
    assert told(database, asked) == ["tripped", "ended", "lifted"]
    time[0] += 60
    assert database.read_now(lambda tx: brakes.lifted(tx, organization)) is None


def test_a_lift_for_so_many_more_is_used_up(database: Database, asked: Containment, time: list[float]) -> None:
    organization = asked.organization_id
    database.run_now(lambda tx: brakes.lift(tx, organization, seconds=600, by="megan", reason="Real", more=1))
    lift = database.read_now(lambda tx: brakes.lifted(tx, organization))
    assert lift is not None
    assert (lift.left, "for 1 more" in lift.sentence) == (1, True)
    decided = sa.update(containments).where(containments.c.id == asked.id)
    database.run_now(lambda tx: tx.execute(decided.values(decided_at=clock.now(), state="approved")))
    assert database.read_now(lambda tx: brakes.lifted(tx, organization)) is None
    assert database.read_now(lambda tx: brakes.lifted(tx, organization, other_than=asked.id)) is not None
    database.run_now(lambda tx: tx.execute(decided.values(state="denied")))
    assert database.read_now(lambda tx: brakes.lifted(tx, organization)) is not None


@pytest.mark.parametrize(
    ("seconds", "reason", "more"), [(60.0, "  ", None), (0.0, "Real", None), (1e9, "Real", None), (60.0, "Real", 0)]
)
def test_a_lift_needs_a_reason_and_an_end(embedded: Database, seconds: float, reason: str, more: int | None) -> None:
    organization = an_organization(embedded)
    with pytest.raises(Invalid):
        embedded.run_now(lambda tx: brakes.lift(tx, organization, seconds=seconds, by="m", reason=reason, more=more))


def test_the_brakes_of_one_organization_are_not_anothers(database: Database, asked: Containment) -> None:
    trip(database, asked)
    other = an_organization(database, "Fabrikam")
    assert database.read_now(lambda tx: brakes.listed(tx, other)) == ()
