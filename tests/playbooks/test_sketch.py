from ringfence.actions.catalogue import discover
from ringfence.playbooks.document import read
from ringfence.playbooks.sketch import Edge, Sketch, sketch

CATALOGUE = discover()


def drawn(text: str) -> Sketch:
    return sketch(read(text), CATALOGUE)


def test_steps_have_their_outcomes_as_ports_and_edges_by_outcome() -> None:
    found = drawn("""\
name: One
trigger: {type: manual}
steps:
  risky: {action: logic.condition, with: {test: a}}
  look:
    after: [risky.yes, gone]
    action: defender.get_machine
    on_error: tell
  kind:
    after: look.success
    action: logic.switch
    with: {cases: {a: 1, b: 2}}
  tell: {after: [kind.a, look], join: any, action: notify.send}
layout: {steps: {tell: [1, 2]}}
""")
    ports = {step.name: step.outcomes for step in found.steps}
    assert ports == {
        "risky": ("yes", "no", "error"),
        "look": ("", "error"),
        "kind": ("a", "b", "otherwise", "error"),
        "tell": ("", "error"),
    }
    assert found.edges == (
        Edge("", "", "risky", ""),
        Edge("risky", "yes", "look", "risky.yes"),
        Edge("look", "error", "tell", "look.error"),
        Edge("look", "", "kind", "look.success"),
        Edge("kind", "a", "tell", "kind.a"),
        Edge("look", "", "tell", "look"),
    )
    assert (found.steps[1].first, found.steps[1].last) == (5, 8)
    assert found.steps[1].title == "Get machine"
    assert found.steps[0].effect == "pure"
    assert found.settings == {"name": "One"}
    assert found.layout == {"steps": {"tell": [1, 2]}}


def test_a_loop_has_each_and_done() -> None:
    found = drawn(
        "steps:\n  all: {action: logic.condition, for_each: [1], with: {test: a}}\n  then: {after: all, action: x.y}\n"
    )
    assert found.steps[0].outcomes == ("each", "done", "yes", "no", "", "error")
    assert found.steps[1].title == "x.y"
    assert found.steps[1].outcomes == ("", "error")


def test_documents_with_errors_are_drawn_as_far_as_they_can_be_read() -> None:
    assert drawn("a: [") == Sketch(readable=False)
    assert drawn("- a") == Sketch(readable=False)
    assert drawn("steps: none").steps == ()
    odd = drawn("trigger: manual\nsteps: {one: {after: 3, action: 5, on_error: [x]}, two: text, three: {after: one}}")
    assert [(step.name, step.title) for step in odd.steps] == [("one", "No action"), ("three", "No action")]
    assert odd.edges == (Edge("", "", "one", ""), Edge("one", "", "three", "one"))
    assert odd.trigger == {}
    assert drawn("kind: component\nsteps: {}").trigger is None
    assert drawn("steps: {}").trigger == {"type": "manual"}
