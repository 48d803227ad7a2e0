import json
from pathlib import Path

import pytest

from cacao_samples import action, cacao, command, ident, text
from cli_world import Ringfence

LOOK = """ringfence: 1
name: Look
trigger: {type: manual}
steps:
  one: {action: logic.set, with: {values: {a: 1}}, retry: {attempts: 2}}
"""


@pytest.fixture
def document(ringfence: Ringfence, tmp_path: Path) -> Path:
    ringfence("playbook", "publish", "-", stdin=LOOK)
    made = ringfence("playbook", "export", "Look", "--to", str(tmp_path), "--format", "cacao", "--marking", "TLP:GREEN")
    assert "not carried: steps.one.retry" in made.stderr
    (path,) = tmp_path.glob("*.cacao.json")
    return path


def test_a_playbook_goes_out_as_cacao_and_comes_back_as_it_was(ringfence: Ringfence, document: Path) -> None:
    found = json.loads(document.read_text())
    assert (found["spec_version"], found["name"]) == ("cacao-2.0", "Look")
    assert next(iter(found["data_marking_definitions"].values()))["tlpv2_level"] == "TLP:GREEN"
    (made,) = ringfence.json("playbook", "import", str(document), "--format", "cacao")["items"]
    assert (made["name"], made["whole"], made["left_out"]) == ("Look", True, [])
    assert "it is taken as it was" in ringfence("playbook", "import", str(document), "--format", "cacao").stderr


def test_what_another_tool_wrote_becomes_a_draft_that_asks_people(ringfence: Ringfence, tmp_path: Path) -> None:
    file = tmp_path / "foreign.json"
    file.write_text(text(cacao({ident("action", 11): action("Wipe", command("rm -rf /", "bash"))})))
    made = ringfence("playbook", "import", str(file), "--format", "cacao")
    assert "Phishing at Contoso: draft 1" in made.stdout
    assert "Wipe: a person is asked to do it" in made.stdout
    assert f"not carried: /workflow/{ident('action', 11)}/commands/0" in made.stderr
    refused = ringfence.error("playbook", "import", str(file), "--format", "cacao", "--publish")
    assert refused["message"] == "What another tool wrote is not published unseen."


def test_faults_are_told_with_the_file_and_the_pointer(ringfence: Ringfence, tmp_path: Path) -> None:
    file = tmp_path / "broken.json"
    file.write_text(text(cacao(name=3)))
    refused = ringfence.error("playbook", "import", str(file), "--format", "cacao")
    assert refused["problems"] == ["broken.json#/name: should be a text."]
