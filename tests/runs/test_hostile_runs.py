"""What stands in an alert goes through runs as the text that it is: into inputs, alone and inside others, and into rows."""

import json

from hostile import CORPUS, HUGE
from ringfence.actions import Json
from ringfence.storage import Database
from ringfence.storage.columns import storable
from run_world import Stage

STEPS = {
    "alone": {"action": "contoso.pure", "with": {"value": "${trigger.x}"}},
    "inside": {"after": "alone", "action": "contoso.pure", "with": {"value": "a ${trigger.x} b"}},
    "deeper": {
        "after": "inside",
        "action": "contoso.pure",
        "with": {"value": {"k": ["${trigger.x}", "$${trigger.x}"]}},
    },
}


async def test_every_hostile_text_arrives_in_every_step_as_it_was_stored(embedded: Database) -> None:
    stage = Stage.set(embedded, STEPS)
    for attack, text in CORPUS.items():
        stage.world.inputs.clear()
        run = await stage.carry(stage.request(x=text))
        kept = storable(text)
        assert run["status"] == "succeeded", (attack, run["error"])
        assert stage.world.inputs["alone"] in (text, kept), attack
        assert stage.world.inputs["inside"] in (f"a {text} b", f"a {kept} b"), attack
        assert stage.world.inputs["deeper"] in ({"k": [text, "${trigger.x}"]}, {"k": [kept, "${trigger.x}"]}), attack


async def test_what_is_too_large_or_too_deep_fails_the_step_with_a_reason_and_nothing_else(embedded: Database) -> None:
    stage = Stage.set(embedded, STEPS)
    deep: Json = "x"
    for _ in range(300):
        deep = {"a": [deep]}
    for value in (HUGE, deep):
        run = await stage.carry(stage.request(x=value))
        assert run["status"] in ("succeeded", "failed")
        if run["status"] == "failed":
            assert "Internal error" not in run["error"]
        assert len(json.dumps(stage.world.inputs)) < 20_000_000
