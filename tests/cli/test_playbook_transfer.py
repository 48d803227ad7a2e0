from pathlib import Path

import pytest

from cli_world import Ringfence

LOOK = """\
ringfence: 1
name: Look   # kept
trigger: {type: manual}
steps:
  one: {action: logic.set, with: {values: {a: 1}}}
"""
OTHER = LOOK.replace("a: 1", "a: 2")


@pytest.fixture
def published(ringfence: Ringfence) -> Ringfence:
    """Two versions of one playbook."""
    ringfence("playbook", "publish", "-", "--note", "First.", stdin=LOOK)
    ringfence("playbook", "publish", "-", "--major", stdin=OTHER)
    return ringfence


def test_what_is_exported_is_imported_elsewhere_as_drafts_and_overwrites_nothing(
    published: Ringfence, tmp_path: Path
) -> None:
    published("playbook", "publish", "-", stdin=LOOK.replace("Look ", "look! "))
    files = published.json("playbook", "export", "--to", str(tmp_path))["files"]
    paths = [Path(each["path"]) for each in files]
    assert paths[0].name == "look.yaml"
    assert paths[1].name.startswith("look-")
    assert paths[0].read_text() == OTHER
    published("playbook", "export", "--to", str(tmp_path))
    paths[0].write_text("mine")
    assert "says something else" in published.error("playbook", "export", "Look", "--to", str(tmp_path))["message"]
    paths[0].write_text(LOOK)
    document = published.json("playbook", "import", str(paths[0]))
    assert document["items"][0]["became"] == "draft 1"
    assert "a was 2, is 1" in published("playbook", "diff", "Look").stdout
    paths[0].write_text(LOOK + "# more\n")
    assert "is editing a draft" in published.error("playbook", "import", str(paths[0]))["message"]
    assert published.json("playbook", "import", str(paths[1]), "--publish")["items"][0]["became"] == "version 1.0"


def test_of_files_with_an_error_none_is_taken_in(ringfence: Ringfence, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(LOOK)
    for text, line in (
        ("a: &x 1\n", 1),
        (LOOK.replace("logic.set", "logic.st"), 5),
        ("a: !!python/object:os.system x", 1),
    ):
        bad.write_text(text)
        (problem, *_) = ringfence.error("playbook", "import", str(good), str(bad))["problems"]
        assert problem.startswith(f"{bad}:{line}:")
    assert ringfence.json("playbook", "list") == {"items": [], "drafts": [], "next": None}
