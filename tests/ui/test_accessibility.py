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
