from ringfence.playbooks import keys, yamltree
from ringfence.playbooks.model import Playbook

TEXT = """\
trigger: {type: timer, every: 1 h}
steps: {one: {retry: {}, with: {url: x}, mask: [a]}}
"""


def test_keys_are_those_of_the_model_at_the_place() -> None:
    root = yamltree.parse(TEXT)
    assert keys.known(Playbook, (), root)[:2] == ["ringfence", "kind"]
    assert "every" in keys.known(Playbook, ("trigger",), root)
    assert "run_per" in keys.known(Playbook, ("trigger",), None)
    assert {"with", "if", "for_each"} <= set(keys.known(Playbook, ("steps", "one"), root))
    assert "backoff" in keys.known(Playbook, ("steps", "one", "retry"), root)
    assert keys.known(Playbook, ("inputs", "a"), root) == ["type", "required", "default", "description"]


def test_what_the_language_leaves_to_the_author_has_no_keys() -> None:
    root = yamltree.parse(TEXT)
    for path in (
        ("steps",),
        ("steps", "one", "with"),
        ("steps", "one", "with", "url"),
        ("nowhere", "at", "all"),
        ("layout", 1),
    ):
        assert keys.known(Playbook, path, root) == []
