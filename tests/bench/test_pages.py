import asyncio

import pytest

from bench import pages
from bench.crowd import Sizes
from bench.measured import Talk
from bench.stage import SQLITE, Ground


def test_every_page_is_asked_for_and_shows_what_there_is(embedded_ground: Ground) -> None:
    place = embedded_ground.place(SQLITE)
    found = pages.work(Talk(), place, alerts=300, times=1)["pages"]
    assert list(found) == list(pages.addresses(Sizes.of(300)))
    assert all(len(each["wall"]) == len(each["cpu"]) == 1 for each in found.values())
    sizes = {name: each["size"] for name, each in found.items()}
    # What finds something is larger than what finds nothing.
    assert sizes["alerts, text in every row"] > 3 * sizes["alerts, text in no row"]
    assert sizes["audit, of one kind"] > 3 * sizes["audit, of a kind that did not occur"]
    assert sizes["palette, a host"] > 2 * sizes["palette, text in no row"]
    # What was filled is found again; to fill it twice is not possible.
    assert list(pages.work(Talk(), place, alerts=300, times=1, only=["saved", "overview"])["pages"]) == [
        "overview",
        "time saved",
    ]


def test_pages_are_compared_with_those_of_a_small_installation() -> None:
    small = {"alerts": {"wall": [5.0], "cpu": [4.0], "size": 1024}}
    large = {"alerts": {"wall": [float(number) for number in range(1, 101)], "cpu": [8.0] * 100, "size": 2048}}
    (row,) = pages.compared(small, large)
    assert row == {"page": "alerts", "p50": 50, "p95": 95, "cpu_p50": 8, "cpu_p95": 8, "ratio": 2, "kib": 2}


def test_an_answer_that_is_no_page_is_no_measurement(embedded_ground: Ground) -> None:
    place, sizes = embedded_ground.place(SQLITE), Sizes.of(300)
    pages.fill(place, sizes)
    app = pages.opened(place)
    token = pages.enter(app, sizes)
    with pytest.raises(RuntimeError, match="answered with 404"):
        asyncio.run(pages.ask(app, {"missing": "/no-such-page"}, token, 1))
    app.close()
