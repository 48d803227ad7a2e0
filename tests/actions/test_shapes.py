from ringfence.actions import Json, shapes
from ringfence.actions.shapes import merged, names, recorded, shape_of, told


def test_a_shape_has_names_and_kinds_and_of_a_list_one_entry_for_all() -> None:
    value: Json = {
        "number": 1,
        "owner": None,
        "hosts": [{"name": "a", "ip": None}, {"name": "b", "ip": "1"}],
        "none": [],
        "yes": True,
    }
    assert shape_of(value) == {
        "number": "number",
        "owner": "any",
        "hosts": [{"name": "text", "ip": "text"}],
        "none": [],
        "yes": "boolean",
    }
    assert shape_of([1, "a"]) == ["any"]
    assert shape_of({"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": 1}}}}}}}}) == {
        "a": {"b": {"c": {"d": {"e": {"f": {"g": "any"}}}}}}
    }


def test_shapes_are_merged_where_they_agree() -> None:
    assert merged({"a": "text"}, {"b": ["any"]}) == {"a": "text", "b": ["any"]}
    assert merged([{"a": "any"}], [{"a": "number"}]) == [{"a": "number"}]
    assert merged([], ["text"]) == ["text"]
    assert merged({"a": "text"}, "number") == "any"


def test_a_shape_is_written_as_people_read_yaml() -> None:
    shape = shape_of({"id": "x", "hosts": [{"name": "a", "tags": ["b"]}], "none": [], "data": {}})
    assert told(shape).splitlines() == [
        "id: text",
        "hosts:",
        "  - name: text",
        "    tags:",
        "      - text",
        "none: list",
        "data: object",
    ]
    assert (told("text"), told([]), told({})) == ("text", "- any", "object")
    assert (names(shape), names([{"a": "text"}]), names("text")) == (["id", "hosts", "none", "data"], ["a"], [])


def test_what_is_recorded_consists_of_known_kinds() -> None:
    def walk(shape: shapes.Shape) -> None:
        for each in shape.values() if isinstance(shape, dict) else shape if isinstance(shape, list) else ():
            walk(each)
        assert isinstance(shape, dict | list) or shape in ("text", "number", "boolean", "any")

    for shape in recorded().values():
        walk(shape)
