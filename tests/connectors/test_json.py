import pytest

from acting import Scene
from ringfence.actions import ActionError, Json, Result
from ringfence.connectors.json import connector


async def _do(action: str, **inputs: Json) -> Json:
    answer = await connector.actions[f"json.{action}"].call(Scene(), inputs)
    assert isinstance(answer, Result)
    return answer.output


async def test_json_is_read_and_written() -> None:
    assert await _do("parse", text='{"a": [1, "ü", null]}') == {"a": [1, "ü", None]}
    assert await _do("format", value={"b": 1, "a": ["ü"]}, sort=True) == '{"a":["ü"],"b":1}'
    assert await _do("format", value=[1], pretty=True) == "[\n  1\n]"
    assert await _do("format") == "null"


@pytest.mark.parametrize("text", ["", "{", "NaN", "[1] 2", "deep", '{"a":1e999}'])
async def test_what_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(ActionError) as caught:
        await _do("parse", text="[" * 100_000 if text == "deep" else text)
    assert caught.value.permanent


async def test_objects_are_put_together() -> None:
    one: Json = {"a": 1, "b": {"x": 1, "l": [1]}}
    other: Json = {"b": {"y": 2, "l": [2]}, "c": None}
    assert await _do("merge", objects=[one, None, other]) == {"a": 1, "b": {"y": 2, "l": [2]}, "c": None}
    assert await _do("merge", objects=[one, other], deep=True) == {
        "a": 1,
        "b": {"x": 1, "y": 2, "l": [1, 2]},
        "c": None,
    }
    deep: Json = {}
    for _ in range(60):
        deep = {"a": deep}
    with pytest.raises(ActionError, match="too deeply"):
        await _do("merge", objects=[deep, deep], deep=True)


async def test_fields_are_kept_and_left_out() -> None:
    one: Json = {"a": 1, "b": "", "c": {}, "d": False}
    assert await _do("pick", value=one, names=["d", "a", "z"]) == {"d": False, "a": 1}
    assert await _do("pick", value=[one, {}], names=["a"]) == [{"a": 1}, {}]
    assert await _do("omit", value=one, names=["a"], empty=True) == {"d": False}
    assert await _do("omit", value=[one], names=["a", "b", "c"]) == [{"d": False}]


async def test_lists_are_sorted_out() -> None:
    items: Json = [{"h": "b", "n": 1}, {"h": "a", "n": 2}, {"h": "b", "n": 3}, {"n": 4}]
    assert await _do("unique", items=items, by="h") == [{"h": "b", "n": 1}, {"h": "a", "n": 2}, {"n": 4}]
    assert await _do("unique", items=[1, True, "1", 1.0, 1, {"a": 1, "b": 2}, {"b": 2, "a": 1}]) == [
        1,
        True,
        "1",
        1.0,
        {"a": 1, "b": 2},
    ]
    ordered = await _do("sort", items=items, by="h", descending=True)
    assert ordered == [{"h": "b", "n": 1}, {"h": "b", "n": 3}, {"h": "a", "n": 2}, {"n": 4}]
    assert await _do("sort", items=["b", 2, None, "A", [1], 1.5]) == [1.5, 2, "A", "b", [1], None]
    assert await _do("group", items=items, by="h") == [
        {"key": "b", "items": [{"h": "b", "n": 1}, {"h": "b", "n": 3}], "count": 2},
        {"key": "a", "items": [{"h": "a", "n": 2}], "count": 1},
        {"key": None, "items": [{"n": 4}], "count": 1},
    ]
    with pytest.raises(ActionError, match="length"):
        await _do("group", items=[1], by="length(@)")
