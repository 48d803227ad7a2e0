import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from ringfence.actions import ActionError, Context
from ringfence.playbooks.schedule import StepStatus
from ringfence.rehearsals.scene import Doors, Scene, rehearsed
from ringfence.runs.model import StepRun

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _scene() -> Scene:
    run = rehearsed("One", {"type": "manual"}, now=NOW)
    return Scene(run, StepRun(run.id, "one", 0, "logic.set", StepStatus.PENDING), {}, {}, Doors(), NOW)


async def test_every_door_is_shut_and_says_what_to_do() -> None:
    scene: Context = _scene()
    with pytest.raises(ActionError, match="reaches nothing outside") as refused:
        await scene.defender.read("get_machine", machine_id="x")
    assert refused.value.permanent
    assert "mock" in refused.value.advice
    with pytest.raises(ActionError):
        await scene.containment.state("x")
    with pytest.raises(ActionError):
        await scene.people.answered("x")
    with pytest.raises(ActionError):
        await scene.incidents.get(None)


async def test_a_file_is_measured_and_not_kept() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"ab"
        yield b"c"

    kept = await _scene().attach("a.zip", pieces())
    assert kept == {"attachment": "", "name": "a.zip", "size": 3, "sha256": hashlib.sha256(b"abc").hexdigest()}
    assert (await _scene().attach("a.zip", b"abc"))["sha256"] == kept["sha256"]


def test_time_is_the_rehearsals_own_and_people_are_told_what_matters() -> None:
    scene = _scene()
    scene.log("info", "Seen.")
    scene.log("debug", "Not seen.")
    assert (scene.now(), scene.lines, scene.attempt) == (NOW, ["Seen."], 1)
    assert scene.step_key == f"{scene.run_id}:one:0"
