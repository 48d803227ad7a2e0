from collections.abc import AsyncIterator
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest

from drill_stage import HOST, PLAYBOOK, Stage, a_stage
from ringfence.actions.catalogue import discover
from ringfence.containment.explaining import Explanation
from ringfence.containment.verdict import Outcome
from ringfence.drills import desk, records
from ringfence.drills.model import Drill, State
from ringfence.errors import Conflict, Invalid, NotFound, Unavailable
from ringfence.playbooks import library
from ringfence.storage import Database

STARTERS = files("ringfence.playbooks").joinpath("starters")
FOUND = Explanation(
    target=HOST,
    machine_id="a" * 40,
    machine_name=HOST,
    device_group="Test",
    outcome=Outcome.ALLOWED,
    reasons=(),
    facts={"os_platform": "Windows11"},
    candidates=(),
    approvers=(),
    needed=0,
    policy_version="1",
    overruled=(),
    held_by=None,
    at="",
)


@pytest.fixture
async def stage(embedded: Database) -> AsyncIterator[Stage]:
    async with a_stage(embedded) as made:
        yield made


def publish(stage: Stage, starter: str) -> None:
    text = STARTERS.joinpath(starter).read_text("utf-8")
    catalogue, organization = discover(), stage.world.organization_id
    stage.world.database.run_now(lambda tx: library.publish(tx, organization, text, "ada", catalogue=catalogue))


async def test_a_host_that_is_known_for_certain_is_allowed_and_no_other(stage: Stage) -> None:
    run, organization = stage.world.database.run_now, stage.world.organization_id
    made = run(lambda tx: desk.allow(tx, organization, None, FOUND, "mara"))
    assert (made.name, made.device_group, made.os_platform) == (HOST, "Test", "Windows11")
    assert run(lambda tx: desk.allow(tx, organization, "contoso", FOUND, "mara")).machine_id == made.machine_id
    vague = replace(FOUND, machine_id=None, reasons=("Two devices bear it.",), candidates=("wks-001 (aaa)",))
    with pytest.raises(NotFound, match="These came close: wks-001"):
        run(lambda tx: desk.allow(tx, organization, None, vague, "mara"))


async def test_the_only_playbook_that_contains_is_meant_and_among_several_one_is_named(stage: Stage) -> None:
    read, organization = stage.world.database.read_now, stage.world.organization_id
    stage.publish()
    with pytest.raises(Invalid, match="No active playbook"):
        read(lambda tx: desk.playbook(tx, organization, None))
    with pytest.raises(Invalid, match="nothing to rehearse"):
        read(lambda tx: desk.playbook(tx, organization, PLAYBOOK))
    publish(stage, "contain-malware.yaml")
    assert read(lambda tx: desk.playbook(tx, organization, None)) == "Contain malware"
    publish(stage, "contain-ransomware.yaml")
    assert read(lambda tx: desk.containing(tx, organization)) == ["Contain malware", "Contain ransomware"]
    with pytest.raises(Invalid, match="Several"):
        read(lambda tx: desk.playbook(tx, organization, None))
    assert read(lambda tx: desk.playbook(tx, organization, "Contain ransomware")) == "Contain ransomware"


async def begin(stage: Stage, explain: desk.Explain, *, real: bool = False) -> Drill:
    world = stage.world
    device = world.machine(HOST).id
    return await desk.begin(world.database, explain, world.organization_id, device, None, real=real, by="mara")


async def test_a_device_that_policy_denies_is_refused_with_what_to_do(stage: Stage) -> None:
    publish(stage, "contain-malware.yaml")
    stage.allow()
    questions: list[dict[str, Any]] = []
    reasons = ("The device is protected by its tag 'Backup' (policy: Backup).",)
    found = replace(FOUND, outcome=Outcome.DENIED, reasons=reasons)

    async def explain(**question: Any) -> Explanation:
        questions.append(question)
        return found

    with pytest.raises(Conflict, match="tag 'Backup'") as error:
        await begin(stage, explain)
    assert f"policy explain {HOST}" in error.value.advice
    assert (questions[0]["playbook"], questions[0]["account"], questions[0]["drill"]) == (
        "Contain malware",
        "contoso",
        True,
    )
    run, organization = stage.world.database.run_now, stage.world.organization_id
    protected = replace(found, lasting=reasons)
    with pytest.raises(Conflict, match="tag 'Backup'"):
        run(lambda tx: desk.allow(tx, organization, None, protected, "mara"))
    # What will pass by, such as the kill switch, keeps nobody from naming a device.
    assert run(lambda tx: desk.allow(tx, organization, None, found, "mara")).name == HOST
    found = replace(FOUND, outcome=Outcome.ASK)
    assert (await begin(stage, explain)).state is State.PREPARING


async def away(**_: object) -> Explanation:
    raise Unavailable("Defender could not be asked.", advice="Try again.")


async def test_a_device_of_a_real_tenant_needs_the_word_and_defender_may_be_away(stage: Stage) -> None:
    run, organization = stage.world.database.run_now, stage.world.organization_id
    publish(stage, "contain-malware.yaml")
    device = stage.allow()
    values: dict[str, Any] = {"by": "mara"}
    stage.world.set_account(api_url=None)
    with pytest.raises(Invalid) as error:
        await begin(stage, away)
    assert "--real" in error.value.advice
    assert (await begin(stage, away, real=True)).real
    made = run(
        lambda tx: desk.schedule(tx, organization, device.name, None, cron="0 9 * * 1", time_zone="UTC", **values)
    )
    assert made.patience == records.USUAL
