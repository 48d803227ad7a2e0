from ringfence.actions.catalogue import discover
from ringfence.playbooks.checks.base import Subject, example, texts
from ringfence.playbooks.document import read
from ringfence.playbooks.model import ParameterKind


def _subject(text: str) -> Subject:
    document = read(text)
    assert document.playbook is not None
    return Subject(document, document.playbook, discover())


def test_an_example_is_a_readable_playbook() -> None:
    text = example("one: {action: logic.delay}\ntwo: {action: a.b}", extra="log_level: debug\n")
    playbook = _subject(text).playbook
    assert list(playbook.steps) == ["one", "two"]
    assert playbook.log_level == "debug"
    assert _subject(example()).playbook.steps == {}


def test_texts_are_found_however_deep_with_their_paths() -> None:
    found = list(texts({"a": ["x", 1, {"b": "y"}], "c": None}, ("with",)))
    assert found == [(("with", "a", 0), "x"), (("with", "a", 2, "b"), "y")]


def test_a_subject_knows_actions_and_kinds_of_parameters() -> None:
    subject = _subject(example("one: {action: logic.condition}\ntwo: {action: a.b, after: one}"))
    assert list(subject.actions) == ["one"]
    assert subject.before == {"one": (), "two": ("one",)}
    assert subject.kind("one", "test") is ParameterKind.RUN_EXPRESSION
    assert subject.kind("one", "other") is ParameterKind.VALUE
    assert subject.kind("two", "test") is ParameterKind.VALUE
