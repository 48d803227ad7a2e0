import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from bench import report
from bench.machine import Machine
from bench.report import Aim, Column, Result

_MACHINE = Machine("A processor", 2, 8.0, "Linux", "3.11.7", "3.40.1", "18.1", "dbos 3.4.0", 0.5)
_RESULT = Result(
    "one",
    "What one costs",
    "It is measured.",
    [Column("database", "database"), Column("cpu_ms", "CPU-ms", 2), Column("rate", "per second", 0)],
    [{"database": "SQLite", "cpu_ms": 1.234, "rate": 12345.6}, {"database": "PostgreSQL", "cpu_ms": 2.0, "rate": None}],
    [Aim("CPU", 1.234, 10, "ms"), Aim("Rate", 1999.4, 2000, "per second", at_most=False)],
)


def test_an_aim_says_whether_it_is_met() -> None:
    assert _RESULT.aims[0].sentence == "CPU: at most 10 ms; it is 1.2: met"
    assert _RESULT.aims[1].sentence == "Rate: at least 2,000 per second; it is 1,999: MISSED"


@pytest.mark.parametrize(("value", "at_most", "met"), [(10.0, True, True), (10.1, True, False), (9.9, False, False)])
def test_the_limit_itself_is_within_the_aim(value: float, at_most: bool, met: bool) -> None:
    assert Aim("It", value, 10, "ms", at_most=at_most).met is met


def test_a_result_is_shown_with_its_aims() -> None:
    console = Console(file=io.StringIO(), width=120)
    report.show(_RESULT, console)
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    for text in ("What one costs", "12,346", "1.23", "Rate: at least 2,000"):
        assert text in shown


def test_the_page_holds_the_machine_the_way_the_table_and_the_verdicts() -> None:
    page = report.markdown(_MACHINE, [_RESULT], repeats=3, before="", order=["one"])
    assert page.startswith("# What it costs\n")
    for line in (
        "## What one costs",
        "It is measured.",
        "| database | CPU-ms | per second |",
        "| --- | ---: | ---: |",
        "| SQLite | 1.23 | 12,346 |",
        "| PostgreSQL | 2 | - |",
        "- CPU: at most 10 ms; it is 1.2: met.",
    ):
        assert line in page.splitlines()
    assert "A processor, 2 cores, 8 GiB" in page
    assert "each figure the median of 3 measurements" in page


def test_what_was_not_measured_stays_in_its_place_on_the_page() -> None:
    order = ["zero", "one", "two"]
    zero, two = replace(_RESULT, name="zero", title="Zero"), replace(_RESULT, name="two", title="Two")
    before = report.markdown(_MACHINE, [zero, _RESULT, two], repeats=1, before="", order=order)
    changed = replace(_RESULT, how="It is measured anew.")
    after = report.markdown(_MACHINE, [changed], repeats=1, before=before, order=order)
    kept = [each.partition("<!-- ")[0] for each in (before.partition("<!-- zero")[2], after.partition("<!-- zero")[2])]
    assert kept[0] == kept[1] != ""
    assert before.partition("<!-- two")[2] == after.partition("<!-- two")[2] != ""
    assert after.count("## ") == 3
    assert after.index("## Zero") < after.index("measured anew.") < after.index("## Two")


def test_the_json_holds_plain_numbers() -> None:
    told = json.loads(json.dumps(report.document(_MACHINE, [_RESULT])))
    assert set(told) == {"at", "machine", "benchmarks"}
    assert told["machine"]["processor"] == "A processor"
    assert told["benchmarks"][0]["rows"][0] == {"database": "SQLite", "cpu_ms": 1.234, "rate": 12345.6}
    assert [each["met"] for each in told["benchmarks"][0]["aims"]] == [True, False]
