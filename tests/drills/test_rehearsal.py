import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa

from drill_stage import HOST, PLAYBOOK, Stage, a_stage, keep_secret, marks
from ringfence.containment import service
from ringfence.drills import records
from ringfence.drills.model import EICAR_SHA256, Drill, State
from ringfence.playbooks import library
from ringfence.simulator import portal
from ringfence.simulator.specs import AlertSpec
from ringfence.storage import Database
from ringfence.storage.tables import containments, drills
from ringfence.storage.tables import incidents as incident_rows

PASSED = {
    "prepared": "done",
    "protected host refused": "done",
    "observed": "done",
    "promoted": "done",
    "decided": "done",
    "accepted": "done",
    "confirmed": "done",
    "released": "done",
}


@pytest.fixture
async def stage(embedded: Database) -> AsyncIterator[Stage]:
    async with a_stage(embedded) as made:
        made.publish()
        yield made


async def test_a_drill_contains_the_device_and_nothing_else_lets_it_go_and_writes_how_long_each_step_took(
    stage: Stage,
) -> None:
    done = await stage.play(stage.begin())
    assert (done.state, marks(done)) == (State.PASSED, PASSED)
    world = stage.world
    assert len(world.actions("Isolate")) == len(world.actions("Isolate", HOST)) == 1
    assert len(world.actions("Unisolate")) == len(world.actions("Unisolate", HOST)) == 1
    assert not world.machine(HOST).isolated
    timed = {step.name for step in done.steps if step.seconds is not None}
    assert timed == {"observed", "promoted", "decided", "accepted", "confirmed", "released"}
    assert all(step.seconds >= 0 for step in done.steps if step.seconds is not None)
    assert done.open_key is None
    assert done.finished_at is not None


async def test_the_incident_of_a_drill_is_closed_with_it_and_policy_that_demands_one_is_content(stage: Stage) -> None:
    stage.world.set_policy(incident_required=True)
    done = await stage.play(stage.begin())
    assert done.state is State.PASSED
    row = stage.world.database.read_now(lambda tx: tx.all(sa.select(incident_rows)))[0]
    assert (row["status"], row["resolution"], row["title"]) == ("resolved", "benign", f"Drill on {HOST}")
    assert row["created_by"] == f"drill {done.id}"


@pytest.mark.parametrize("state", [State.PREPARING, State.OBSERVING, State.CONTAINING, State.RELEASING])
async def test_whoever_aborts_a_drill_has_the_device_released_first(stage: Stage, state: State) -> None:
    drill = stage.begin()
    await stage.until(drill, state)
    stage.abort(drill)
    stage.abort(drill)
    done = await stage.play(drill)
    assert done.state is State.ABORTED
    assert done.aborted_by == "mara"
    rehearsals = stage.rehearsals()
    for _ in range(20):
        await stage.round(rehearsals)
    assert not stage.world.machine(HOST).isolated
    assert stage.held() == 0


async def test_what_comes_of_the_alert_after_the_end_is_let_go_at_once(stage: Stage) -> None:
    stage.contains = False
    drill = stage.begin()
    await stage.until(drill, State.CONTAINING)
    stage.abort(drill)
    done = await stage.play(drill)
    stage.contains = True
    rehearsals = stage.rehearsals()
    for _ in range(20):
        await stage.round(rehearsals)
    assert not stage.world.machine(HOST).isolated
    assert stage.held() == 0
    assert "let go at once" in stage.look(done).detail
    stage.world.advance(3600)
    await rehearsals.tick()
    await rehearsals.tick()
    assert stage.look(done).next_at is None


async def test_a_drill_that_takes_too_long_fails_and_leaves_nothing_isolated(stage: Stage) -> None:
    stage.world.change(HOST, online=False)
    drill = stage.begin(patience=60.0)
    done = await stage.play(drill)
    assert done.state is State.FAILED
    assert marks(done)["in time"] == "failed"
    stage.world.change(HOST, online=True)
    rehearsals = stage.rehearsals()
    for _ in range(10):
        await stage.round(rehearsals)
    assert not stage.world.machine(HOST).isolated
    assert stage.held() == 0


async def test_a_playbook_that_its_trigger_does_not_start_is_started_by_hand_with_a_warning(stage: Stage) -> None:
    stage.publish("{type: defender.alert, category: [Ransomware]}")
    done = await stage.play(stage.begin())
    assert done.state is State.PASSED
    assert marks(done) == PASSED | {"trigger": "warning"}


