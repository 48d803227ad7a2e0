from datetime import UTC, datetime, timedelta

import pytest

from ringfence.errors import Invalid
from ringfence.tables.model import Entry, Kind, NewEntry, check, key_of, keys_for

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "value", "key"),
    [
        (Kind.TEXT, " Ines@Contoso.com ", "ines@contoso.com"),
        (Kind.NETWORK, "203.0.113.7", "203.0.113.7/32"),
        (Kind.NETWORK, "203.0.113.7/24", "203.0.113.0/24"),
        (Kind.NETWORK, "2001:DB8::/32", "2001:db8::/32"),
        (Kind.DOMAIN, "*.Contoso.COM.", "contoso.com"),
        (Kind.DOMAIN, "bücher.contoso.com", "xn--bcher-kva.contoso.com"),
    ],
)
def test_all_spellings_of_a_value_have_one_key(kind: Kind, value: str, key: str) -> None:
    assert key_of(kind, value) == key


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Kind.TEXT, "  "),
        (Kind.TEXT, "a\x1b[31m"),
        (Kind.TEXT, "x" * 501),
        (Kind.NETWORK, "contoso.com"),
        (Kind.NETWORK, "1.2.3.4/33"),
        (Kind.DOMAIN, "not a domain"),
        (Kind.DOMAIN, f"{'a' * 64}.com"),
        (Kind.DOMAIN, "..."),
    ],
)
def test_what_a_table_of_the_kind_cannot_hold_is_refused(kind: Kind, value: str) -> None:
    with pytest.raises(Invalid):
        key_of(kind, value)


def test_a_value_is_looked_for_under_everything_that_holds_it_the_closest_first() -> None:
    assert list(keys_for(Kind.DOMAIN, "a.b.contoso.com"))[:2] == ["a.b.contoso.com", "b.contoso.com"]
    networks = keys_for(Kind.NETWORK, "203.0.113.7")
    assert (len(networks), networks[0], networks[8], networks[-1]) == (
        33,
        "203.0.113.7/32",
        "203.0.113.0/24",
        "0.0.0.0/0",
    )
    assert keys_for(Kind.TEXT, "INES") == ("ines",)


@pytest.mark.parametrize(
    ("kind", "value"),
    [(Kind.NETWORK, "no address"), (Kind.DOMAIN, "ä" * 300), (Kind.TEXT, ""), (Kind.TEXT, "x" * 6_000)],
)
def test_what_cannot_be_in_a_table_is_simply_not_found(kind: Kind, value: str) -> None:
    assert list(keys_for(kind, value)) == []


def test_an_entry_counts_until_it_expires() -> None:
    entry = Entry("1", "x", "", {}, NOON, NOON, "ines")
    assert not entry.expired(NOON - timedelta(seconds=1))
    assert entry.expired(NOON)


@pytest.mark.parametrize(
    "new",
    [
        NewEntry("x", note="n" * 1_001),
        NewEntry("x", data={f"f{number}": "" for number in range(21)}),
        NewEntry("x", data={"value": "y"}),
        NewEntry("x", data={"": "y"}),
        NewEntry("x", data={"owner": "y" * 501}),
    ],
)
def test_notes_and_fields_are_bounded(new: NewEntry) -> None:
    with pytest.raises(Invalid):
        check(new)
