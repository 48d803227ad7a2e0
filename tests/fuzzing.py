"""What strangers may send: values, names, queries, bodies and headers, for tests that demand an answer to anything."""

import json
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

BOUNDED = settings(
    max_examples=100,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
"""A bounded search that prints how to repeat what it finds."""

FEW = settings(BOUNDED, max_examples=25)
"""The same for tests that are run for many calls."""

METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS")
_WORDS = (
    *("eq", "ne", "gt", "ge", "lt", "le", "and", "or", "not", "in", "(", ")", ",", "'", "''", "null", "true", "false"),
    *(
        "id",
        "status",
        "severity",
        "lastUpdateTime",
        "computerDnsName",
        "machineTags",
        "any",
        "all",
        "contains",
        "startswith",
    ),
    *(
        "t:",
        "t:t",
        "/",
        "'New'",
        "'x'",
        "1",
        "-1",
        "1e999",
        "0.1",
        "2026-03-01T12:00:00Z",
        "2026-13-41",
        "9999-12-31",
        "$it",
    ),
    *(
        "duration'P1D'",
        "2026-03-01",
        "01:02",
        "00000000-0000-4000-8000-000000000000",
        "*",
        "+",
        "%",
        "\\",
        "\x00",
        "é",
        "🦘",
    ),
)
OPTIONS = (
    "$filter",
    "$top",
    "$skip",
    "$orderby",
    "$select",
    "$expand",
    "$count",
    "$search",
    "$skiptoken",
    "$format",
    "$stop",
)
_PLAIN = ("tag", "useStartsWithFilter", "lookBackHours", "pageSize", "api-version", "timestamp", "ip", "x")

texts = st.text(max_size=30) | st.sampled_from(_WORDS)
odata = st.lists(st.sampled_from(_WORDS), max_size=14).map(" ".join) | st.lists(
    st.sampled_from(_WORDS), max_size=8
).map("".join)
queries = st.lists(st.tuples(st.sampled_from((*OPTIONS, *_PLAIN)) | texts, odata | texts), max_size=4)
numbers = st.integers(-3, 60) | st.sampled_from((2**31, 2**63, 10**30, -(10**30), 0.5, -0.0, 1e308))


def documents(names: list[str], values: tuple[object, ...] = ()) -> st.SearchStrategy[Any]:
    """Make JSON of any shape that often has these names and values."""
    leaves = st.none() | st.booleans() | numbers | texts | (st.sampled_from(values) if values else st.nothing())
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(names) | texts, inner, max_size=6),
        max_leaves=12,
    )


def bodies(names: list[str], values: tuple[object, ...] = ()) -> st.SearchStrategy[bytes]:
    """Make bodies: JSON objects, other JSON, broken JSON, and bytes."""
    inner = documents(names, values)
    objects = st.dictionaries(st.sampled_from(names), inner, max_size=8)
    whole = (objects | inner).map(lambda value: json.dumps(value).encode())
    return whole | whole.map(lambda text: text[:-1]) | st.binary(max_size=60) | st.just(b"[" * 5_000)


_HEADER_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
headers = st.dictionaries(
    st.sampled_from(
        (
            "Accept",
            "Content-Type",
            "Prefer",
            "If-Match",
            "Host",
            "Accept-Encoding",
            "Content-Encoding",
            "ConsistencyLevel",
        )
    ),
    _HEADER_TEXT
    | st.sampled_from(
        ("application/json", "multipart/form-data; boundary=x", "multipart/form-data", "a;charset=nowhere", "gzip")
    ),
    max_size=3,
)
