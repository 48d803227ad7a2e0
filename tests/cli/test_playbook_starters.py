from pathlib import Path

from cli_world import Ringfence
from ringfence.playbooks.starter import starters


def test_the_starters_are_listed_and_need_no_installation(ringfence: Ringfence) -> None:
    assert "enrich-and-comment" in ringfence("playbook", "starters").stdout
    assert [each["name"] for each in ringfence.json("playbook", "starters")["items"]] == list(starters())
    assert ringfence.opened == []


def test_a_playbook_is_begun_from_a_starter_and_passes_its_checks(ringfence: Ringfence, tmp_path: Path) -> None:
    file = tmp_path / "ours.yaml"
    made = ringfence("playbook", "new", "--from", "enrich-and-comment", "--name", "Ours", "-o", str(file))
    assert str(file) in made.stdout
    assert '\nname: "Ours"\n' in file.read_text()
    ringfence("playbook", "check", str(file))
    assert ringfence("playbook", "new", "--from", "alert-to-jmespath").stdout == starters()["alert-to-jmespath"].source


def test_no_file_is_written_over_and_no_starter_is_guessed(ringfence: Ringfence, tmp_path: Path) -> None:
    file = tmp_path / "ours.yaml"
    file.write_text("mine")
    refused = ringfence.error("playbook", "new", "--from", "enrich-and-comment", "-o", str(file))
    assert refused["code"] == "conflict"
    assert file.read_text() == "mine"
    assert ringfence.error("playbook", "new", "--from", "nothing")["code"] == "not_found"