async def test_a_playbook_that_cannot_be_started_at_all_fails_with_the_reason(stage: Stage) -> None:
    stage.publish("{type: defender.alert, category: [Ransomware]}")
    drill = stage.begin()
    await stage.until(drill, State.CONTAINING)
    world = stage.world
    world.database.run_now(lambda tx: library.pause(tx, world.organization_id, PLAYBOOK))
    done = await stage.play(drill)
    assert done.state is State.FAILED
    assert "could not be started by hand" in done.detail


async def test_a_host_that_policy_does_not_protect_fails_the_drill_and_is_not_touched(stage: Stage) -> None:
    stage.world.set_policy(servers="allow", high_value="allow")
    done = await stage.play(stage.begin())
    assert done.state is State.FAILED
    assert [step.name for step in done.failures] == ["protected host refused"]
    assert "policy would not refuse it" in done.failures[0].detail
    assert stage.world.actions("Isolate", "srv1") == []


async def test_a_host_that_policy_refuses_is_a_line_that_is_done(stage: Stage) -> None:
    stage.world.set_policy(servers="refuse")
    done = await stage.play(stage.begin())
    assert marks(done) == PASSED
    assert stage.world.actions("Isolate", "srv1") == []


async def test_a_real_drill_waits_for_the_test_file_and_puts_nothing_into_defender(stage: Stage) -> None:
    drill = stage.begin(real=True)
    rehearsals = stage.rehearsals()
    for _ in range(5):
        await stage.round(rehearsals)
    waiting = stage.look(drill)
    assert waiting.state is State.OBSERVING
    assert "EICAR" in waiting.detail
    assert len(stage.world.tenant.alerts) == 0
    evidence = [{"entityType": "File", "fileName": "eicar.com", "sha256": EICAR_SHA256}]
    for values in (
        {"machine": "wks-002", "evidence": evidence},
        {"machine": HOST, "title": "Something else"},
        {"machine": HOST, "evidence": evidence, "category": "Malware", "investigation_state": "UnsupportedOs"},
    ):
        spec = AlertSpec.model_validate(values)
        portal.raise_alert(stage.world.tenant, spec, stage.world.simulator.clock.now())
        await stage.round(rehearsals)
    assert (await stage.play(drill)).state is State.PASSED


async def test_what_defender_has_remediated_fails_with_the_advice(stage: Stage) -> None:
    drill = stage.begin(real=True)
    await stage.until(drill, State.OBSERVING)
    found = {"machine": HOST, "category": "Malware", "investigation_state": "SuccessfullyRemediated", "title": "EICAR"}
    spec = AlertSpec.model_validate(found)
    portal.raise_alert(stage.world.tenant, spec, stage.world.simulator.clock.now())
    done = await stage.play(drill)
    assert done.state is State.FAILED
    assert "automatic remediation" in done.detail
    assert stage.world.actions("Isolate") == []


async def test_a_crash_between_any_two_looks_and_two_workers_at_once_change_nothing(stage: Stage) -> None:
    drill = stage.begin()
    for _ in range(60):
        if stage.look(drill).over:
            break
        await stage.round(stage.rehearsals())
        await asyncio.gather(stage.rehearsals().tick(), stage.rehearsals().tick())
    done = stage.look(drill)
    assert (done.state, marks(done)) == (State.PASSED, PASSED)
    assert len(stage.world.actions("Isolate")) == len(stage.world.actions("Unisolate")) == 1
    assert len(stage.world.tenant.alerts) == 1


async def test_a_simulator_that_does_not_answer_is_asked_again(stage: Stage) -> None:
    drill = stage.begin()

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    good, stage.transport = stage.transport, httpx.MockTransport(refuse)
    await stage.until(drill, State.OBSERVING)
    for _ in range(3):
        await stage.round(stage.rehearsals())
    stage.transport = httpx.MockTransport(lambda request: httpx.Response(500))
    stage.world.advance(60)
    await stage.round(stage.rehearsals())
    assert stage.look(drill).state is State.OBSERVING
    stage.transport = good
    stage.world.advance(60)
    assert (await stage.play(drill)).state is State.PASSED


