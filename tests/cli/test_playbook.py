import json
from importlib import resources
from pathlib import Path

import pytest

from cli_world import Ringfence

STARTER = str(resources.files("ringfence.playbooks.starters") / "contain-ransomware.yaml")
GOOD = """\
ringfence: 1
name: Look at ransomware
trigger: {type: defender.alert, severity: [High]}
steps:
  look:
    action: jmespath.query
    with: {expression: title}
"""
BAD = GOOD.replace("jmespath.query", "jmespath.qery")


@pytest.fixture
def good(tmp_path: Path) -> str:
    path = tmp_path / "good.yaml"
    path.write_text(GOOD)
    return str(path)


@pytest.fixture
def bad(tmp_path: Path) -> str:
    path = tmp_path / "bad.yaml"
    path.write_text(BAD)
    return str(path)


def test_a_good_playbook_is_silence_on_stdout_and_status_0(ringfence: Ringfence, good: str) -> None:
    done = ringfence("playbook", "check", good, STARTER)
    assert done.stdout == ""
    assert "2 playbooks: no problems." in done.stderr
    assert ringfence.opened == []


def test_each_problem_is_a_line_that_editors_can_jump_to(ringfence: Ringfence, good: str, bad: str) -> None:
    done = ringfence("playbook", "check", good, bad, status=1)
    (line,) = done.stdout.splitlines()
    assert line.startswith(f"{bad}:6:13 error unknown-action: ")
    assert "jmespath.query" in line
    assert "2 playbooks: 1 error." in done.stderr


def test_warnings_alone_are_status_0(ringfence: Ringfence) -> None:
    text = GOOD + "  cut:\n    after: look\n    action: containment.contain\n    with: {machine: x, reason: x}\n"
    done = ringfence("playbook", "check", "-", stdin=text)
    assert " warning " in done.stdout
    assert " error " not in done.stdout
    assert "1 warning" in done.stderr


def test_as_json_the_problems_of_each_file_are_one_document(ringfence: Ringfence, good: str, bad: str) -> None:
    document = ringfence.json("playbook", "check", good, bad, status=1)
    assert [len(each["problems"]) for each in document["files"]] == [0, 1]
    assert document["files"][1]["problems"][0]["line"] == 6
    assert (document["errors"], document["warnings"], document["notes"]) == (1, 0, 0)


def test_here_a_playbook_is_judged_by_the_installation_too(ringfence: Ringfence) -> None:
    text = GOOD.replace("severity: [High]", "severity: [High], account: contoso")
    assert ringfence("playbook", "check", "-", stdin=text).stdout == ""
    assert " error unknown-account: " in ringfence("playbook", "check", "-", "--here", stdin=text, status=1).stdout


def test_a_file_that_cannot_be_read_does_not_hide_the_others(ringfence: Ringfence, tmp_path: Path, bad: str) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"ringfence: 1\nname: \xfcber\n")
    huge = tmp_path / "huge.yaml"
    with huge.open("wb") as file:
        file.truncate(5_000_000)
    lines = ringfence("playbook", "check", f"{tmp_path}/none.yaml", str(latin), str(huge), bad, status=1).stdout
    shown = [line.split(" error ")[0] + " " + line.split(" error ")[1].split(":")[0] for line in lines.splitlines()]
    assert shown == [
        f"{tmp_path}/none.yaml:1:1 unreadable-file",
        f"{latin}:2:1 unreadable-file",
        f"{huge}:1:1 unreadable-file",
        f"{bad}:6:13 unknown-action",
    ]


def test_hostile_text_in_a_playbook_commands_no_terminal(ringfence: Ringfence) -> None:
    done = ringfence("playbook", "check", "-", stdin=GOOD.replace("query", '"\\e[2J[red]"'), status=1)
    assert "\x1b" not in done.output


def test_publishing_makes_versions_and_the_same_text_makes_none(ringfence: Ringfence, good: str) -> None:
    assert "version 1.0" in ringfence("playbook", "publish", good, "--by", "adele").stdout
    assert "version 1.0 already" in ringfence("playbook", "publish", good).stdout
    document = ringfence.json("playbook", "publish", "-", stdin=GOOD.replace("High", "Low"))
    assert (document["playbook"]["version"], document["changed"]) == ("1.1", True)
    listed = ringfence.json("playbook", "list")
    assert listed == {"items": [document["playbook"]], "drafts": [], "next": None}
    line = ringfence("playbook", "list").stdout.splitlines()[1]
    assert line.startswith("Look at ransomware  active      1.1  ")


