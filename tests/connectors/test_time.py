from typing import Any

import pytest

from acting import Scene
from ringfence.actions import ActionError, Json, Result
from ringfence.connectors.time import connector


async def _do(action: str, **inputs: Any) -> Any:
    answer = await connector.actions[f"time.{action}"].call(Scene(), inputs)
    assert isinstance(answer, Result)
    return answer.output


async def test_a_moment_is_told_in_every_way_that_a_step_may_need() -> None:
    assert await _do("now", zone="Europe/Berlin") == {
        "utc": "2026-01-31T12:00:00Z",
        "local": "2026-01-31T13:00:00+01:00",
        "zone": "Europe/Berlin",
        "date": "2026-01-31",
        "time": "13:00:00",
        "weekday": "sat",
        "week": 5,
        "epoch": 1769860800,
        "epoch_ms": 1769860800000,
    }


@pytest.mark.parametrize(
    ("inputs", "utc"),
    [
        ({"time": "2026-01-31T12:00:00Z"}, "2026-01-31T12:00:00Z"),
        ({"time": "2026-01-31T12:00:00.1234567Z"}, "2026-01-31T12:00:00.123456Z"),
        ({"time": "2026-01-31 13:00", "zone": "Europe/Berlin"}, "2026-01-31T12:00:00Z"),
        ({"time": "Sat, 31 Jan 2026 13:00:00 +0100"}, "2026-01-31T12:00:00Z"),
        ({"time": 1769860800}, "2026-01-31T12:00:00Z"),
        ({"time": "1769860800000"}, "2026-01-31T12:00:00Z"),
        ({"time": "31.01.2026 13:00", "format": "%d.%m.%Y %H:%M", "zone": "Europe/Berlin"}, "2026-01-31T12:00:00Z"),
    ],
)
async def test_a_moment_is_read_in_any_usual_way(inputs: dict[str, Json], utc: str) -> None:
    assert (await _do("parse", **inputs))["utc"] == utc


@pytest.mark.parametrize(
    "inputs",
    [
        {"time": "soon"},
        {"time": ""},
        {"time": "x" * 200},
        {"time": 1e300},
        {"time": "9" * 16},
        {"time": "2026-01-31", "format": "%d"},
        {"time": "2026", "format": "%Y%s"},
        {"time": "2026-01-31", "zone": "../../etc/passwd"},
        {"time": "0001-01-01T00:00:00+14:00"},
        {"time": "9999-12-31T23:59:59", "zone": "America/New_York"},
    ],
)
async def test_what_is_not_a_moment_is_refused(inputs: dict[str, Json]) -> None:
    with pytest.raises(ActionError) as caught:
        await _do("parse", **inputs)
    assert caught.value.permanent


async def test_moments_are_reckoned_with_written_and_compared() -> None:
    assert (await _do("add", add="36 h", subtract="1 h"))["utc"] == "2026-02-01T23:00:00Z"
    assert (await _do("add", time="2026-03-01T00:00:00Z", subtract="1 d"))["date"] == "2026-02-28"
    for wrong in ({"add": "99999 d"}, {"time": "9999-12-31T00:00:00Z", "add": "2 d"}):
        with pytest.raises(ActionError):
            await _do("add", **wrong)
    assert await _do("format", time=0, format="%d.%m.%Y %H:%M %Z", zone="Asia/Tokyo") == "01.01.1970 09:00 JST"
    with pytest.raises(ActionError, match="means nothing"):
        await _do("format", time=0, format="%")
    assert await _do("difference", **{"from": "2026-01-30T12:00:00Z"}) == {
        "seconds": 86400.0,
        "minutes": 1440.0,
        "hours": 24.0,
        "days": 1.0,
    }
    assert (await _do("difference", **{"from": 60, "to": 0}))["seconds"] == -60
    assert (await _do("zone", time="2026-01-31T12:00:00Z", to="America/New_York"))["local"].startswith(
        "2026-01-31T07:00"
    )


@pytest.mark.parametrize(
    ("moment", "inputs", "inside"),
    [
        ("2026-01-30T09:00:00", {}, True),
        ("2026-01-30T18:00:00", {}, False),
        ("2026-01-31T09:00:00", {}, False),
        ("2026-01-31T09:00:00", {"days": ["sat"]}, True),
        ("2026-01-30T09:00:00", {"holidays": ["2026-01-30"]}, False),
        ("2026-01-30T23:00:00", {"from": "22:00", "to": "06:00"}, True),
        ("2026-01-31T05:00:00", {"from": "22:00", "to": "06:00"}, True),
        ("2026-02-02T05:00:00", {"from": "22:00", "to": "06:00"}, False),
    ],
)
async def test_office_hours_may_go_past_midnight(moment: str, inputs: dict[str, Any], inside: bool) -> None:
    given = {"time": moment, "zone": "Europe/Berlin", **inputs}
    answer = await connector.actions["time.within"].call(Scene(), given)
    assert isinstance(answer, Result)
    assert answer.outcome == ("inside" if inside else "outside")
    with pytest.raises(ActionError, match="time of day"):
        await _do("within", **{"from": "25:00"})
