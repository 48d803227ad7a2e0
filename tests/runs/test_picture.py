from dataclasses import dataclass

from ringfence.runs.picture import MOST, NODE_HEIGHT, NODE_WIDTH, draw

SOURCE = """
ringfence: 1
name: n
trigger: {type: manual}
steps:
  ask: {action: logic.condition, with: {test: "`true`"}}
  isolate: {action: containment.contain, after: ask.yes, on_error: tell}
  comment: {action: incident.note, after: ask.no}
  tell: {action: notify.send, after: [isolate, comment], join: any}
"""


@dataclass(frozen=True)
class Did:
    step: str
    status: str
    outcome: str | None = None
    iteration: int = 0


def test_each_step_stands_below_what_leads_to_it_and_none_upon_another() -> None:
    picture = draw(SOURCE, [])
    assert picture is not None
    at = {node.name: node for node in picture.nodes}
    assert at["ask"].y < at["isolate"].y == at["comment"].y < at["tell"].y
    assert abs(at["isolate"].x - at["comment"].x) >= NODE_WIDTH
    assert all(node.x > 0 and node.x + NODE_WIDTH < picture.width for node in picture.nodes)
    assert all(node.y > 0 and node.y + NODE_HEIGHT < picture.height for node in picture.nodes)
    assert {node.status for node in picture.nodes} == {"pending"}
    assert {edge.state for edge in picture.edges} == {"open"}


def test_edges_say_whether_they_were_taken() -> None:
    did = [Did("ask", "succeeded", "yes"), Did("isolate", "failed"), Did("comment", "skipped"), Did("tell", "started")]
    picture = draw(SOURCE, did)
    assert picture is not None
    assert {(edge.origin, edge.target, edge.label): edge.state for edge in picture.edges} == {
        ("ask", "isolate", "yes"): "taken",
        ("ask", "comment", "no"): "dead",
        ("isolate", "tell", ""): "dead",
        ("isolate", "tell", "error"): "taken",
        ("comment", "tell", ""): "dead",
    }
    assert {node.name: node.status for node in picture.nodes}["isolate"] == "failed"


def test_a_step_of_a_loop_s_items_counts_them() -> None:
    source = "ringfence: 1\nname: n\ntrigger: {type: manual}\nsteps:\n  one: {action: a.b}\n"
    picture = draw(source, [Did("one", "succeeded", iteration=1), Did("one", "failed", iteration=2)])
    assert picture is not None
    assert picture.nodes[0].items == {"succeeded": 1, "failed": 1}
    assert picture.nodes[0].status == "failed"


def test_what_cannot_be_drawn_is_not() -> None:
    many = "".join(f"  s{number}: {{action: a.b}}\n" for number in range(MOST + 1))
    assert draw(f"ringfence: 1\nname: n\ntrigger: {{type: manual}}\nsteps:\n{many}", []) is None
    circle = "  a: {action: a.b, after: b}\n  b: {action: a.b, after: a}\n"
    assert draw(f"ringfence: 1\nname: n\ntrigger: {{type: manual}}\nsteps:\n{circle}", []) is None
    assert draw("name: [", []) is None
