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
CUTS = LOOK.replace("Look ", "Cut ").replace(
    "logic.set, with: {values: {a: 1}}", "containment.contain, with: {machine: x, reason: y, auto_release: 1 h}"
)


@pytest.fixture
def published(ringfence: Ringfence) -> Ringfence:
    """Two versions of one playbook."""
    ringfence("playbook", "publish", "-", "--note", "First.", stdin=LOOK)
    ringfence("playbook", "publish", "-", "--major", stdin=OTHER)
    return ringfence


def test_versions_are_listed_compared_and_shown_as_they_were_written(published: Ringfence) -> None:
    assert [each["version"] for each in published.json("playbook", "versions", "Look")["items"]] == ["2.0", "1.0"]
    assert "First." in published("playbook", "versions", "Look").stdout
    assert published("playbook", "diff", "Look").stdout == "Step one: with.values.a was 1, is 2.\n"
    (change,) = published.json("playbook", "diff", "Look", "2.0", "1.0")["changes"]
    assert (change["kind"], change["field"], change["before"], change["after"]) == ("changed", "with.values.a", 2, 1)
    assert published("playbook", "show", "Look", "--version", "1.0").stdout == LOOK
    assert published.json("playbook", "show", "Look")["source"] == OTHER
    assert published.error("playbook", "show", "Look", "--version", "9.9")["code"] == "not_found"


def test_a_file_is_compared_with_a_version(published: Ringfence, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"# Mine.\n{OTHER}")
    assert "only comments" in published("playbook", "diff", "Look", "2.0", str(path)).stdout
    assert "They say the same" in published("playbook", "diff", "Look", "2.0", "2.0").stdout
    path.write_text("steps: [")
    assert "mine.yaml:1:9" in published.error("playbook", "diff", "Look", "2.0", str(path))["problems"][0]


def test_rolling_back_publishes_the_older_text_and_says_so(published: Ringfence) -> None:
    said = published("playbook", "rollback", "Look", "1.0").stdout
    assert "published as version 2.1" in said
    assert "It says what version 1.0 said." in said
    newest = published.json("playbook", "versions", "Look")["items"][0]
    assert (newest["version"], newest["restores"]) == ("2.1", "1.0")
    assert "Brings 1.0 back." in published("playbook", "versions", "Look").stdout


def test_a_retired_playbook_leaves_the_list_and_comes_back(published: Ringfence) -> None:
    assert "is retired" in published("playbook", "retire", "Look").stdout
    assert published.json("playbook", "list")["items"] == []
    assert "--retired" in published("playbook", "list").stderr
    assert [each["state"] for each in published.json("playbook", "list", "--retired")["items"]] == ["retired"]
    assert "is retired" in published.error("playbook", "run", "Look")["message"]
    assert published.json("playbook", "activate", "Look")["playbook"]["state"] == "active"


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


def test_who_may_not_contain_can_neither_publish_nor_import_what_does(ringfence: Ringfence, tmp_path: Path) -> None:
    path = tmp_path / "cut.yaml"
    path.write_text(CUTS)
    ringfence("sign-in-link", "--user", "adele")
    ringfence("playbook", "rules", "set", "--contain", "adele", "--by", "adele")
    for command in (("publish", str(path)), ("import", str(path)), ("check", str(path), "--here")):
        result = ringfence("playbook", *command, "--by", "megan", status=1)
        assert "megan may not publish containment.contain" in result.output
    ringfence("playbook", "publish", str(path), "--by", "adele")


def test_where_a_second_person_is_wanted_publishing_asks_and_their_yes_publishes(ringfence: Ringfence) -> None:
    ringfence("playbook", "rules", "set", "--second-person", "--by", "adele")
    asked = ringfence.json("playbook", "publish", "-", "--by", "adele", stdin=LOOK)
    assert (asked["playbook"], asked["changed"]) == (None, False)
    again = ringfence("playbook", "publish", "-", "--by", "adele", stdin=LOOK)
    assert "A second person is asked" in again.stdout
    ringfence("approval", "approve", asked["question"], "--by", "megan")
    (version,) = ringfence.json("playbook", "versions", "Look")["items"]
    assert (version["published_by"], version["approved_by"]) == ("adele", "megan")
