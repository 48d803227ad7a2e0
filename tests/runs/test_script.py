from typing import Any

from ringfence.playbooks.components import compile_whole
from ringfence.playbooks.document import read
from ringfence.runs.script import Script
from run_world import World, catalogue_of, source_of


def test_every_step_has_its_action_and_its_place_those_of_loops_behind_their_loop() -> None:
    steps: dict[str, dict[str, Any]] = {
        "one": {"action": "contoso.pure", "for_each": [1]},
        "last": {"action": "contoso.write", "after": "one"},
        "two": {"action": "contoso.read", "after": "one.each"},
    }
    playbook, catalogue = read(source_of(steps)).playbook, catalogue_of(World())
    assert playbook is not None
    script = Script.of(compile_whole(playbook, catalogue, {}), catalogue)
    assert script.positions == {"one": 0, "two": 1, "last": 2}
    assert script.actions["two"].id == "contoso.read"
