"""What a run and its steps are, as rows."""

from ringfence.playbooks.compiler import StepState, StepStatus
from ringfence.runs.model import LONGEST_ERROR, OPEN, RunStatus, StepRun, shortened
from ringfence.storage.tables import step_runs
from run_world import NOON


def test_a_step_s_row_has_every_column_and_nothing_else() -> None:
    assert set(StepRun("r", "one", 0, "contoso.pure").row()) == {column.name for column in step_runs.c}


def test_scheduling_sees_status_and_outcome_of_a_step() -> None:
    step = StepRun("r", "one", 0, "contoso.pure", StepStatus.SUCCEEDED, outcome="yes", started_at=NOON)
    assert step.seen == StepState(StepStatus.SUCCEEDED, "yes")


def test_an_error_is_written_as_every_database_can_hold_it_and_no_longer_than_people_read() -> None:
    step = StepRun("r", "one", 0, "contoso.pure", error="\x00\ud800" + "x" * 5_000)
    written = step.row()["error"]
    assert written.startswith("\ufffd?xxx")
    assert written.endswith("x…")
    assert len(written) == LONGEST_ERROR
    assert shortened("short") == "short"
    assert shortened("12345", 5) == "12345"
    assert shortened("123456", 5) == "1234…"


def test_a_run_is_open_until_it_has_ended() -> None:
    assert {status.value for status in OPEN} == {"requested", "running", "waiting"}
    assert set(RunStatus) - OPEN == {RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED}
