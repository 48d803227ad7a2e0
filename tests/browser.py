"""Browsers for the tests of the pages: the Chromium that is installed, else Playwright's own; Firefox the same."""

import shutil
from pathlib import Path

from playwright.sync_api import Browser, Error, Playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def launch(playwright: Playwright) -> Browser:
    """Start a browser; RuntimeError, with what to do, where there is none."""
    installed = next(filter(None, map(shutil.which, _NAMES)), None)
    try:
        return playwright.chromium.launch(executable_path=installed, args=_FLAGS)
    except Error as error:
        raise RuntimeError(
            "There is no Chromium. Install one (`apt-get install chromium`), or run `playwright install chromium`."
        ) from error


def launch_firefox(playwright: Playwright) -> Browser | None:
    """Start the Firefox that is installed, by WebDriver BiDi, else Playwright's own; None where there is neither."""
    installed = next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)
    if installed is not None:
        return playwright.firefox.launch(executable_path=installed, channel="moz-firefox")
    if not Path(playwright.firefox.executable_path).exists():
        return None
    return playwright.firefox.launch()
