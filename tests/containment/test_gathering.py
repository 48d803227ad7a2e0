"""What policy judges by is gathered from rows: what counts against which limit, and what Defender has dealt with."""

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa

from accounts_samples import a_stored_account, an_organization
from containment_world import World
from ringfence import clock
from ringfence.containment import brakes, gathering, service
from ringfence.containment.gathering import Asked, Live
from ringfence.containment.model import State
from ringfence.containment.policy import Guard, Policy
from ringfence.containment.verdict import Brake, Facts, Limit, decide
from ringfence.defender.wire import Machine
from ringfence.simulator.faults import Fault
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import alert_versions, alerts, containments

HOST = "a" * 40


def machine(**values: object) -> Machine:
    return Machine.parse(
        {"id": HOST, "computerDnsName": "wks-001", "machineTags": [], "onboardingStatus": "Onboarded"} | values
    )


@pytest.fixture
def asked(database: Database) -> Asked:
    organization = an_organization(database)
    return Asked(organization, a_stored_account(database, organization).id)


def another(database: Database, asked: Asked, key: str, **values: object) -> str:
    def work(tx: Transaction) -> str:
        made = service.request(
            tx,
            organization_id=asked.organization_id,
            account_id=asked.account_id,
            target=f"wks-{key}",
            reason="Ransomware",
            requested_by="a playbook",
            key=key,
        )
        row = {"decided_at": clock.now(), "state": "approved"} | values
        tx.execute(sa.update(containments).where(containments.c.id == made.id).values(row))
        return made.id

    return database.run_now(work)


def facts(database: Database, asked: Asked, **values: object) -> Facts:
    return database.read_now(lambda tx: gathering.facts(tx, asked, machine(**values), Live()))


def an_alert(database: Database, asked: Asked, document: dict[str, object]) -> str:
    alert_id, now = clock.new_id(), clock.now()
    row = {
        "id": alert_id,
        "organization_id": asked.organization_id,
        "account_id": asked.account_id,
        "alert_id": f"da{alert_id}",
        "version": 1,
        "title": "Ransomware",
        "severity": "High",
        "status": "New",
        "category": "Malware",
        "ingested_at": now,
    }
    version = {"alert_id": alert_id, "version": 1, "fingerprint": "f", "seen_at": now, "raw": json.dumps(document)}

    def work(tx: Transaction) -> None:
        tx.execute(sa.insert(alerts).values(row))
        tx.execute(sa.insert(alert_versions).values(version))

    database.run_now(work)
    return alert_id


def test_what_was_denied_or_waits_for_an_answer_counts_against_no_limit(database: Database, asked: Asked) -> None:
    for state in ("denied", "not_needed", "awaiting_approval", "rejected", "expired"):
        another(database, asked, state, state=state)
    for state in ("approved", "pending", "contained", "released", "failed"):
        another(database, asked, state, state=state, device_group="Plant")
    another(database, asked, "old", decided_at=clock.now() - timedelta(hours=1, seconds=1))
    found = facts(database, asked, rbacGroupName="Plant")
    assert (found.decided_last_hour, found.decided_in_group) == (5, 5)
    # What is on its way to being cut off counts with what is.
    assert found.held_now == 4
    # Hosts without a group are a group of their own.
    assert facts(database, asked).decided_in_group == 0
    another(database, asked, "groupless")
    assert facts(database, asked).decided_in_group == 1


def test_a_limit_opens_when_enough_of_its_hour_has_passed(database: Database, asked: Asked) -> None:
    now = clock.now()
    for minutes in (50, 30, 10):
        another(database, asked, str(minutes), decided_at=now - timedelta(minutes=minutes))
    brake = Brake(Limit.HOUR, "", "")

    def opens(policy: Policy) -> timedelta | None:
        at = database.read_now(lambda tx: gathering.opens_at(tx, asked, machine(), policy, brake))
        return None if at is None else at - now

    assert opens(Policy(max_per_hour=3)) == timedelta(minutes=10)
    assert opens(Policy(max_per_hour=2)) == timedelta(minutes=30)
    assert opens(Policy(max_per_hour=0)) is None
    assert opens(Policy(max_per_hour=3, brake_until_lifted=True)) is None


