from pathlib import Path

from cli_world import Ringfence

TEXT = """\
ringfence: 1
name: Look
trigger: {type: webhook, hook: in}
steps:
  one: {action: logic.set, with: {values: {a: "${trigger.body.a}"}}}
"""


def test_an_input_is_kept_shown_tried_with_and_forgotten(ringfence: Ringfence, tmp_path: Path) -> None:
    path = tmp_path / "look.yaml"
    path.write_text(TEXT)
    assert "Nothing is kept yet" in ringfence("playbook", "profile", "list").stderr
    save = ("playbook", "profile", "save", "Look", "usual", "--document", "-")
    assert "usual is kept for Look." in ringfence(*save, stdin='{"body": {"a": 7}}').stdout
    assert ringfence.json(*save, stdin='{"body": {"a": 8}}')["profile"]["document"] == {"body": {"a": 8}}
    assert "Look      usual  a document" in ringfence("playbook", "profile", "list", "Look").stdout
    assert ringfence("playbook", "profile", "show", "Look", "usual").stdout.split() == [
        "{",
        '"body":',
        "{",
        '"a":',
        "8",
        "}",
        "}",
    ]
    done = ringfence.json("playbook", "dry-run", str(path), "--profile", "usual")
    assert (done["on"], done["report"]["steps"][0]["output"]) == ("the profile usual", {"a": 8})
    assert (
        "has no profile 'usuall'" in ringfence.error("playbook", "dry-run", str(path), "--profile", "usuall")["message"]
    )
    assert ringfence.json("playbook", "profile", "remove", "Look", "usual") == {"removed": "usual"}
    assert ringfence.json("playbook", "profile", "list")["items"] == []
