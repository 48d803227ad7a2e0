from pathlib import Path
from xml.etree import ElementTree

import pytest

from cli_world import Ringfence
from rehearsing import CONTAIN

TESTS = """\
tests:
  - name: High risk is isolated
    trigger: {alert: {id: da1, machineId: abc, title: ransomware}}
    mocks: {machine: {output: {riskScore: High}}, ask: {outcome: approved}}
    expect: {ran: [risky.yes, isolate], skipped: comment}
  - name: Low risk is told
    trigger: {alert: {id: da1, machineId: abc, title: ransomware}}
    mocks: {machine: {output: {riskScore: Low}}}
    expect: {ran: [risky.no, comment]}
"""


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    path = tmp_path / "playbooks" / "contain.yaml"
    path.parent.mkdir()
    path.write_text(CONTAIN + TESTS)
    return path


def test_what_passes_is_status_0_and_opens_no_database(ringfence: Ringfence, playbook: Path) -> None:
    done = ringfence("playbook", "test", str(playbook.parent))
    assert done.stdout.splitlines() == [
        f"Contain ransomware ({playbook})",
        "  ✓ High risk is isolated",
        "  ✓ Low risk is told",
    ]
    assert "2 tests in 1 file: 2 passed, 0 failed." in done.stderr
    assert ringfence.opened == []


def test_a_difference_is_shown_from_both_sides_and_is_status_1(ringfence: Ringfence, playbook: Path) -> None:
    playbook.write_text(CONTAIN + TESTS.replace("[risky.no, comment]", "isolate"))
    lines = ringfence("playbook", "test", str(playbook), status=1).stdout.splitlines()
    assert lines[-4:] == [
        "  ✗ Low risk is told",
        "      step isolate",
        "        - expected run with success",
        "        + got      skipped",
    ]
    found = ringfence.json("playbook", "test", str(playbook), status=1)
    assert (found["passed"], found["failed"]) == (1, 1)
    assert found["files"][0]["tests"][1]["differences"][0]["what"] == "step isolate"


def test_only_some_tests_are_carried_out_where_that_is_wanted(ringfence: Ringfence, playbook: Path) -> None:
    found = ringfence.json("playbook", "test", str(playbook), "-k", "low")
    assert [each["name"] for each in found["files"][0]["tests"]] == ["Low risk is told"]


def test_a_playbook_with_errors_is_not_tested_and_counts_as_failed(
    ringfence: Ringfence, playbook: Path, tmp_path: Path
) -> None:
    playbook.write_text(CONTAIN.replace("logic.condition", "logic.condtion"))
    report = tmp_path / "junit.xml"
    done = ringfence("playbook", "test", str(playbook), f"{tmp_path}/none.yaml", "--junit", str(report), status=1)
    assert "unknown-action" in done.stdout
    assert "unreadable-file" in done.stdout
    assert [each.attrib["errors"] for each in ElementTree.parse(report).getroot()] == ["1", "1"]


def test_a_report_that_cannot_be_written_is_said(ringfence: Ringfence, playbook: Path, tmp_path: Path) -> None:
    error = ringfence.error("playbook", "test", str(playbook), "--junit", str(tmp_path))
    assert "cannot be written" in error["message"]


def test_a_playbook_without_tests_says_so(ringfence: Ringfence, playbook: Path) -> None:
    playbook.write_text(CONTAIN)
    assert "no tests" in ringfence("playbook", "test", str(playbook)).stdout


def test_components_are_those_among_the_files(ringfence: Ringfence, playbook: Path) -> None:
    playbook.write_text(
        "ringfence: 1\nname: Caller\ntrigger: {type: manual}\nsteps:\n"
        '  add: {action: playbook.call, with: {component: Add, version: "1.0", inputs: {a: 7}}}\n'
        "tests:\n  - {name: It adds, expect: {outputs: {add: {b: 7}}}}\n"
    )
    component = playbook.with_name("add.yaml")
    component.write_text(
        "ringfence: 1\nkind: component\nname: Add\ninputs: {a: {type: number}}\n"
        'outputs: {b: {value: "${inputs.a}", type: number}}\n'
        "steps:\n  one: {action: logic.set, with: {values: {}}}\n"
    )
    alone = ringfence.json("playbook", "test", str(playbook), status=1)["files"][0]["tests"][0]
    assert "calls a component that is not at hand" in alone["undecided"]
    assert ringfence.json("playbook", "test", str(playbook.parent))["passed"] == 1
