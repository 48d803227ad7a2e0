import pytest

from ringfence.errors import Invalid
from ringfence.playbooks.folder import (
    Agreed,
    File,
    Installed,
    Move,
    agree,
    digest,
    file_name,
    plan,
    read_state,
    write_state,
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Contain Ransomware", "contain-ransomware.yaml"),
        ("Überwachung: ../x", "uberwachung-x.yaml"),
        ("…", "playbook.yaml"),
    ],
)
def test_a_file_is_named_readably_and_stays_in_its_folder(name: str, expected: str) -> None:
    assert file_name(name) == expected


def test_playbooks_whose_names_would_be_one_file_get_two() -> None:
    assert file_name("Look!", {"look.yaml"}) != file_name("look", {"look.yaml"}) != "look.yaml"


OLD, MINE, THEIRS = "old", "mine", "theirs"
BEFORE = Agreed("look.yaml", digest(OLD), digest(OLD), "1.0")


@pytest.mark.parametrize(
    ("file", "there", "before", "move"),
    [
        (OLD, OLD, None, Move.NONE),
        (OLD, OLD, BEFORE, Move.NONE),
        (MINE, OLD, BEFORE, Move.PUBLISH),
        (OLD, THEIRS, BEFORE, Move.WRITE),
        (MINE, MINE, BEFORE, Move.NONE),
        (MINE, THEIRS, BEFORE, Move.CONFLICT),
        (MINE, THEIRS, None, Move.CONFLICT),
        (MINE, None, None, Move.PUBLISH),
        (None, THEIRS, None, Move.WRITE),
        (None, OLD, BEFORE, Move.RETIRE),
        (None, THEIRS, BEFORE, Move.CONFLICT),
        (OLD, "retired", BEFORE, Move.DELETE),
        (MINE, "retired", BEFORE, Move.CONFLICT),
        (MINE, "retired", None, Move.CONFLICT),
        (None, "retired", BEFORE, None),
    ],
)
def test_the_side_that_has_changed_is_followed_and_nothing_that_both_changed(
    file: str | None, there: str | None, before: Agreed | None, move: Move | None
) -> None:
    files = {} if file is None else {"Look": File("look.yaml", file)}
    installed = {} if there is None else {"Look": Installed("1.1", there, retired=there == "retired")}
    steps = plan(files, installed, {} if before is None else {"Look": before})
    assert [each.move for each in steps] == ([] if move is None else [move])
    assert all(each.path == "look.yaml" and each.why for each in steps)


def test_what_publishing_completed_is_no_change() -> None:
    both = agree(File("look.yaml", "calls x"), Installed("1.0", "calls x 1.2"))
    files, there = {"Look": File("look.yaml", "calls x")}, {"Look": Installed("1.0", "calls x 1.2")}
    assert [each.move for each in plan(files, there, {"Look": both})] == [Move.NONE]


def test_the_state_comes_back_as_it_was_written_and_hostile_states_are_refused() -> None:
    assert read_state(write_state({"Look \udcff": BEFORE})) == {"Look \udcff": BEFORE}
    for text in ("", "[]", '{"playbooks": {"a": {}}}', "[" * 100_000, '{"playbooks": []}'):
        with pytest.raises(Invalid, match="cannot be read"):
            read_state(text)
    for path in ("/etc/x.yaml", "../x.yaml", "a/../../x.yaml", "x.txt", "a\\x.yaml"):
        with pytest.raises(Invalid, match="outside the folder"):
            read_state(write_state({"Look": Agreed(path, "", "", "")}))
