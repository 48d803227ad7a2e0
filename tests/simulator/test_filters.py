import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.simulator import timestamps
from ringfence.simulator.filters import FilterError, Schema, compile_filter
from ringfence.simulator.record import Record

SCHEMA = Schema(
    "Thing",
    (("name", "text"), ("lastSeen", "time"), ("size", "number"), ("machineTags", "texts"), ("owner", "text")),
)
RECORD = Record(
    "1",
    {"name": "wks-014", "lastSeen": "2026-03-01T12:00:00.1234567Z", "size": 7, "machineTags": ["VIP"], "owner": None},
    {"lastSeen": timestamps.read("2026-03-01T12:00:00.1234567Z")},
)


@pytest.mark.parametrize(
    "text",
    [
        "name eq 'wks-014'",
        "NAME eq 'wks-014'",
        "name ne 'wks-0142'",
        "'wks-014' eq name",
        "size gt 6 and size le 7",
        "size eq 7.0",
        "not (size lt 7)",
        "size eq 1 or size eq 2 or size eq 7",
        "name in ('a', 'wks-014')",
        "size in (6, 7)",
        "name in ('wks-014')",
        "size in ( 7 )",
        "name ne 'is in (''a'')'",
        "owner eq null",
        "name ne null",
        "startswith(name,'wks')",
        "endswith(name,'014')",
        "contains(tolower(name),'s-0')",
        "toupper(name) eq 'WKS-014'",
        "machineTags/any(t: t eq 'VIP')",
        "machineTags/any()",
        "machineTags/all(t: startswith(t,'V'))",
        "lastSeen ge 2026-03-01T12:00:00.1234567Z",
        "lastSeen lt 2026-03-01T12:00:00.1234568Z",
        "lastSeen gt 2018-08-01Z",
        "lastSeen gt 2018-08-01",
        "lastSeen eq 2026-03-01T14:00:00.1234567+02:00",
        "2026-01-01Z lt lastSeen",
        "(((size eq 7)))",
        "true",
        " or ".join(f"name eq 'wks-{number:03}'" for number in range(300)),
    ],
)
def test_a_filter_that_holds(text: str) -> None:
    assert compile_filter(text, SCHEMA)(RECORD)


@pytest.mark.parametrize(
    "text",
    [
        "name eq 'wks-01'",
        "name eq '2018-08-01Z'",
        "size lt 7",
        "owner gt 'a'",
        "startswith(owner,'a')",
        "machineTags/any(t: t eq 'vip')",
        "machineTags/all(t: t eq 'x')",
        "lastSeen gt 2026-03-01T12:00:00.1234567Z",
        "lastSeen eq null",
        "name eq null",
        "false",
    ],
)
def test_a_filter_that_does_not_hold(text: str) -> None:
    assert not compile_filter(text, SCHEMA)(RECORD)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour eq 'red'", "Could not find a property named 'colour'"),
        ("size eq '7'", "incompatible types"),
        ("lastSeen gt 'yesterday'", "incompatible types"),
        ("size in ('a', 'b')", "incompatible types"),
        ("lastSeen gt 2026-02-31T00:00:00Z", "day is out of range"),
        ("size", "cannot stand alone"),
        ("size gt", "Syntax error"),
        ("size gt null", "no order"),
        ("machineTags gt machineTags", "no order"),
        ("name/any(t: t eq 'x')", "not a collection"),
        ("a/b/any(t: t eq 'x')", "work on a property"),
        ("x.name eq 'a'", "x.name"),
        ("length(name) eq 7", "not supported"),
        ("length(name)", "not supported"),
        ("contains(size,'7')", "two texts"),
        ("tolower(size) eq 'a'", "takes a text"),
        ("nothing(name)", "Syntax error"),
        ("size eq -(7)", "not supported"),
        ("", "Syntax error"),
        ("'", "Syntax error"),
        ("size eq " + "9" * 5_000, "."),
        ("not (" * 200 + "true" + ")" * 200, "nested deeper"),
        ("x" * 20_001, "at most 20000"),
    ],
)
def test_a_filter_that_is_refused_with_a_reason(text: str, message: str) -> None:
    with pytest.raises(FilterError, match=message):
        compile_filter(text, SCHEMA)


_WORDS = """
name size lastSeen machineTags eq ne gt and or not in null true ( ) , 'a' 7 -7 2018-08-01Z startswith( any( / : t
add div '' ' = geo.length(
"""


@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(_WORDS.split()), max_size=14).map(" ".join)))
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    try:
        test = compile_filter(text, SCHEMA)
    except FilterError:
        return
    assert test(RECORD) in (True, False)
