"""The pages of docs/: each can be reached from the README, and every link in them leads somewhere."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

_ROOT = Path(__file__).parent.parent.parent
_START = _ROOT / "README.md"


@cache
def _tokens(page: Path) -> tuple[Token, ...]:
    return tuple(MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8")))


def _links(page: Path) -> Iterator[tuple[Path, str]]:
    for block in _tokens(page):
        for token in block.children or ():
            address = str(token.attrs.get("href", ""))
            if address and ":" not in address:
                file, _, part = address.partition("#")
                yield (page.parent / file).resolve() if file else page, part


def _parts(page: Path) -> set[str]:
    tokens = _tokens(page)
    heads = (tokens[at + 1] for at, each in enumerate(tokens) if each.type == "heading_open")
    said = ("".join(each.content for each in head.children or ()) for head in heads)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in said}


def test_every_page_is_reached_from_the_readme_and_every_link_leads_somewhere() -> None:
    found, left, broken = {_START}, [_START], []
    while left:
        page = left.pop()
        for to, part in _links(page):
            if not to.exists() or (part and to.suffix == ".md" and part not in _parts(to)):
                broken.append(f"{page.name}: {to.name}#{part}")
            elif to.suffix == ".md" and to not in found:
                found.add(to)
                left.append(to)
    assert broken == []
    assert sorted(each.name for each in {*(_ROOT / "docs").glob("*.md")} - found) == []
