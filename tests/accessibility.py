"""What axe finds on a page, in both themes."""

from collections.abc import Mapping
from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_EVERYTHING = {"runOnly": {"type": "tag", "values": _TAGS}, "resultTypes": ["violations"]}
# The themes differ in nothing but colour.
_COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}, "resultTypes": ["violations"]}
_THEMES: tuple[tuple[Literal["light", "dark"], Mapping[str, object]], ...] = (
    ("light", _EVERYTHING),
    ("dark", _COLOURS),
)


# Only what fails comes back: a whole answer of axe is megabytes.
_RUN = "async (options) => (await axe.run(options)).violations.map((each) => [each.id, each.nodes.map((node) => node.html)])"


def failures(page: Page, axe: Axe) -> list[str]:
    """List what fails at WCAG AA, with the theme in which it does."""
    told = []
    page.evaluate(axe.axe_script)
    for theme, rules in _THEMES:
        page.emulate_media(color_scheme=theme)
        for rule, nodes in page.evaluate(_RUN, rules):
            told += [f"{theme}: {rule}: {node[:160]}" for node in nodes[:3]]
    return told
