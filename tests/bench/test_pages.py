import asyncio
import re
from contextlib import closing
from typing import Any

import pytest
import sqlalchemy as sa

from bench import pages
from bench.crowd import Sizes
from bench.measured import Talk
from bench.stage import SQLITE, Ground
from ringfence.api import create_api
from ringfence.app import App
from ringfence.serving import services_of
from ringfence.web import create_web


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


_LARGE = "alerts|alert_versions|runs|run_alerts|step_runs|run_logs|containments|containment_events|containment_holds|incidents"
_LARGE += "|incident_alerts|incident_events|audit_entries|changes"
_ALL = re.compile(rf"SCAN ({_LARGE})\b")
_ALL_OF_ONE = re.compile(
    r"SEARCH (alerts|runs|containments|incidents) USING (COVERING )?INDEX \w+ \(organization_id=\?\)$"
)
_LED = (
    "overview",
    "an alert",
    "an incident",
    "an execution",
    "a containment",
    "containments, text in none",
    "incidents, text",
    "executions, of a host",
    "executions, of a playbook",
    "time saved",
    "palette, a host",
    "palette, text in no row",
)


async def plans(app: App, wanted: dict[str, str], token: str) -> list[tuple[str, str, list[str]]]:
    """Return each query of each page with the steps of its plan, which SQLite makes without knowing how many rows there are."""
    services = services_of(app)
    web = create_web(services, api=create_api(services))
    asked: dict[tuple[str, str], Any] = {}
    page = [""]

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if statement.startswith("SELECT"):
            asked[page[0], statement] = parameters

    sa.event.listen(app.database.engine, "before_cursor_execute", note)
    for page[0], address in wanted.items():
        await pages.visit(web, address, token)
    sa.event.remove(app.database.engine, "before_cursor_execute", note)
    with app.database.engine.connect() as connection:
        return [
            (
                name,
                query,
                [str(row[3]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", parameters)],
            )
            for (name, query), parameters in asked.items()
        ]


def test_no_page_goes_through_a_table_and_what_is_led_goes_through_no_organization(embedded_ground: Ground) -> None:
    place, sizes = embedded_ground.place(SQLITE), Sizes.of(300)
    pages.fill(place, sizes)
    with closing(pages.opened(place)) as app:
        wanted = {name: address for name, address in pages.addresses(sizes).items() if address != "later"}
        found = asyncio.run(plans(app, wanted, pages.enter(app, sizes)))
    assert {name for name, _, _ in found} == set(wanted)
    assert [(name, query) for name, query, steps in found if any(map(_ALL.match, steps))] == []
    gone_through = {
        (name, query)
        for name, query, steps in found
        # Along an index in the order that is wanted a page goes no further than its limit.
        if name in _LED and any(map(_ALL_OF_ONE.match, steps)) and any("TEMP B-TREE" in step for step in steps)
    }
    assert gone_through == set()


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
