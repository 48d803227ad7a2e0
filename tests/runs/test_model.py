"""What a run and its steps are, as rows."""

from datetime import timedelta

from ringfence.playbooks.schedule import StepState, StepStatus
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
    assert set(RunStatus) - OPEN == {
        RunStatus.SUCCEEDED,
        RunStatus.PARTLY_FAILED,
        RunStatus.FAILED,
        RunStatus.CANCELLED,
    }


def test_an_attempt_goes_on_after_a_crash_and_is_noted_when_it_is_over() -> None:
    step = StepRun("r", "one", 0, "contoso.pure")
    step.end_attempt(NOON, "")
    assert step.attempts is None
    step.begin_attempt(NOON)
    step.begin_attempt(NOON + timedelta(seconds=9))
    step.end_attempt(NOON + timedelta(seconds=10), "Not now.")
    step.attempt = 2
    step.begin_attempt(NOON + timedelta(seconds=20))
    step.end_attempt(NOON + timedelta(seconds=21), "")
    assert step.attempts == [
        {
            "number": 1,
            "started_at": "2026-01-31T12:00:00.000Z",
            "finished_at": "2026-01-31T12:00:10.000Z",
            "error": "Not now.",
        },
        {"number": 2, "started_at": "2026-01-31T12:00:20.000Z", "finished_at": "2026-01-31T12:00:21.000Z", "error": ""},
    ]
