"""A run on the canvas in a browser: live, by mouse and by keyboard, done again from a step, and looked at by axe."""

import re
from typing import Any

import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from accessibility import failures
from ringfence.storage import Transaction
from ringfence.storage.tables import runs, step_runs
from webserver import Site


def step(page: Page, name: str) -> Locator:
    """Find a step on the canvas."""
    return page.get_by_role("group", name=re.compile(f"^Step {name},"))


def test_a_run_goes_on_on_the_canvas_and_each_step_says_what_went_in_and_came_out(page: Page, site: Site) -> None:
    contoso, axe = site.contoso, Axe()

    def stand(status: str, **step: Any) -> None:
        """Let the run wait, whatever became of it in another test, and its last step stand so."""
        own = (step_runs.c.run_id == contoso.live_run_id) & (step_runs.c.step == "release")
        run = sa.update(runs).where(runs.c.id == contoso.live_run_id).values(status="waiting", finished_at=None)

        def write(tx: Transaction) -> None:
            tx.execute(run)
            unbegun = {"error": "", "attempt": 0, "outcome": None, "started_at": None, "finished_at": None}
            tx.execute(sa.update(step_runs).where(own).values(unbegun | {"status": status} | step))
            tx.changed(contoso.organization_id, "run", contoso.live_run_id, "waiting")

        site.database.run_now(write)

    stand("pending")
    page.goto(f"{site.url}/executions/{contoso.live_run_id}")
    page.get_by_role("link", name="On the canvas").click()
    expect(step(page, "release").get_by_text("Not started")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="Live")).to_be_visible()
    step(page, "machine").click()
    pane = page.get_by_role("complementary", name="What happened")
    expect(pane.get_by_role("group", name="Output").get_by_text("fin-ws-014.contoso.com")).to_be_visible()
    expect(pane.get_by_text("defender.get_machine started")).to_be_visible()
    assert failures(page, axe) == []

    stand("failed", error="Not reachable.", attempt=3)
    expect(step(page, "release").get_by_text("Failed")).to_be_visible()
    stand("pending")


def test_by_keyboard_alone_a_run_is_walked_through_and_done_again_from_a_step(page: Page, site: Site) -> None:
    keys = page.keyboard
    page.goto(f"{site.url}/executions/{site.contoso.run_id}/canvas")
    expect(step(page, "facts")).to_be_visible()
    keys.press("F4")
    expect(step(page, "facts")).to_be_focused()
    keys.press("ArrowDown")
    expect(step(page, "machine")).to_be_focused()
    keys.press("Enter")
    expect(page.get_by_role("heading", name="machine")).to_be_focused()
    keys.press("Escape")
    expect(step(page, "machine")).to_be_focused()
    keys.press("r")
    dialog = page.get_by_role("dialog", name="Run again from machine")
    expect(dialog.get_by_text("Kept as recorded")).to_be_visible()
    assert failures(page, Axe()) == []
    begin = dialog.get_by_role("button", name="Run it again")
    while not begin.evaluate("element => element === document.activeElement"):
        keys.press("Tab")
    keys.press("Enter")
    expect(page.get_by_role("button", name="Cancel …")).to_be_visible()
    assert site.contoso.run_id not in page.url
