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


def test_a_retired_playbook_leaves_the_list_and_comes_back(published: Ringfence) -> None:
    assert "is retired" in published("playbook", "retire", "Look", "--by", "megan").stdout
    newest = published.json("audit", "list", "--limit", "1")["items"][0]
    assert (newest["event"], newest["actor"]) == ("playbook:retired", "megan")
    assert published.json("playbook", "list")["items"] == []
    assert "--retired" in published("playbook", "list").stderr
    assert [each["state"] for each in published.json("playbook", "list", "--retired")["items"]] == ["retired"]
    assert "is retired" in published.error("playbook", "run", "Look")["message"]
    assert published.json("playbook", "activate", "Look")["playbook"]["state"] == "active"


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
