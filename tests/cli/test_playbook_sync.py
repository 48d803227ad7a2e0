from pathlib import Path

import pytest

from cli_world import Ringfence

LOOK = """\
ringfence: 1
name: Look
trigger: {type: manual}
steps:
  one: {action: logic.set, with: {values: {a: 1}}}
"""


def _with(value: int, name: str = "Look") -> str:
    return LOOK.replace("a: 1", f"a: {value}").replace("Look", name)


@pytest.fixture
def folder(ringfence: Ringfence, tmp_path: Path) -> Path:
    """A folder with one playbook, in step with an installation that had another."""
    path = tmp_path / "playbooks"
    (path / "soc").mkdir(parents=True)
    (path / "soc" / "mine.yaml").write_text(LOOK)
    ringfence("playbook", "publish", "-", stdin=_with(5, "Theirs"))
    ringfence("playbook", "sync", str(path))
    return path


def _moves(ringfence: Ringfence, folder: Path, *options: str, status: int = 0) -> list[tuple[str, str]]:
    document = ringfence.json("playbook", "sync", str(folder), *options, status=status)
    return [(each["name"], each["move"]) for each in document["items"] if each["move"] != "none"]


def test_each_side_gets_what_only_the_other_has_and_then_both_are_in_step(ringfence: Ringfence, folder: Path) -> None:
    assert (folder / "theirs.yaml").read_text() == _with(5, "Theirs")
    assert ringfence("playbook", "show", "Look").stdout == LOOK
    assert _moves(ringfence, folder, "--check") == []


def test_the_side_that_has_changed_is_followed(ringfence: Ringfence, folder: Path) -> None:
    (folder / "soc" / "mine.yaml").write_text(_with(2))
    ringfence("playbook", "publish", "-", stdin=_with(6, "Theirs"))
    assert _moves(ringfence, folder, "--check", status=1) == [("Look", "publish"), ("Theirs", "write")]
    said = ringfence("playbook", "sync", str(folder)).stdout
    assert "published: Look (soc/mine.yaml)." in said
    assert ringfence("playbook", "show", "Look").stdout == _with(2)
    assert (folder / "theirs.yaml").read_text() == _with(6, "Theirs")
    assert _moves(ringfence, folder, "--check") == []


def test_what_both_have_changed_is_shown_and_left_alone_until_one_is_preferred(
    ringfence: Ringfence, folder: Path
) -> None:
    mine = folder / "soc" / "mine.yaml"
    mine.write_text(_with(2))
    ringfence("playbook", "publish", "-", stdin=_with(3))
    said = ringfence("playbook", "sync", str(folder), status=1)
    assert "Step one: with.values.a was 3, is 2." in said.stdout
    assert "--prefer files" in said.stderr
    assert (mine.read_text(), ringfence("playbook", "show", "Look").stdout) == (_with(2), _with(3))
    ringfence("playbook", "sync", str(folder), "--prefer", "installation")
    assert (mine.read_text(), (folder / "soc" / "mine.yaml.mine").read_text()) == (_with(3), _with(2))
    mine.write_text(_with(4))
    ringfence("playbook", "publish", "-", stdin=_with(5))
    ringfence("playbook", "sync", str(folder), "--prefer", "files")
    assert ringfence("playbook", "show", "Look").stdout == _with(4)
    assert _moves(ringfence, folder, "--check") == []


def test_what_was_deleted_or_retired_is_followed_only_when_that_is_said(ringfence: Ringfence, folder: Path) -> None:
    (folder / "theirs.yaml").unlink()
    ringfence("playbook", "retire", "Look")
    assert _moves(ringfence, folder, status=1) == [("Look", "conflict"), ("Theirs", "conflict")]
    assert _moves(ringfence, folder, "--remove") == [("Look", "delete"), ("Theirs", "retire")]
    assert not (folder / "soc" / "mine.yaml").exists()
    assert ringfence.json("playbook", "list")["items"] == []
    assert _moves(ringfence, folder, "--check") == []


def test_one_hostile_file_keeps_all_of_them_out_and_is_named_with_its_line(ringfence: Ringfence, folder: Path) -> None:
    (folder / "good.yaml").write_text(_with(1, "Good"))
    (folder / "bad.yaml").write_text(_with(1, "Bad").replace("logic.set", "logic.st"))
    for problem in (ringfence.error("playbook", "sync", str(folder))["problems"],):
        assert problem[0].startswith(f"{folder}/bad.yaml:5:")
    (folder / "bad.yaml").write_text("a: &a [*a]\n")
    assert (
        f"{folder}/bad.yaml:1:4 error yaml-anchor"
        in ringfence("playbook", "sync", str(folder), "--check", status=1).stdout
    )
    (folder / "bad.yaml").write_text(_with(9, "Good"))
    assert "same-name" in ringfence.error("playbook", "sync", str(folder))["problems"][0]
    (folder / "bad.yaml").unlink()
    (folder / "bad.yaml").symlink_to("/etc/hostname")
    assert "bad.yaml:1:1 error unreadable-file" in ringfence.error("playbook", "sync", str(folder))["problems"][0]
    assert {each["name"] for each in ringfence.json("playbook", "list")["items"]} == {"Look", "Theirs"}


def test_who_may_not_contain_cannot_bring_it_in_by_a_folder(ringfence: Ringfence, folder: Path) -> None:
    ringfence("sign-in-link", "--user", "adele")
    ringfence("playbook", "rules", "set", "--contain", "adele", "--by", "adele")
    cuts = "containment.contain, with: {machine: x, reason: y, auto_release: 1 h}"
    text = _with(1, "Cut").replace("logic.set, with: {values: {a: 1}}", cuts)
    (folder / "cut.yaml").write_text(text)
    for options in ((), ("--check",)):
        result = ringfence("playbook", "sync", str(folder), *options, "--by", "megan", status=1)
        assert "megan may not publish containment.contain" in result.output


def test_a_second_person_is_asked_once_and_both_are_in_step_after_their_yes(ringfence: Ringfence, folder: Path) -> None:
    ringfence("playbook", "rules", "set", "--second-person", "--by", "adele")
    (folder / "soc" / "mine.yaml").write_text(_with(2))
    first = ringfence.json("playbook", "sync", str(folder), "--by", "adele")["items"][0]["question"]
    again = ringfence.json("playbook", "sync", str(folder), "--by", "adele")["items"][0]["question"]
    assert first == again
    ringfence("approval", "approve", first, "--by", "megan")
    assert _moves(ringfence, folder, "--check") == []
