from ringfence.playbooks.graph import Follow, ancestors, circles, follows, ordered, predecessors
from ringfence.playbooks.model import Playbook


def _playbook(**steps: dict[str, object]) -> Playbook:
    steps = {name: {"action": "a.b"} | step for name, step in steps.items()}
    return Playbook.model_validate({"ringfence": 1, "name": "x", "trigger": {"type": "manual"}, "steps": steps})


def test_an_entry_of_after_is_a_step_and_perhaps_an_outcome() -> None:
    playbook = _playbook(a={}, b={"after": ["a", "a.yes", "a."]})
    assert follows(playbook, "b") == (Follow("a", None), Follow("a", "yes"), Follow("a", ""))


def test_predecessors_come_from_after_and_from_on_error() -> None:
    playbook = _playbook(a={"on_error": "c"}, b={"after": "a"}, c={"after": ["b.yes", "b.no", "nowhere"]})
    assert predecessors(playbook) == {"a": (), "b": ("a",), "c": ("a", "b")}


def test_steps_are_ordered_after_their_predecessors_and_else_as_written() -> None:
    assert ordered({"z": (), "y": ("a",), "a": (), "b": ("z",)}) == ["z", "a", "y", "b"]


def test_what_is_in_or_behind_a_circle_has_no_order() -> None:
    before = {"a": (), "b": ("c",), "c": ("b",), "d": ("c",), "e": ("e",)}
    assert ordered(before) == ["a"]
    assert list(circles(before)) == [("b", "c"), ("e",)]


def test_ancestors_are_all_steps_that_lead_here() -> None:
    before: dict[str, tuple[str, ...]] = {"a": (), "b": ("a",), "c": ("b",), "d": ()}
    assert ancestors(before, "c") == {"a", "b"}
    assert ancestors(before, "d") == set()
    assert ancestors(before, "nowhere") == set()


def test_a_long_chain_is_no_trouble() -> None:
    before: dict[str, tuple[str, ...]] = {f"s{at}": (f"s{at - 1}",) if at else () for at in range(3000)}
    assert ordered(before)[-1] == "s2999"
    assert len(ancestors(before, "s2999")) == 2999
