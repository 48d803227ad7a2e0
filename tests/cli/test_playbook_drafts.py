from cli_world import Ringfence

LOOK = """\
ringfence: 1
name: Look
trigger: {type: manual}
steps:
  one: {action: logic.set, with: {values: {a: 1}}}
"""


def test_a_draft_is_saved_with_its_errors_looked_at_and_published(ringfence: Ringfence) -> None:
    wrong = LOOK.replace("logic.set", "logic.st")
    saved = ringfence("playbook", "draft", "save", "-", "--by", "adele", stdin=wrong)
    assert "-:5:17 error unknown-action" in saved.stdout
    assert "Look: draft 1 is saved." in saved.stdout
    assert "error unknown-action" in ringfence("playbook", "draft", "publish", "Look", status=1).stderr
    document = ringfence.json("playbook", "draft", "save", "-", "--seen", "1", "--note", "Mended.", stdin=LOOK)
    assert (document["draft"]["revision"], document["problems"]) == (2, [])
    assert [each["revision"] for each in ringfence.json("playbook", "draft", "history", "Look")["items"]] == [2, 1]
    assert ringfence("playbook", "show", "Look", "--version", "draft:1").stdout == wrong
    assert "1 by adele" not in ringfence("playbook", "draft", "list").stdout
    assert "version 1.0" in ringfence("playbook", "draft", "publish", "Look", "--seen", "2").stdout
    assert ringfence.json("playbook", "versions", "Look")["items"][0]["note"] == "Mended."
    assert "no draft" in ringfence("playbook", "draft", "list").stderr


def test_who_has_seen_an_older_revision_is_told_who_saved_and_loses_nothing(ringfence: Ringfence) -> None:
    ringfence("playbook", "draft", "save", "-", stdin=LOOK)
    ringfence("playbook", "draft", "save", "-", "--of", "Look", "--by", "megan", stdin=LOOK + "# megan\n")
    error = ringfence.error("playbook", "draft", "save", "-", "--seen", "1", stdin=LOOK + "# adele\n")
    assert (error["code"], "saved by megan" in error["message"]) == ("outdated", True)
    assert ringfence.error("playbook", "draft", "discard", "Look", "--seen", "1")["code"] == "outdated"
    assert "is closed" in ringfence("playbook", "draft", "discard", "Look").stdout
    assert ringfence("playbook", "show", "Look", "--version", "draft:2").stdout.endswith("# megan\n")


def test_an_overtaken_draft_is_published_only_over_the_version_that_came_between(ringfence: Ringfence) -> None:
    ringfence("playbook", "publish", "-", stdin=LOOK)
    ringfence("playbook", "draft", "save", "-", stdin=LOOK.replace("a: 1", "a: 2"))
    ringfence("playbook", "publish", "-", stdin=LOOK.replace("a: 1", "a: 3"))
    error = ringfence.error("playbook", "draft", "publish", "Look")
    assert (error["code"], "Version 1.1" in error["message"]) == ("conflict", True)
    assert "version 1.2" in ringfence("playbook", "draft", "publish", "Look", "--over").stdout
