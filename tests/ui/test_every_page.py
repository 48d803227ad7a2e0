"""Each page is visited once: it is light, quiet, accessible, fits its window, and a picture of it is kept."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from accessibility import failures
from databases import Sqlite
from every_page import EMPTY, PAGES, Page
from ringfence.storage import Database
from showcase import beginning, entering, furnish
from visiting import NARROW, Guests, cut_off, guests, pictures, too_wide, weight
from webserver import Asked, running, serving

# What has to have come before a page is painted, in bytes as they are on the way.
_LIGHT = 100_000
# What can be unfolded; rows of a long list are alike.
_OPEN = "() => [...document.querySelectorAll('details')].slice(0, 12).forEach((each) => { each.open = true; })"
# Where the pictures go; none are taken without it, because taking them takes as long as half of all the rest.
_FOLDER = os.environ.get("RINGFENCE_SCREENSHOTS")


@pytest.fixture(scope="module")
def axe() -> Axe:
    return Axe()


@pytest.fixture(scope="module")
def showcase(browser: Browser, sqlite: Sqlite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guests]:
    """Open windows on an installation that has something of everything."""
    database = Database(sqlite.new_url(tmp_path_factory.mktemp("showcase")), threads=4)
    with serving(database) as site:
        values = furnish(database, site.contoso)
        with guests(browser, site.url, values, entering(database, site.contoso, values)) as windows:
            yield windows
    database.close()


@pytest.fixture(scope="module")
def begun(browser: Browser, sqlite: Sqlite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guests]:
    """Open windows on an installation that somebody begins with."""
    database = Database(sqlite.new_url(tmp_path_factory.mktemp("begun")), threads=4)
    with running(database, Asked()) as url, guests(browser, url, *beginning(database)) as windows:
        yield windows
    database.close()


def _visit(windows: Guests, axe: Axe, name: str, listed: Page) -> None:
    page, witness, wrong = windows.visit(listed)
    before = weight(page)
    if not listed.canvas and sum(before.values()) > _LIGHT:
        wrong.append(f"{sum(before.values())} bytes come before it is painted: {before}")
    wrong += [*too_wide(page, 1280), *cut_off(page)]
    if _FOLDER:
        pictures(page, listed, Path(_FOLDER), name)
    wrong += too_wide(page, NARROW)
    if not listed.canvas:
        # Canvases are looked at by axe while they are worked with: test_designer.py, test_run_canvas.py.
        page.set_viewport_size({"width": 1280, "height": 800})
        page.evaluate(_OPEN)
        wrong += failures(page, axe)
    wrong += [*witness.console, *witness.failed, *page.evaluate("window.__violations")]
    assert wrong == []
    assert witness.hosts <= {urlsplit(windows.url).netloc}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_light_quiet_accessible_in_both_themes_and_fits_its_window(
    showcase: Guests, axe: Axe, name: str
) -> None:
    _visit(showcase, axe, name, PAGES[name])


@pytest.mark.parametrize("name", EMPTY)
def test_so_is_a_page_of_an_installation_that_has_just_begun(begun: Guests, axe: Axe, name: str) -> None:
    _visit(begun, axe, name, EMPTY[name])
