import json

import pytest

from bench.__main__ import NAMES, main, options, plan


def test_all_benchmarks_are_planned_unless_some_are_named() -> None:
    assert (
        tuple(plan(options().parse_args([])))
        == NAMES
        == (
            "latency",
            "runs",
            "waiting",
            "fanout",
            "ingest",
            "backtest",
            "idle",
            "budget",
            "defender",
            "polling",
            "adaptive",
            "pages",
        )
    )
    assert list(plan(options().parse_args(["idle", "runs"]))) == ["runs", "idle"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["speed"], "there is no benchmark speed"),
        (["--sqlite-only", "--write"], "--write needs every page and database"),
        (["--only", "overview", "--write"], "--write needs every page and database"),
        (["--runs", "0"], "invalid"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_anything_starts(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_json_is_one_object_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    main(["ingest", "--alerts", "5", "--repeats", "1", "--sqlite-only", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in told["benchmarks"]] == ["ingest"]
    assert told["benchmarks"][0]["rows"][0]["alerts"] == 5
