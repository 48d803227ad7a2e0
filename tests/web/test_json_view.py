import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.web import json_view
from ringfence.web.json_view import MAX_DEPTH, MAX_NODES, MAX_TEXT, Node

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=50,
)


def nodes(node: Node) -> list[Node]:
    return [node, *(below for child in node.children for below in nodes(child))]


def test_a_value_becomes_a_tree_with_paths_for_playbooks() -> None:
    root = json_view.tree({"machine": {"risk-score": "High", "ips": ["10.0.0.1"]}, "n": 1.5, "ok": True, "no": None})
    found = {node.path: (node.kind, node.text) for node in nodes(root)}
    assert found["@"] == ("object", "")
    assert found['machine."risk-score"'] == ("string", "High")
    assert found["machine.ips[0]"] == ("string", "10.0.0.1")
    assert found["n"] == ("number", "1.5")
    assert found["ok"] == ("boolean", "true")
    assert found["no"] == ("null", "null")
    assert root.size == "4 fields"
    assert root.children[0].children[1].size == "1 item"


def test_what_is_too_deep_too_long_or_too_much_is_left_out_and_said() -> None:
    deep: Any = "end"
    for _ in range(50):
        deep = [deep]
    assert "nested too deeply" in next(node.text for node in nodes(json_view.tree(deep)) if node.kind == "more")
    assert len(nodes(json_view.tree(deep))) <= MAX_DEPTH + 2
    text = json_view.tree("x" * 100_000).text
    assert text.endswith("… (100,000 characters)")
    assert len(text) < MAX_TEXT + 50
    wide = json_view.tree(list(range(5_000)))
    assert wide.children[-1].text == "4,800 more, not shown"
    many = json_view.tree([[0] * 100 for _ in range(100)])
    assert len(nodes(many)) <= MAX_NODES + 200


def test_a_text_that_is_no_json_is_shown_as_it_is() -> None:
    assert json_view.parse("{") == "{"
    assert json_view.parse("[" * 100_000) == "[" * 100_000
    assert json_view.parse('{"a": 1}') == {"a": 1}


@settings(max_examples=40, deadline=None)
@given(_JSON)
def test_any_value_can_be_shown(value: Any) -> None:
    root = json_view.tree(json.loads(json.dumps(value)))
    assert len(nodes(root)) <= 3 * MAX_NODES
