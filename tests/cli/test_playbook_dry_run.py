import json
from pathlib import Path

import pytest

from cli_world import Ringfence
from rehearsing import CONTAIN

ALWAYS = CONTAIN.replace("steps.machine.riskScore == 'High'", "steps.machine.riskScore")


@pytest.fixture
def playbook(tmp_path: Path) -> str:
    path = tmp_path / "contain.yaml"
    path.write_text(ALWAYS)
    return str(path)


@pytest.fixture
def document(connected: Ringfence, tmp_path: Path) -> str:
    machine = next(iter(connected.tenant.machines.values()))
    path = tmp_path / "trigger.json"
    path.write_text(json.dumps({"alert": {"id": "da1", "machineId": machine.id, "title": "ransomware seen"}}))
    return str(path)


def test_what_would_be_done_is_told_with_policys_verdict_and_nothing_is_sent(
    connected: Ringfence, playbook: str, document: str
) -> None:
    done = connected("playbook", "dry-run", playbook, "--document", document)
    assert "machine  read      defender.get_machine ▸ success" in done.stdout
    assert "isolate  would     containment.contain ▸ success" in done.stdout
    assert "Policy allows it" in done.stdout
    assert "comment  skipped" in done.stdout
    assert "The run would have ended as succeeded" in done.stdout
    assert "Nothing was changed: 2 steps" in done.stderr
    assert connected.json("containment", "list")["items"] == []
    found = connected.json("playbook", "dry-run", playbook, "--document", document, "--assume", "ask=rejected")
    ends = {each["step"]: (each["how"], each["outcome"]) for each in found["report"]["steps"]}
    assert ends["ask"] == ("described", "rejected")
    assert ends["isolate"] == ("skipped", None)
    assert ends["comment"] == ("described", "success")


def test_a_published_playbook_is_named_and_a_run_that_would_fail_is_status_1(
    ringfence: Ringfence, playbook: str
) -> None:
    ringfence("playbook", "publish", playbook)
    done = ringfence("playbook", "dry-run", "Contain ransomware", "--document", "-", stdin="{}", status=1)
    assert "The run would have ended as failed: machine: " in done.stdout


def test_what_does_not_fit_is_said(ringfence: Ringfence, playbook: str) -> None:
    for arguments, said in (
        ([], "needs one thing that starts it"),
        (["--alert", "x", "--document", "-"], "needs one thing that starts it"),
        (["--alert", "x"], "There is no alert 'x'"),
        (["--document", "-", "--assume", "ask"], "names a step and its outcome"),
        (["--document", "-", "--assume", "ask=maybe"], "has no outcome 'maybe'"),
    ):
        assert said in ringfence.error("playbook", "dry-run", playbook, *arguments, stdin="{}")["message"]
    for text, said in (("[", "is not JSON"), ("[]", "holds no object")):
        assert said in ringfence.error("playbook", "dry-run", playbook, "--document", "-", stdin=text)["message"]
    assert "no file and no playbook" in ringfence.error("playbook", "dry-run", "Nowhere", "--alert", "x")["message"]
