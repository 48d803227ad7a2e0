import json

import pytest

from ringfence.simulator import odata
from ringfence.simulator.filters import Schema
from ringfence.simulator.operations import ApiError
from ringfence.simulator.record import Record

SCHEMA = Schema("Thing", (("id", "text"), ("size", "number"), ("seen", "time")))
RECORDS = [
    Record(key, {"id": key, "size": size, "evidence": [1]}, {"seen": place})
    for place, (key, size) in enumerate([("a", 3), ("b", None), ("c", 1), ("d", 3)])
]


def _ids(query: str) -> list[str]:
    return [record.key for record in odata.apply(odata.parse(query), RECORDS, SCHEMA, 10_000).records]


def test_a_plus_is_a_blank_and_an_encoded_plus_a_plus() -> None:
    assert odata.parse("$filter=a+eq+'x%2By'+and+b").filter == "a eq 'x+y' and b"
    assert odata.parse("%24filter=a%20eq%20%27x+y%27").filter == "a eq 'x y'"
    assert odata.parse("$filter=t+ge+2026-01-01T00:00:00%2B02:00").filter == "t ge 2026-01-01T00:00:00+02:00"


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", "abcd"),
        ("$top=2", "ab"),
        ("$top=0", ""),
        ("$skip=1&$top=2", "bc"),
        ("$skip=9", ""),
        ("$orderby=size", "bcad"),
        ("$orderby=size desc,id desc", "dacb"),
        ("$orderby=seen%20desc", "dcba"),
        ("$filter=size+eq+3", "ad"),
        ("%24filter=size%20eq%203&$top=1", "a"),
        ("other=1&$count=false", "abcd"),
    ],
)
def test_options_choose_order_and_cut(query: str, ids: str) -> None:
    assert "".join(_ids(query)) == ids


@pytest.mark.parametrize(
    "query",
    [
        "$top=-1",
        "$top=x",
        "$top=10001",
        "$top=99999999999",
        "$skip=1.5",
        "$top=1&$top=2",
        "$orderby=colour",
        "$orderby=size sideways",
        "$orderby=size desc desc",
        "$orderby=,",
        "$filter=",
        "$filter=size",
        "$expand=evidence",
        "$count=maybe",
    ],
)
def test_malformed_options_are_refused(query: str) -> None:
    with pytest.raises(ApiError) as refused:
        _ids(query)
    assert refused.value.status == 400


def test_an_unknown_option_is_named_in_the_documented_words() -> None:
    with pytest.raises(ApiError) as refused:
        odata.parse("$stop=5")
    assert refused.value.message == (
        "The query specified in the URI is not valid. Custom query option '$stop' that starts with '$' is not supported."
    )
    assert refused.value.code == ""


def _body(query: str) -> dict[str, object]:
    options = odata.parse(query, expandable=True)
    page = odata.apply(options, RECORDS, SCHEMA, 10_000)
    body: dict[str, object] = json.loads(odata.collection("Things", page, options).body or b"")
    return body


def test_evidence_is_empty_unless_expanded() -> None:
    assert _body("$top=1")["value"] == [{"id": "a", "size": 3, "evidence": []}]
    assert _body("$top=1&$expand=evidence")["value"] == [{"id": "a", "size": 3, "evidence": [1]}]


def test_select_keeps_the_named_properties_and_count_counts_the_page() -> None:
    body = _body("$select=SIZE&$count=true&$top=3")
    assert body["value"] == [{"size": 3}, {"size": None}, {"size": 1}]
    assert list(body) == ["@odata.context", "@odata.count", "value"]
    assert body["@odata.count"] == 3
    with pytest.raises(ApiError):
        _body("$select=colour")


def test_more_is_said_only_without_top() -> None:
    assert odata.apply(odata.parse(""), RECORDS, SCHEMA, 3).more
    assert not odata.apply(odata.parse("$top=2"), RECORDS, SCHEMA, 3).more
    assert not odata.apply(odata.parse("$skip=1"), RECORDS, SCHEMA, 3).more


def test_options_without_a_dollar_are_found_in_any_letter_case() -> None:
    assert odata.plain("a=1&Tag=x+y%2B&TAG=z", "tag") == ["x y+", "z"]
    assert odata.plain("", "tag") == []
