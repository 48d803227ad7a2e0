from datetime import timedelta

from acting import NOON, Scene, Shelf
from ringfence.actions import Json, Result
from ringfence.connectors.table import connector

INES: dict[str, Json] = {"value": "ines", "note": "CEO"}


async def test_a_lookup_goes_by_whether_anything_is_in_the_table() -> None:
    scene = Scene(tables=Shelf({"ines": INES}))
    lookup = connector.actions["table.lookup"]
    answer = await lookup.call(scene, {"table": "vips", "value": ["bob", None, "ines", "bob", " "]})
    assert answer == Result("found", {"entry": INES, "entries": [INES], "found": ["ines"], "missing": ["bob"]})
    assert scene.tables.asked == [("look up", {"table": "vips", "values": ["bob", "ines"]})]
    answer = await lookup.call(scene, {"table": "vips", "value": None})
    assert answer == Result("not_found", {"entry": None, "entries": [], "found": [], "missing": []})
    assert len(scene.tables.asked) == 1


async def test_values_are_put_in_once_for_the_step_and_taken_out() -> None:
    scene = Scene(tables=Shelf({"ws-1": INES}))
    inputs: dict[str, Json] = {"table": "seen", "value": ["ws-1", "ws-2"], "expires": "7 d", "data": {"owner": "ines"}}
    answer = await connector.actions["table.add"].call(scene, inputs)
    assert answer == Result("success", {"added": 1, "replaced": 1})
    assert scene.tables.asked[0][1] == {
        "table": "seen",
        "values": ["ws-1", "ws-2"],
        "note": "",
        "data": {"owner": "ines"},
        "expires_at": NOON + timedelta(days=7),
        "key": "run1:one:0",
    }
    answer = await connector.actions["table.remove"].call(scene, {"table": "seen", "value": "ws-1"})
    assert answer == Result("success", {"removed": 1})
    for action in ("table.add", "table.remove"):
        await connector.actions[action].call(scene, {"table": "seen", "value": None})
    assert len(scene.tables.asked) == 2
