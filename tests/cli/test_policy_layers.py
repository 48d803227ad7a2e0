"""`ringfence policy set|edit|diff|history`."""

from pathlib import Path

from cli_world import Ringfence


def put(ringfence: Ringfence, text: str, *more: str) -> None:
    ringfence("policy", "set", "-", *more, stdin=text)


def test_a_layer_is_replaced_with_a_note_and_the_change_is_shown(ringfence: Ringfence) -> None:
    put(ringfence, "protected_tags: [A, B]\n")
    made = ringfence.json(
        "policy", "set", "-", "--note", "Pilot", "--by", "mara", stdin="protected_tags: [B, C]\nmax_per_hour: 3\n"
    )
    assert (made["version"], made["note"], made["made_by"]) == (2, "Pilot", "mara")
    assert [(each["field"], each["added"], each["removed"]) for each in made["changed"]] == [
        ("protected_tags", ["C"], ["A"]),
        ("max_per_hour", [], []),
    ]
    said = ringfence("policy", "diff").stdout
    assert "  protected_tags: + C, - A\n" in said
    assert "  max_per_hour: not said → 3\n" in said
    assert ringfence.json("policy", "diff", "0", "1")["changed"][0]["after"] == ["A", "B"]
    lines = ringfence("policy", "history").stdout
    assert "mara" in lines
    assert "Pilot" in lines
    kept = ringfence.json("policy", "history")["items"]
    assert [each["version"] for each in kept] == [2, 1]
    assert kept[0]["document"]["max_per_hour"] == 3


def test_each_problem_is_named_and_nothing_is_changed(ringfence: Ringfence, tmp_path: Path) -> None:
    error = ringfence.error(
        "policy", "set", "-", stdin="mode: maybe\nmax_per_hou: 3\napprovals:\n  count: 9\nlocked: [x]\n"
    )
    assert error["problems"] == [
        "locked: there is no field 'x'",
        "mode: write 'none', 'tagged' or 'any'.",
        "approvals.count: It must be at most 5.",
        "max_per_hou: there is no such field. Did you mean max_per_hour?",
    ]
    assert "line 2" in ringfence.error("policy", "set", "-", stdin="mode: [\n")["message"]
    assert "cannot be read" in ringfence.error("policy", "set", str(tmp_path / "gone.yaml"))["message"]
    assert ringfence.json("policy", "history")["items"] == []


def test_who_has_seen_an_old_version_is_told(ringfence: Ringfence) -> None:
    put(ringfence, "mode: none\n")
    error = ringfence.error("policy", "set", "-", "--expected", "0", stdin="mode: any\n")
    assert error["code"] == "outdated"
    assert "version 1, not 0" in error["message"]
    assert ringfence.error("policy", "diff", "1", "7")["code"] == "not_found"


def test_an_edit_shows_what_changes_before_it_is_saved(ringfence: Ringfence) -> None:
    put(ringfence, "mode: none\n")
    ringfence.edits, ringfence.confirms = lambda text: text.replace("mode: none", "mode: tagged"), True
    said = ringfence("policy", "edit", "--note", "Pilot").stdout
    assert "mode: none → tagged" in said
    assert ringfence.asked == ["Save this?"]
    assert ringfence.json("policy", "show", "--scope", "organization")["document"] == {"mode": "tagged"}
    ringfence.confirms = False
    ringfence.edits = lambda text: text.replace("mode: tagged", "mode: any")
    ringfence("policy", "edit", status=1)
    ringfence.edits = lambda text: None
    assert ringfence.json("policy", "edit")["version"] == 2


def test_an_edit_that_cannot_be_used_is_edited_again_with_the_problems_above_it(ringfence: Ringfence) -> None:
    texts: list[str] = []

    def edit(text: str) -> str:
        texts.append(text)
        return "mode: maybe\n" if len(texts) < 3 else "mode: none\n"

    ringfence.edits, ringfence.confirms = edit, True
    ringfence("policy", "edit")
    assert texts[1].startswith("#! The policy cannot be read.\n#! mode: write 'none', 'tagged' or 'any'.\n")
    assert texts[2].count("#! mode") == 1
    assert ringfence.asked == ["Edit it again?", "Edit it again?", "Save this?"]
    ringfence.confirms = None
    ringfence.edits = lambda text: "mode: maybe\n"
    assert ringfence.error("policy", "edit")["code"] == "invalid"


def test_an_untouched_layer_has_no_history(ringfence: Ringfence) -> None:
    assert "Nobody has changed" in ringfence("policy", "history").stderr
    assert "They say the same." in ringfence("policy", "diff").stdout
