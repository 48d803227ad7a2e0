"""A host is explained from live facts, and nothing is changed by it."""

import pytest
import sqlalchemy as sa

from containment_world import World
from ringfence.containment import explaining, policies
from ringfence.containment.explaining import Explanation, Question
from ringfence.containment.policies import Scope
from ringfence.errors import Invalid, NotFound
from ringfence.storage.tables import approvals, brakes, changes, containments

HOST = "wks-001"


async def explain(world: World, target: str, **more: object) -> Explanation:
    client = await world.clients.get(world.account_id)
    question = Question(world.organization_id, world.account_id, target, **more)  # type: ignore[arg-type]
    return await explaining.explain(world.database, client, question)


def rows(world: World) -> list[int]:
    counted = (sa.select(sa.func.count()).select_from(each) for each in (containments, approvals, brakes, changes))
    return [world.database.read_now(lambda tx, query=each: tx.scalar(query)) for each in counted]  # type: ignore[misc]


async def test_a_host_is_known_by_id_name_or_address_and_nothing_is_changed(world: World) -> None:
    before = rows(world)
    machine = world.machine(HOST)
    for target in (machine.id, HOST.upper()):
        found = await explain(world, target)
        assert (found.outcome, found.machine_id) == ("allowed", machine.id)
        assert found.facts["name"] == machine.record.document["computerDnsName"]
        assert found.policy_version == "default"
    assert rows(world) == before
    assert world.sent("isolate_machine") == []


async def test_the_verdict_names_every_reason_and_who_would_be_asked(world: World) -> None:
    world.set_policy(approvals={"always": True, "approvers": ["megan", "joni"], "count": 2})
    found = await explain(world, HOST)
    assert (found.outcome, found.approvers, found.needed) == ("ask", ("megan", "joni"), 2)
    assert found.reasons == ("Policy asks before every containment.",)
    by_person = await explain(world, HOST, by_person=True)
    assert (by_person.outcome, by_person.approvers, by_person.needed) == ("allowed", (), 0)
    world.change(HOST, tags=["Ringfence-Protected"])
    world.set_policy(frozen=True)
    refused = await explain(world, HOST)
    assert refused.outcome == "denied"
    assert len(refused.reasons) == 2


async def test_a_drill_is_judged_as_in_an_incident_and_what_lasts_is_told_from_what_passes_by(world: World) -> None:
    world.set_policy(incident_required=True)
    assert (await explain(world, HOST)).outcome == "denied"
    assert (await explain(world, HOST, drill=True)).outcome == "allowed"
    world.set_policy(frozen=True, max_per_hour=0)
    stopped = await explain(world, HOST, drill=True)
    assert (stopped.outcome, stopped.lasting, len(stopped.reasons)) == ("denied", (), 2)
    world.change(HOST, tags=["Backup"])
    assert "tag 'Backup'" in " ".join((await explain(world, HOST)).lasting)


async def test_the_layer_of_the_hosts_group_counts(world: World) -> None:
    group = world.machine(HOST).record.document.get("rbacGroupName") or "Plant"
    world.machine(HOST).record.document["rbacGroupName"] = group
    where = Scope(world.organization_id, group)
    world.database.run_now(lambda tx: policies.write(tx, where, {"mode": "none"}, expected_version=0, by="tests"))
    found = await explain(world, HOST)
    assert (found.outcome, found.device_group) == ("denied", group)
    assert found.policy_version == f"device group {group} 1"


async def test_what_is_held_already_names_the_containment(world: World) -> None:
    asked = world.request(world.machine(HOST).id)
    await world.settle(asked, asked.state.CONTAINED)
    assert (await explain(world, HOST)).held_by == asked.id


async def test_a_host_that_is_not_certain_is_denied_with_the_candidates(world: World) -> None:
    found = await explain(world, "wks-00")
    assert (found.outcome, found.machine_id, found.facts) == ("denied", None, {})
    world.change(HOST, fields={"onboardingStatus": "CanBeOnboarded"})
    close = await explain(world, HOST)
    assert close.outcome == "denied"
    assert len(close.candidates) == 1


async def test_what_cannot_be_meant_is_said(world: World) -> None:
    with pytest.raises(Invalid, match="not a machine id"):
        await explain(world, "wks 001; drop")
    with pytest.raises(NotFound, match="no playbook"):
        await explain(world, HOST, playbook="Nobody")
    with pytest.raises(NotFound, match="no alert"):
        await explain(world, HOST, alert="da0")
