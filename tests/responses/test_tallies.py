"""Limits of response actions as rows: whose they are, when they open, the brake that people are told of, and its lifting."""

from typing import Any

import sqlalchemy as sa

from alert_samples import publish
from response_world import Responses
from ringfence import clock
from ringfence.containment import brakes
from ringfence.containment.brakes import Tripped
from ringfence.responses.kinds import Kind
from ringfence.responses.model import Response, State
from ringfence.storage.tables import playbook_versions, runs

ONE = {"restrict": "allow", "max_per_hour": 1}


def a_run(desk: Responses, name: str) -> str:
    """Store a run of a playbook, published if it is not yet."""
    world, run_id = desk.world, clock.new_id()
    playbook_id = publish(world.database, world.organization_id, name, "{type: manual}")
    version = sa.select(playbook_versions.c.id).where(playbook_versions.c.playbook_id == playbook_id)
    row = {
        "id": run_id,
        "organization_id": world.organization_id,
        "playbook_id": playbook_id,
        "playbook_version_id": world.database.read_now(lambda tx: tx.scalar(version)),
        "cause_key": run_id,
        "trigger": {},
        "status": "running",
        "requested_at": clock.now(),
    }
    world.database.run_now(lambda tx: tx.execute(sa.insert(runs).values(row)))
    return run_id


def holding(desk: Responses) -> tuple[Tripped, ...]:
    return desk.world.database.read_now(lambda tx: brakes.holding(tx, desk.world.organization_id))


async def refused(desk: Responses, target: str, **options: Any) -> Response:
    return await desk.settle(desk.request(Kind.RESTRICT, target, **options), State.DENIED)


async def test_what_runs_ask_for_counts_for_their_playbook_and_what_people_ask_for_does_not(desk: Responses) -> None:
    desk.world.set_policy(responses={"restrict": "allow", "max_per_hour_and_playbook": 1})
    await desk.settle(desk.request(Kind.RESTRICT, "wks-001", run_id=a_run(desk, "Restrict")), State.DONE)
    denied = await refused(desk, "wks-002", run_id=a_run(desk, "Restrict"))
    assert "by the playbook Restrict" in denied.detail
    await desk.settle(desk.request(Kind.RESTRICT, "wks-002", requested_by="ines"), State.DONE)
    (brake,) = holding(desk)
    assert (brake.limit, brake.subject, brake.refused_what) == ("responses_of_playbook", "Restrict", "response")
    assert brake.opens_at is not None
    assert brake.containment_id is None


async def test_a_limit_that_was_reached_is_one_brake_and_opens_when_its_hour_is_over(desk: Responses) -> None:
    desk.world.set_policy(responses=ONE)
    first = await desk.settle(desk.request(Kind.RESTRICT), State.DONE)
    await refused(desk, "wks-002")
    await refused(desk, "srv1")
    (brake,) = holding(desk)
    assert (brake.limit, brake.refused) == ("responses", 2)
    assert brake.opens_at is not None
    assert first.decided_at is not None
    assert (brake.opens_at - first.decided_at).total_seconds() == 3600
    desk.world.advance(brake.opens_at.timestamp() - clock.timestamp() + 1)
    await desk.settle(desk.request(Kind.RESTRICT, "wks-002"), State.DONE)
    # Containing is another matter.
    assert holding(desk) == ()


async def test_it_holds_until_a_person_lifts_it_where_policy_wants_that(desk: Responses) -> None:
    desk.world.set_policy(responses=ONE, brake_until_lifted=True)
    await desk.settle(desk.request(Kind.RESTRICT), State.DONE)
    await refused(desk, "wks-002")
    desk.world.advance(2 * 3600)
    assert "nobody has lifted the brake" in (await refused(desk, "wks-002")).detail
    (brake,) = holding(desk)
    assert brake.opens_at is None
    organization = desk.world.organization_id
    desk.world.database.run_now(
        lambda tx: brakes.lift(tx, organization, seconds=3600, by="megan", reason="It is real.", more=1)
    )
    await desk.settle(desk.request(Kind.RESTRICT, "wks-002"), State.DONE)
    # The lift was for one, and the hour's limit counts again.
    await refused(desk, "srv1")
