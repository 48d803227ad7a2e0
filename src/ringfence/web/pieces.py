"""The smallest pieces of pages, of which a list has hundreds: written here, since a macro costs ten times as much."""

from datetime import datetime
from functools import lru_cache
from typing import Final

from markupsafe import Markup, escape

from ringfence import clock
from ringfence.web import formatting, words
from ringfence.web.static_files import asset

_KNOWN: Final = 2_000
"""So many icons and badges are remembered; words of Defender may be among them."""


@lru_cache(_KNOWN)
def icon(name: str, label: str = "") -> Markup:
    """Draw an icon, which is read out only where it has a label."""
    said = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup('<svg class="icon" {}><use href="{}#{}"></use></svg>').format(said, asset("vendor/icons.svg"), name)


@lru_cache(_KNOWN)
def badge(kind: str, value: str) -> Markup:
    """Show a word of ours with its icon, in its tone."""
    shown = words.sign(kind, value)
    about = Markup(' title="{}"').format(shown.about) if shown.about else ""
    return Markup('<span class="badge tone-{}"{}>{}{}</span>').format(shown.tone, about, icon(shown.icon), shown.word)


def ago(moment: datetime | None, otherwise: str = "—") -> Markup:
    """Show a moment as people say it, and exactly where one points at it; `otherwise` where there is none."""
    if not moment:
        return Markup('<span class="faint">') + otherwise + Markup("</span>")
    said = escape(formatting.relative(moment, clock.now()))
    iso, exact = clock.iso(moment), formatting.exact(moment)
    return Markup(f'<time datetime="{iso}" title="{exact}" data-relative>{said}</time>')


def copy(text: object, what: str) -> Markup:
    """Draw the button that copies a text."""
    named = escape(what)
    label = icon("copy", f"Copy {what}")
    return Markup(
        f'<button type="button" class="copy" data-copy="{escape(text)}" title="Copy {named}">{label}</button>'
    )


def code(text: object, what: str) -> Markup:
    """Show a text that one may want to copy."""
    return Markup(f'<span class="mono">{escape(text)}</span> {copy(text, what)}')
