from dataclasses import replace

import pytest

from contoso import NOW, seed
from ringfence import clock
from ringfence.cli import run_story
from ringfence.runs import detail
from ringfence.runs.detail import Again, Detail
from ringfence.security.crypto import Vault
from ringfence.storage import Database


@pytest.fixture
def found(embedded: Database) -> Detail:
    clock.replace(NOW.timestamp)
    contoso = embedded.run_now(seed)
    vault = Vault(bytes(32))
    return embedded.read_now(lambda tx: detail.get(tx, contoso.organization_id, contoso.live_run_id, vault))


def told(found: Detail, capsys: pytest.CaptureFixture[str], *, log: bool = False) -> str:
    run_story.tell(found, values=False, log=log)
    return capsys.readouterr().out


def test_who_a_run_acts_for_what_it_repeats_and_who_ended_it_are_said_at_the_top(
    found: Detail, capsys: pytest.CaptureFixture[str]
) -> None:
    row = replace(
        found.row,
        run_as="megan.bowen",
        run_as_kind="person",
        run_via="page",
        run_credential="session 1a2b3c4d",
        rerun_of="run-0",
        rerun_from=["isolate"],
        cancel_requested_at=NOW,
        cancel_requested_by="alex.wilber",
        cancel_reason="False alarm",
        minutes_saved=12.5,
    )
    again = Again("run-2", "running", NOW, "megan.bowen", None)
    said = told(replace(found, row=row, again=(again,), alert_count=3), capsys)
    for words in (
        "megan.bowen (by page, session 1a2b3c4d)",
        "run-0, from isolate on",
        "run-2 (running)",
        "by alex.wilber now: False alarm",
        "12.5 min of work",
        "and 2 more",
    ):
        assert words in said, words


def test_a_service_is_named_alone(found: Detail) -> None:
    assert run_story.acts_for(replace(found.row, run_as="service contoso")) == "service contoso"


def test_of_a_long_log_the_newest_lines_are_shown_unless_all_are_wanted(
    found: Detail, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = tuple(replace(found.lines[0], id=number, message=f"line {number}") for number in range(60))
    long = replace(found, lines=lines, step_count=1000)
    said = told(long, capsys)
    assert "(Older lines are left out: --log has them all.)" in said
    assert "line 19" not in said
    assert "line 59" in said
    assert "more steps of items are left out" in said
    assert "line 19" in told(long, capsys, log=True)


def test_the_document_has_everything(found: Detail) -> None:
    document = run_story.document(found)
    assert {"trigger", "steps", "step_count", "log", "older_lines", "alerts", "alert_count", "again"} <= set(document)


def test_a_failure_in_a_loop_is_told_once_at_its_cause_and_items_stand_under_their_loop(
    found: Detail, capsys: pytest.CaptureFixture[str]
) -> None:
    one = replace(found.steps[0], status="failed", error_code="unsent")
    loop = replace(one, step="scan", error="2 of 2 items failed.", iteration=0, round="", attempts=())
    items = [replace(loop, error="Busy.", iteration=number, round=str(number)) for number in (1, 2)]
    said = told(replace(found, steps=(loop, *items)), capsys)
    assert said.partition("What failed\n")[2].startswith("scan[1] and 1 more: Busy. (unsent)\n\nSteps\n")
    assert "\n  scan[2]" in said
