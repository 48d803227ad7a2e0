"""Query options of Graph's collections: $filter, $top, $skip, $count, $skiptoken, $expand (fact book, odata)."""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, unquote_plus

from ringfence.simulator.filters import FilterError, Schema, compile_filter
from ringfence.simulator.graph.errors import bad_request
from ringfence.simulator.operations import Call
from ringfence.simulator.record import Document, Record

LARGEST_TOP = 1_000
"""A larger $top is cut to this without a word (practitioner)."""

_OPTIONS = ("$filter", "$top", "$skip", "$count", "$skiptoken", "$expand", "$orderby", "$select")


@dataclass(frozen=True)
class Options:
    """The query options of one request, checked in form; `kept` is the query that a nextLink repeats."""

    filter: str | None
    top: int | None
    start: int
    count: bool
    expand: bool
    orderby: str | None
    select: tuple[str, ...]
    kept: str


def parse(query: str, expandable: str | None = None) -> Options:
    """Parse a raw query string; names of options may lack the dollar. Raises ApiError 400."""
    values: dict[str, str] = {}
    kept: list[str] = []
    for pair in filter(None, query.split("&")):
        raw_name, _, raw_value = pair.partition("=")
        name = unquote(raw_name).lower()
        if not name.startswith("$") and f"${name}" in _OPTIONS:
            name = f"${name}"
        if not name.startswith("$"):
            continue
        if name not in _OPTIONS:
            raise bad_request(f"Query option '{name}' is not supported.")
        if name in values:
            raise bad_request(f"Query option '{name}' was specified more than once, but it must be specified once.")
        values[name] = unquote_plus(raw_value)
        if name not in ("$skip", "$skiptoken"):
            kept.append(pair)
    expand = values.get("$expand", "").strip()
    if expand and expand.lower() != expandable:
        raise bad_request(f"Could not find a property named '{expand}' to expand.")
    count = values.get("$count", "false").strip().lower()
    if count not in ("true", "false"):
        raise bad_request(f"Invalid value '{count}' for $count query option found. It takes true or false.")
    token = values.get("$skiptoken")
    return Options(
        values.get("$filter"),
        _whole("$top", values["$top"]) if "$top" in values else None,
        _whole("$skip", values.get("$skip", "0")) if token is None else _offset(token),
        count == "true",
        bool(expand),
        values.get("$orderby", "").strip() or None,
        tuple(name.strip() for name in values.get("$select", "").split(",") if name.strip()),
        "&".join(kept),
    )


def _whole(name: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text.strip(), re.ASCII):
        raise bad_request(f"Invalid value '{text}' for {name} query option found. It must be a non-negative integer.")
    return int(text)


def _offset(token: str) -> int:
    try:
        text = base64.urlsafe_b64decode(token.encode() + b"==").decode("ascii")
    except (binascii.Error, ValueError):
        text = ""
    if not re.fullmatch(r"from-[0-9]{1,9}", text):
        raise bad_request("Skip token is not valid.")
    return int(text.removeprefix("from-"))


def token_for(start: int) -> str:
    """Return the token that continues at a place."""
    return base64.urlsafe_b64encode(f"from-{start}".encode()).decode().rstrip("=")


@dataclass(frozen=True)
class Page:
    """The records of one reply, how many match in all, and the place where the next page begins, if any."""

    records: list[Record]
    total: int
    next_start: int | None


def apply(options: Options, records: Sequence[Record], schema: Schema, page_size: int) -> Page:
    """Filter, order and cut. Raises ApiError 400."""
    found = list(records)
    if options.filter is not None:
        try:
            test = compile_filter(options.filter, schema)
        except FilterError as problem:
            raise bad_request(f"Invalid filter clause: {problem}") from problem
        found = [record for record in found if test(record)]
    if options.orderby is not None:
        found = _ordered(found, options.orderby, schema)
    size = page_size if options.top is None else min(options.top, LARGEST_TOP, page_size)
    end = options.start + size
    return Page(found[options.start : end], len(found), end if size > 0 and end < len(found) else None)


def _ordered(records: list[Record], orderby: str, schema: Schema) -> list[Record]:
    name, *direction = orderby.split()
    if direction not in ([], ["asc"], ["desc"]):
        raise bad_request(f"Syntax error in $orderby: '{orderby}'.")
    try:
        canonical, kind = schema.find(name)
    except FilterError as problem:
        raise bad_request(str(problem)) from problem
    key: Callable[[Record], tuple[bool, object]] = (
        (lambda record: (True, record.ticks[canonical]))
        if kind == "time"
        else (lambda record: (record.document.get(canonical) is not None, str(record.document.get(canonical))))
    )
    return sorted(records, key=key, reverse=direction == ["desc"])


def body(call: Call, options: Options, page: Page, values: list[Document], path: str) -> Document:
    """Return the body of a page: count, values and the nextLink, on the origin that was called."""
    document: Document = {}
    if options.count:
        document["@odata.count"] = page.total
    document["value"] = [_selected(value, options.select) for value in values] if options.select else values
    if page.next_start is not None:
        kept = f"{options.kept}&" if options.kept else ""
        document["@odata.nextLink"] = f"{call.origin}/v1.0/{path}?{kept}$skiptoken={token_for(page.next_start)}"
    return document


def _selected(document: Document, select: tuple[str, ...]) -> Document:
    names = {name.lower(): name for name in document}
    unknown = [name for name in select if name.lower() not in names]
    if unknown:
        raise bad_request(f"Could not find a property named '{unknown[0]}' to select.")
    return {names[name.lower()]: document[names[name.lower()]] for name in ("id", *select)}
