"""Which version a change was made to."""

import pytest
from pydantic import BaseModel

from ringfence.api.editing import demand, etag, seen
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
