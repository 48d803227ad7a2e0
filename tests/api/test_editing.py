"""Which version a change was made to."""

import pytest
from pydantic import BaseModel
from starlette.responses import Response

from ringfence.api.editing import demand, edition, etag, mark, seen
from ringfence.errors import MustSayWhich, Outdated


class _Document(BaseModel):
    text: str


def test_a_version_is_named_by_its_etag() -> None:
    assert (seen('"3"'), seen('W/"3"'), seen("3"), seen(' "0" ')) == (3, 3, 3, 0)
    for nothing in (None, "", " ", "*"):
        with pytest.raises(MustSayWhich, match="If-Match"):
            seen(nothing)
    for foreign in ('"x"', '"-1"', '"1234567890"', '"٣"'):
        with pytest.raises(Outdated):
            seen(foreign)


def test_a_document_without_a_version_is_known_by_what_it_says() -> None:
    was, now = _Document(text="a"), _Document(text="b")
    assert etag(was) == etag(_Document(text="a"))
    demand(f"W/{etag(was)}", etag(was))
    with pytest.raises(Outdated):
        demand(etag(was), etag(now))
    with pytest.raises(MustSayWhich):
        demand(None, etag(now))


def test_an_edition_goes_out_as_an_etag_and_comes_back_as_one() -> None:
    whole, part = Response(), Response()
    mark(whole, "abc")
    mark(part, "abc", whole=False)
    assert (edition(whole.headers["ETag"]), edition('W/"0"')) == ("abc", "0")
    assert ("Cache-Control" in whole.headers, part.headers["Cache-Control"]) == (False, "no-store")
    with pytest.raises(MustSayWhich):
        edition(None)
