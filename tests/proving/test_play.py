from pathlib import Path

from ringfence.playbooks.checks.base import example
from ringfence.playbooks.document import read
from ringfence.playbooks.proof import Subject
from ringfence.proving.play import Play
from ringfence.proving.scenes import scenes
from ringfence.proving.stage import a_stage, prepared, pretended

TEXT = example(
    'cut: {action: containment.contain, with: {machine: "${trigger.alert.machineId}", reason: y, auto_release: 2 h}}',
    trigger="{type: defender.alert, where: \"alert.title == 'never'\"}",
)


async def test_a_scene_is_played_to_its_end_also_where_the_trigger_does_not_match(tmp_path: Path) -> None:
    playbook, subject, machine = read(TEXT).playbook, Subject(source=TEXT), pretended()
    assert playbook is not None
    (scene,) = scenes(playbook, machine.id, machine.name)
    async with a_stage(prepared(tmp_path / "empty"), tmp_path / "one", subject, playbook) as stage:
        played = await Play(stage, playbook, scene).play(subject)
    assert played.steps == {"cut": ("succeeded", "success", "")}
    assert played.reached("cut")
    (held,) = played.holds
    assert held.confirmed is not None
    assert held.released is not None
    assert held.released - held.confirmed >= 7_200
    assert played.carried_out["isolate_machine"] == played.carried_out["unisolate_machine"] == [machine.id]
    assert any("did not match" in note for note in played.notes)
    assert played.unfinished == ""
