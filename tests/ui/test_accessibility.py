"""What appears on a page by what somebody does there is accessible too; test_every_page.py visits every page as it is."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from accessibility import failures
from ringfence.actions.catalogue import discover
from ringfence.rehearsals.prover import Prover
from ringfence.rehearsals.trying import Trials
from webserver import Site


@pytest.fixture(scope="module")
def axe() -> Axe:
    return Axe()


def test_what_a_playbook_would_do_has_no_accessibility_failure_in_either_theme(
    page: Page, site: Site, axe: Axe
) -> None:
    page.goto(f"{site.url}/playbooks/{site.contoso.playbook_id}/try?alert={site.contoso.alert_id}")
    page.get_by_role("button", name="Dry run").click()
    page.get_by_text("Policy allows it: Because.").wait_for()
    assert failures(page, axe) == []
    page.get_by_label("Days").fill("366")
    page.get_by_role("button", name="Backtest").click()
    page.get_by_text("It waits for a worker.").wait_for()
    worker = Trials(site.database, discover(), Prover(), owner="test")
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: asyncio.run(worker.work())).result()
    page.reload()
    page.get_by_text("would have started a run").wait_for()
    assert failures(page, axe) == []


def test_the_menu_of_a_narrow_window_is_there_when_asked_for_and_beside_the_page_once_there_is_room(
    page: Page, site: Site, axe: Axe
) -> None:
    page.goto(f"{site.url}/alerts")
    page.set_viewport_size({"width": 390, "height": 844})
    menu = page.get_by_role("navigation", name="Main")
    assert not menu.is_visible()
    page.get_by_role("button", name="Menu").press("Enter")
    assert failures(page, axe) == []
    page.keyboard.press("Tab")
    assert menu.evaluate("each => each.contains(document.activeElement)")
    page.keyboard.press("Escape")
    menu.wait_for(state="hidden")
    page.get_by_role("button", name="Menu").click()
    page.set_viewport_size({"width": 1280, "height": 800})
    page.wait_for_function("!document.querySelector('.drawer').matches(':popover-open')")
    assert menu.bounding_box()["x"] == 0  # type: ignore[index]
    assert not page.get_by_role("button", name="Menu").is_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("button", name="Menu").click()
    menu.get_by_role("link", name="Containment").click()
    page.get_by_role("heading", name="Containment", exact=True).wait_for()
    assert not menu.is_visible()
