"""Changes of what people edit: whoever changes a document says, by its ETag in `If-Match`, which version they have seen."""

import hashlib
from typing import Annotated, Final

from fastapi import Header
from pydantic import BaseModel
from starlette.responses import Response

from ringfence.errors import MustSayWhich, Outdated

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", max_length=200, description='The ETag that was seen; required. "0": there was none.'),
]
_MISSING: Final = "This change does not say which version it was made to."
_ADVICE: Final = 'Read it first, and send its ETag as If-Match, for example If-Match: "3"; "0" where there was none.'
_AGAIN: Final = "Read it again, and make the change to what is there now."


def etag(document: BaseModel) -> str:
    """Return the ETag of a document that has no version of its own."""
    return f'"{hashlib.sha256(document.model_dump_json().encode()).hexdigest()[:32]}"'


def seen(if_match: str | None) -> int:
    """Return the number of the version that was seen; MustSayWhich without one, Outdated for what is no number of ours."""
    text = _given(if_match).strip('"')
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise Outdated("There is no version with this ETag.", advice=_AGAIN)
    return int(text)


def edition(if_match: str | None) -> str:
    """Return the edition that was seen, as `storage.editions` knows it; MustSayWhich without one."""
    return _given(if_match).strip('"')


def mark(response: Response, current: str, *, whole: bool = True) -> None:
    """Name the edition that is answered as the ETag; not `whole`: what is answered has more in it than people change."""
    response.headers["ETag"] = f'"{current}"'
    if not whole:
        response.headers["Cache-Control"] = "no-store"


def demand(if_match: str | None, current: str) -> None:
    """Raise MustSayWhich or Outdated unless the ETag that was seen is the current one."""
    if _given(if_match) != current:
        raise Outdated("Somebody has changed it since it was read.", advice=_AGAIN)


def _given(if_match: str | None) -> str:
    text = (if_match or "").strip().removeprefix("W/")
    if not text or text == "*":
        raise MustSayWhich(_MISSING, advice=_ADVICE)
    return text
