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
