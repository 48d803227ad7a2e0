"""A page that is added is visited: tests/every_page.py knows it."""

import re
from pathlib import Path

from fastapi.routing import APIRoute
from starlette.responses import JSONResponse
from starlette.routing import Match

from every_page import EMPTY, NO_PAGES, PAGES
from every_route import API, addresses
from ringfence.web import Services, create_web
from webfixtures import asked, contoso, embedded, filled, services

_ROOT = Path(__file__).parents[2]
# What is cloned for ever with every change of a picture.
_LARGEST, _ALL = 150_000, 700_000

__all__ = ["asked", "contoso", "embedded", "filled", "services"]


def test_every_page_is_visited_and_pictured_and_what_is_no_page_says_why(services: Services) -> None:
    gets = [each.route for each in addresses(create_web(services)) if each.method == "GET" and API not in each.path]

    def route_of(address: str) -> APIRoute | None:
        scope = {"type": "http", "method": "GET", "path": address.split("?")[0], "root_path": ""}
        # A literal address comes before one that would take it for an id.
        matching = [each for each in gets if each.matches(scope)[0] is Match.FULL]
        return min(matching, key=lambda each: each.path.count("{"), default=None)

    visited = {found.path for page in (PAGES | EMPTY).values() if (found := route_of(page.address)) is not None}
    pages = {each.path for each in gets if each.endpoint.__annotations__.get("return") is not JSONResponse}
    assert pages - visited - NO_PAGES.keys() == set(), "Add a line to PAGES in tests/every_page.py."
    assert NO_PAGES.keys() - pages == set()
    assert NO_PAGES.keys() & visited == set()


def test_the_pictures_of_the_readme_are_there_in_both_themes_and_small() -> None:
    named = set(re.findall(r"docs/images/([\w.-]+)", (_ROOT / "README.md").read_text()))
    sizes = {each.name: each.stat().st_size for each in (_ROOT / "docs" / "images").iterdir()}
    assert named == sizes.keys()
    assert {each.replace("-dark.", "-light.") for each in named} <= named
    assert max(sizes.values()) <= _LARGEST
    assert sum(sizes.values()) <= _ALL
