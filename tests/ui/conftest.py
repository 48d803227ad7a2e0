"""One browser and one server for all tests of the pages, and a page that notices whatever goes wrong on it."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from browser import launch
from databases import Sqlite
from ringfence.storage import Database
from visiting import PATIENCE, Witness
from webserver import Site, serving

expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of the pages together in one process, with one server."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.xdist_group("ui"))


# For one module each: while Playwright is there its event loop counts as running, and no asynchronous test can begin.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the browser."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(sqlite: Sqlite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Start the server."""
    database = Database(sqlite.new_url(tmp_path_factory.mktemp("site")), threads=4)
    with serving(database) as site:
        yield site
    database.close()


@pytest.fixture(scope="module")
def signed_in(browser: Browser, site: Site) -> Iterator[BrowserContext]:
    """Sign in once for all tests."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    page = context.new_page()
    page.goto(site.link())
    page.get_by_role("button", name="Sign in as").click()
    page.get_by_role("heading", name="Overview").wait_for()
    page.close()
    yield context
    context.close()


@pytest.fixture
def page(signed_in: BrowserContext, site: Site) -> Iterator[Page]:
    """Give a page; at the end nothing may be on its console, and no other host may have been asked."""
    page = signed_in.new_page()
    page.set_default_timeout(PATIENCE)
    witness = Witness()
    witness.watch(page)
    yield page
    page.close()
    assert witness.console == []
    assert witness.hosts <= {urlsplit(site.url).netloc}
