"""The proof of a containment as a page to read: one file without scripts, with every text escaped and nothing fetched."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import jinja2

_HERE: Final = Path(__file__).parent
_TEMPLATE: Final = "proof.html"
_LONGEST: Final = 6_000
# A browser shows these as nothing, or turns the text around with them.
_UNSEEN: Final = {
    **{number: f"\\u{number:04x}" for number in (*range(0x20), *range(0x7F, 0xA0)) if number not in (0x09, 0x0A)},
    **{
        number: f"\\u{number:04x}"
        for number in (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
    },
    0xFEFF: "\\ufeff",
}


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {"moment": _moment, "seconds": _seconds, "document": _document, "seen": _seen}
    environment.finalize = _seen
    return environment.get_template(_TEMPLATE)


def render(proof: Mapping[str, Any]) -> str:
    """Return the page of a proof that `proof.document` made."""
    return _template().render(proof=proof, row=proof["containment"])


def _seen(value: Any) -> Any:
    """Show what is not seen, or would change what is seen, as its number."""
    return value.translate(_UNSEEN) if type(value) is str else value


def _moment(text: str | None) -> str:
    """Write `2026-03-01T10:02:03.045Z` as people read it."""
    return "—" if not text else f"{text[:10]} {text[11:23]} UTC"


def _seconds(length: float | None) -> str:
    if length is None:
        return "—"
    if length < 1:
        return f"{round(length * 1000)} ms"
    if length < 120:
        return f"{length:.2f} s"
    minutes, seconds = divmod(int(length), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


def _document(value: Any) -> str:
    """Write a value as indented JSON, a JSON text as what it says; cut where it is very long."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return _cut(value)
    return _cut(json.dumps(value, ensure_ascii=False, indent=2))


def _cut(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}\n… ({len(text) - _LONGEST} more characters in proof.json)"