def test_what_has_an_error_is_not_published_and_says_where(ringfence: Ringfence, bad: str) -> None:
    done = ringfence("playbook", "publish", bad, status=1)
    assert done.stdout == ""
    assert f"{bad}:6:13 error unknown-action" in done.stderr
    assert "1 error" in done.stderr
    assert ringfence.error("playbook", "publish", bad)["problems"][0].startswith(f"{bad}:6:13")
    assert ringfence.json("playbook", "list")["items"] == []


def test_what_names_an_account_that_is_not_connected_is_not_published(ringfence: Ringfence) -> None:
    (problem,) = ringfence.error("playbook", "publish", STARTER)["problems"]
    assert "unknown-account" in problem


def test_a_file_that_cannot_be_read_is_not_published(ringfence: Ringfence) -> None:
    error = ringfence.error("playbook", "publish", "none.yaml")
    assert error["problems"] == [
        "none.yaml:1:1 error unreadable-file: The file cannot be read: No such file or directory. "
        "Name a playbook's file."
    ]


def test_a_playbook_is_paused_and_resumed_by_its_name(ringfence: Ringfence, good: str) -> None:
    ringfence("playbook", "publish", good)
    assert "starts no more runs" in ringfence("playbook", "pause", "Look at ransomware").stdout
    assert ringfence.json("playbook", "list")["items"][0]["state"] == "paused"
    assert "active" in ringfence("playbook", "resume", "Look at ransomware").stdout
    assert ringfence.json("playbook", "pause", "Look at ransomware")["playbook"]["state"] == "paused"
    assert ringfence.json("playbook", "resume", "Look at ransomware")["playbook"]["state"] == "active"


def test_a_mistyped_name_is_corrected(ringfence: Ringfence, good: str) -> None:
    ringfence("playbook", "publish", good)
    assert "Did you mean 'Look at ransomware'?" in ringfence.error("playbook", "pause", "Look at ransomwar")["advice"]


def test_without_playbooks_the_list_says_how_to_publish_one(ringfence: Ringfence) -> None:
    done = ringfence("playbook", "list")
    assert done.stdout == ""
    assert "ringfence playbook publish" in done.stderr
    assert json.loads(ringfence("playbook", "list", "--json").stdout) == {"items": [], "drafts": [], "next": None}


MANUAL = """\
ringfence: 1
name: Tidy up
trigger: {type: manual, inputs: {why: {required: true, description: the reason}}}
steps: {one: {action: logic.set, with: {values: {}}}}
"""


def test_a_playbook_is_started_by_hand(ringfence: Ringfence) -> None:
    ringfence("playbook", "publish", "-", stdin=MANUAL)
    asked = ("playbook", "run", "Tidy up", "--input", "why=a=b", "--by", "ada", "--key", "k1")
    begun, again = ringfence.json(*asked), ringfence.json(*asked)
    assert (begun["repeated"], again["repeated"], again["run_id"]) == (False, True, begun["run_id"])
    shown = ringfence.json("run", "show", begun["run_id"])
    assert shown["trigger"]["input"] == {"why": "a=b"}
    assert shown["trigger"]["by"] == "ada"
    said = ringfence("playbook", "run", "Tidy up", "--input", "why=drill")
    assert said.stdout.startswith("Tidy up is started: run ")
    assert "ringfence run show" in said.stderr


def test_a_start_that_does_not_fit_is_told(ringfence: Ringfence) -> None:
    ringfence("playbook", "publish", "-", stdin=MANUAL)
    assert ringfence.error("playbook", "run", "Tidy up")["problems"] == ["The input 'why' is missing: the reason."]
    for wrong in (["--input", "why"], ["--input", "why=a", "--input", "why=b"]):
        assert "NAME=VALUE" in ringfence.error("playbook", "run", "Tidy up", *wrong)["advice"]
    assert ringfence.error("playbook", "run", "Tidy", "--alert", "da1")["code"] == "not_found"
    on_alert = ringfence.error("playbook", "run", "Tidy up", "--alert", "da1", "--input", "why=x")
    assert on_alert["message"] == "The playbook 'Tidy up' is started on nothing, and not on the alert."
    assert ringfence.json("run", "list")["items"] == []


def test_the_schema_of_the_language_is_one_json_document(ringfence: Ringfence) -> None:
    printed = ringfence("playbook", "schema")
    assert json.loads(printed.stdout)["$defs"]["with.logic.delay"]["required"] == ["duration"]
    assert ringfence.opened == []