def test_a_lift_and_a_brake_that_holds_are_facts(database: Database, asked: Asked) -> None:
    made = another(database, asked, "first")
    database.run_now(
        lambda tx: brakes.trip(
            tx,
            service.get(tx, made).organization_id,
            Brake(Limit.HOUR, "", "Reached."),
            opens_at=None,
            containment_id=made,
        )
    )
    assert facts(database, asked).tripped == ("hour:",)
    database.run_now(lambda tx: brakes.lift(tx, asked.organization_id, seconds=60, by="megan", reason="Real"))
    found = facts(database, asked)
    assert found.tripped == ()
    assert found.lifted.startswith("megan lifted the limits until")


def test_each_alert_must_be_dealt_with(database: Database, asked: Asked) -> None:
    done = an_alert(database, asked, {"evidence": [{"entityType": "File", "detectionStatus": "Prevented"}]})
    open_ = an_alert(database, asked, {"evidence": [{"entityType": "File", "detectionStatus": "Detected"}]})

    def handled(*ids: str) -> str:
        about = Asked(asked.organization_id, asked.account_id, alert_ids=ids)
        return facts(database, about).handled

    assert "Defender has dealt with all evidence" in handled(done)
    assert handled(open_) == handled(done, open_) == handled() == handled(done, "gone") == ""


def test_what_defender_has_dealt_with_needs_nothing_unless_by_force(database: Database, asked: Asked) -> None:
    done = an_alert(database, asked, {"investigationState": "SuccessfullyRemediated"})
    for forced, outcome in ((False, "not_needed"), (True, "allowed")):
        about = Asked(asked.organization_id, asked.account_id, by_person=True, forced=forced, alert_ids=(done,))
        found = decide(Policy(), facts(database, about))
        assert found.outcome == outcome
        assert "ended with everything remediated" in " ".join(found.reasons)


def test_a_drill_uses_up_no_limit(database: Database, asked: Asked) -> None:
    assert facts(database, asked).decided_last_hour == 0
    another(database, asked, "meant", alert_id=an_alert(database, asked, {}))
    assert facts(database, asked).decided_last_hour == 1


async def test_logged_on_people_are_asked_for_only_where_policy_wants_it(world: World) -> None:
    host = world.machine("wks-001").id
    client = await world.clients.get("")
    assert await gathering.live(client, Policy(), host) == Live()
    assert world.sent("get_machine_logon_users") == []
    wanted = Policy(domain_admins=Guard.ASK)
    assert (await gathering.live(client, wanted, host)).domain_admin is not None
    assert (await gathering.live(client, wanted, "f" * 40)).domain_admin is None
    world.simulator.faults.add(
        Fault.model_validate({"kind": "status", "status": 403, "operation": "get_machine_logon_users"})
    )
    assert (await gathering.live(client, wanted, host)).domain_admin is None


async def test_a_run_about_what_defender_has_dealt_with_contains_nothing_and_a_person_can_by_force(
    world: World,
) -> None:
    mine = Asked(world.organization_id, world.account_id)
    alert = an_alert(world.database, mine, {"evidence": [{"entityType": "File", "detectionStatus": "Blocked"}]})
    asked = world.request("wks-001", alert_id=alert)
    await world.drive()
    found = world.look(asked)
    assert found.state == "not_needed"
    assert "Defender has dealt with all evidence" in found.detail
    assert found.verdict is not None
    assert found.verdict["outcome"] == "not_needed"
    assert world.sent("isolate_machine") == []
    await world.settle(world.request("wks-001", alert_id=alert, forced=True), State.CONTAINED)


async def test_policy_bounds_the_timer_of_every_holder(world: World) -> None:
    world.set_policy(longest_hold="1 h")
    held = await world.settle(world.request("wks-001"), State.CONTAINED)
    assert held.auto_release_after == 3600
    joined = world.request(world.machine("wks-001").id, key="another", auto_release_after=86_400.0)
    assert joined.id == held.id
    assert world.look(held).auto_release_after == 3600
    assert world.look(held).auto_release_at is not None
    await world.pass_time(3700)
    await world.settle(held, State.RELEASED)
