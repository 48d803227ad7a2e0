from dataclasses import replace
from typing import Any

import pytest

from drill_samples import a_drill
from ringfence.drills.model import EICAR_SHA256, OVER, Mark, State, Step, is_test_alert, verdict

DEVICE = "a" * 40


def a_step(mark: Mark = Mark.DONE, name: str = "observed") -> Step:
    return Step(name, mark, "It was read.", "2026-03-01T08:00:00Z", 1.5)


def test_a_line_of_the_scorecard_is_read_as_it_was_written() -> None:
    assert Step.read(a_step().document()) == a_step()


@pytest.mark.parametrize(
    ("marks", "aborted", "ended"),
    [
        ([], False, State.PASSED),
        ([Mark.DONE, Mark.WARNING], False, State.PASSED),
        ([Mark.DONE, Mark.FAILED, Mark.DONE], False, State.FAILED),
        ([Mark.FAILED], True, State.ABORTED),
    ],
)
def test_one_failed_line_fails_a_drill_unless_it_was_aborted(marks: list[Mark], aborted: bool, ended: State) -> None:
    assert verdict([a_step(mark) for mark in marks], aborted=aborted) is ended


def test_a_drill_knows_its_failures_and_whether_it_is_over() -> None:
    drill = a_drill(steps=(a_step(), a_step(Mark.FAILED, "released")))
    assert [step.name for step in drill.failures] == ["released"]
    assert (drill.has("observed"), drill.has("confirmed"), drill.over) == (True, False, False)
    assert all(replace(drill, state=state).over for state in sorted(OVER))


EVIDENCE = [{"entityType": "File", "sha256": EICAR_SHA256.upper()}]


@pytest.mark.parametrize(
    ("real", "document", "meant"),
    [
        (False, {"title": "Ringfence drill d-1: x"}, True),
        (False, {"title": "Ringfence drill d-2: x", "evidence": EVIDENCE}, False),
        (True, {"title": "Malware", "evidence": EVIDENCE}, True),
        (True, {"title": "'EICAR_Test_File' was active"}, True),
        (True, {"title": "Malware", "evidence": [None, "x", {}]}, False),
        (True, {"title": "Malware", "evidence": "x"}, False),
        (True, {"title": "EICAR", "machineId": "b" * 40}, False),
        (True, {"title": None, "machineId": None}, False),
    ],
)
def test_only_the_test_file_on_the_device_is_a_test_alert(real: bool, document: dict[str, Any], meant: bool) -> None:
    assert is_test_alert(a_drill(real=real), {"machineId": DEVICE.upper(), **document}) is meant