async def test_a_device_that_is_held_already_fails_the_drill(stage: Stage) -> None:
    stage.world.request(stage.world.machine(HOST).id)
    await stage.world.drive()
    done = await stage.play(stage.begin())
    assert done.state is State.FAILED
    assert "a drill begins with a free device" in done.detail
    assert stage.held() == 1


async def test_a_release_that_fails_is_told_and_tried_on(stage: Stage) -> None:
    drill = stage.begin()
    await stage.until(drill, State.RELEASING)
    stage.world.fault("status", "unisolate_machine", status=500)
    rehearsals = stage.rehearsals()
    for _ in range(5):
        await stage.round(rehearsals)
    assert stage.look(drill).state is State.RELEASING
    assert stage.world.machine(HOST).isolated
    stage.world.advance(900)
    done = await stage.play(drill)
    assert done.state is State.FAILED
    assert "Ringfence goes on trying" in done.detail
    stage.world.simulator.faults.clear()
    for _ in range(5):
        stage.world.advance(600)
        await stage.round(rehearsals)
    assert not stage.world.machine(HOST).isolated


async def test_without_a_working_credential_a_drill_waits_visibly(stage: Stage) -> None:
    keep_secret(stage.world, "not-the-secret")
    drill = stage.begin(patience=120.0)
    await stage.rehearsals().tick()
    waiting = stage.look(drill)
    assert (waiting.state, waiting.detail[:8]) == (State.PREPARING, "Waiting:")
    stage.world.advance(120)
    await stage.rehearsals().tick()
    assert marks(stage.look(drill)) == {"in time": "failed"}


async def test_a_machine_that_is_gone_fails_the_drill(stage: Stage) -> None:
    device = stage.allow()
    stage.world.change(HOST, fields={"mergedIntoMachineId": stage.world.machine("wks-002").id})
    done = await stage.play(stage.begin(device))
    assert (done.state, marks(done)) == (State.FAILED, {"prepared": "failed"}), done


async def test_the_timer_of_a_drills_containment_ends_soon_after_the_drill(stage: Stage) -> None:
    drill = stage.begin()
    await stage.until(drill, State.RELEASING)
    row = stage.world.database.read_now(lambda tx: tx.all(sa.select(containments)))[0]
    found = stage.world.database.read_now(lambda tx: service.get(tx, row["id"]))
    assert found.auto_release_at is not None
    assert found.auto_release_at <= drill.deadline_at + timedelta(seconds=601)


async def test_drills_use_up_no_limit_of_what_is_meant(stage: Stage) -> None:
    stage.world.set_policy(max_per_hour=1)
    assert (await stage.play(stage.begin())).state is State.PASSED
    assert (await stage.play(stage.begin())).state is State.PASSED
    asked = stage.world.request("wks-002")
    await stage.world.settle(asked, "contained")  # type: ignore[arg-type]


async def test_a_schedule_begins_one_drill_for_a_moment_however_many_workers_there_are(stage: Stage) -> None:
    world, device = stage.world, stage.allow()

    def write() -> records.Schedule:
        return world.database.run_now(
            lambda tx: records.schedule(tx, device, PLAYBOOK, cron="* * * * *", time_zone="UTC", by="mara")
        )

    made = write()
    assert made.next_at is not None
    world.advance(61)
    await asyncio.gather(stage.rehearsals().tick(), stage.rehearsals().tick())
    rows = world.database.read_now(lambda tx: tx.all(sa.select(drills)))
    assert len(rows) == 1
    assert rows[0]["started_by"] == "the schedule of mara"
    world.advance(60)
    await stage.rehearsals().tick()
    listed = world.database.read_now(lambda tx: records.schedules(tx, world.organization_id))
    assert "going on already" in listed[0].detail


async def _prepared(stage: Stage, drill: Drill) -> None:
    for _ in range(1_000_000):
        if stage.look(drill).state is not State.PREPARING:
            return
        await asyncio.sleep(0)
    raise AssertionError("it was not prepared")


async def test_it_goes_on_until_it_is_told_to_stop(stage: Stage) -> None:
    stop = asyncio.Event()
    drill = stage.begin()
    working = asyncio.create_task(stage.rehearsals().run_forever(stop))
    await _prepared(stage, drill)
    stop.set()
    await working
    assert stage.world.database.read_now(records.next_due) is not None
