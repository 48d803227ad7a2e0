"""The main journey and the main pages in Firefox, where there is one: the Makefile brings one if it can."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from browser import launch_firefox
from every_page import PAGES
from showcase import add_alert
from visiting import NARROW, PATIENCE, Witness, stand, too_wide
from webserver import Site

_MAIN = ("overview", "alert", "incident", "execution-canvas", "containment", "containment-one")
# What Firefox says when somebody leaves a page that is asking for something, such as its stream.
_LEFT = ("htmx: htmx:sse:error: Error in input stream", "htmx: htmx:error: NetworkError when attempting to fetch")


@pytest.fixture(scope="module")
def fox() -> Iterator[Page]:
    """Give a window of Firefox."""
    with sync_playwright() as playwright:
        firefox = launch_firefox(playwright)
        if firefox is None:
            pytest.skip(
                "There is no Firefox: `make .venv/firefox` brings one where it can, or `apt-get install firefox-esr`."
            )
        page = firefox.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(PATIENCE)
        yield page
        firefox.close()


def _open(page: Page, address: str) -> None:
    # Not `goto`: Firefox begins some navigations anew in another process, which Playwright takes for another one.
    page.evaluate("(address) => location.assign(address)", address)
    expect(page).to_have_url(address)
    page.wait_for_load_state("load")


def test_firefox_signs_in_follows_alerts_live_draws_playbooks_and_shows_the_main_pages(fox: Page, site: Site) -> None:
    page, witness, contoso = fox, Witness(), site.contoso
    witness.watch(page)
    page.goto(site.link())
    page.get_by_role("button", name="Sign in as").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.get_by_role("link", name="Alerts", exact=True).click()
    expect(page.locator("#stream-state")).to_have_text("Live")
    add_alert(site, "Seen by a fox")
    page.get_by_role("link", name="Seen by a fox").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Seen by a fox")
    expect(page.locator("#stream-state")).to_have_text("Live")

    _open(page, f"{site.url}/playbooks/{contoso.playbook_id}/design")
    isolate = page.get_by_role("group", name=re.compile("^Step isolate,"))
    expect(isolate).to_be_visible()
    # By key: two clicks that a program makes are not a double click to Firefox.
    isolate.press("Enter")
    expect(page.get_by_label("Auto release")).to_be_visible()
    page.get_by_role("tab", name="YAML").click()
    expect(page.get_by_role("textbox", name="The playbook as YAML")).to_contain_text("name: Contain ransomware")

    values = {name: getattr(contoso, name) for name in contoso.__dataclass_fields__}
    wide = []
    for name in _MAIN:
        page.set_viewport_size({"width": 1280, "height": 800})
        _open(page, site.url + PAGES[name].address.format_map(values))
        stand(page, PAGES[name])
        wide += [f"{name} {each}" for width in (1280, NARROW) for each in too_wide(page, width)]
    assert wide == []
    assert [each for each in witness.console if not each.startswith(_LEFT)] == []
    assert witness.failed == []
    assert witness.hosts <= {urlsplit(site.url).netloc}
