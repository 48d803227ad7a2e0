"""Query options of collections: $filter, $top, $skip, $orderby, $expand, $select, $count (fact book, odata)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, unquote_plus

from ringfence.simulator.filters import FilterError, Predicate, Schema, compile_filter
from ringfence.simulator.operations import CONTEXT, ApiError, QueryOptionError, Reply
from ringfence.simulator.record import Document, Record, compact

_OPTIONS = {"$filter", "$top", "$skip", "$orderby", "$expand", "$select", "$count"}


@dataclass(frozen=True)
class Options:
    """The query options of one request, checked in form."""

    filter: str | None = None
    top: int | None = None
    skip: int = 0
    orderby: str | None = None
    evidence: bool = False
    select: tuple[str, ...] = ()
    count: bool = False


@dataclass(frozen=True)
class Page:
    """The records of one reply, and whether more match than a page holds."""

    records: list[Record]
    more: bool


def parse(query: str, *, expandable: bool = False) -> Options:
    """Parse a raw query string, in which a plus is a blank and %2B a plus. Raises ApiError 400."""
    values: dict[str, str] = {}
    for pair in query.split("&"):
        raw_name, _, raw_value = pair.partition("=")
        name = unquote(raw_name)
        if not name.startswith("$"):
            continue
        if name not in _OPTIONS:
            raise QueryOptionError(f"Custom query option '{name}' that starts with '$' is not supported.")
        if name in values:
            raise QueryOptionError(
                f"Query option '{name}' was specified more than once, but it must be specified at most once."
            )
        values[name] = unquote_plus(raw_value)
    expand = values.get("$expand", "").strip()
    if expand and not (expandable and expand.lower() == "evidence"):
        raise _odata_error(f"Could not find a property named '{expand}' to expand.")
    top = _whole(values, "$top")
    select = tuple(name.strip() for name in values.get("$select", "").split(",") if name.strip())
    count = values.get("$count", "false").strip().lower()
    if count not in ("true", "false"):
        raise _odata_error(f"Invalid value '{count}' for $count: it takes true or false.")
    orderby = values.get("$orderby", "").strip() or None
    return Options(
        values.get("$filter"), top, _whole(values, "$skip") or 0, orderby, bool(expand), select, count == "true"
    )


def plain(query: str, name: str) -> list[str]:
    """Return the values of an option that has no dollar sign, whose name may be in any letter case."""
    pairs = (pair.partition("=") for pair in query.split("&"))
    return [unquote_plus(value) for key, _, value in pairs if unquote(key).lower() == name.lower()]


def apply(options: Options, records: Sequence[Record], schema: Schema, page_size: int) -> Page:
    """Filter, order and cut to at most `page_size`. Raises ApiError 400, also for a larger $top (undocumented)."""
    if options.top is not None and options.top > page_size:
        raise _odata_error(
            f"The limit of '{page_size}' for Top query has been exceeded. "
            f"The value from the incoming request is '{options.top}'."
        )
    chosen: Iterable[Record] = records
    if options.filter is not None:
        test = predicate(options.filter, schema)
        chosen = [record for record in records if test(record)]
    if options.orderby is not None:
        chosen = _sorted(chosen, options.orderby, schema)
    found = list(chosen)
    end = options.skip + (page_size if options.top is None else options.top)
    return Page(found[options.skip : end], options.top is None and len(found) > end)


def predicate(text: str, schema: Schema) -> Predicate:
    """Compile a $filter. Raises ApiError 400."""
    try:
        return compile_filter(text, schema)
    except FilterError as problem:
        raise _odata_error(str(problem)) from problem


def collection(context: str, page: Page, options: Options, *, next_link: str | None = None) -> Reply:
    """Reply with a page of entities; `context` is the part after $metadata, `next_link` an address or None."""
    head: Document = {"@odata.context": f"{CONTEXT}#{context}"}
    if options.count:
        head["@odata.count"] = len(page.records)
    parts: Iterable[bytes]
    if options.select:
        parts = (compact(_selected(record.document, options)) for record in page.records)
    elif options.evidence:
        parts = (record.full() for record in page.records)
    else:
        parts = (record.brief() for record in page.records)
    body = compact(head)[:-1] + b',"value":[' + b",".join(parts) + b"]"
    if next_link is not None:
        body += b',"@odata.nextLink":' + compact(next_link)
    return Reply(200, body + b"}")


def _selected(document: Document, options: Options) -> Document:
    names = {name.lower(): name for name in document}
    chosen = {}
    for wanted in options.select:
        name = names.get(wanted.lower())
        if name is None:
            raise _odata_error(f"Could not find a property named '{wanted}' to select.")
        chosen[name] = document[name]
    return chosen


def _sorted(records: Iterable[Record], orderby: str, schema: Schema) -> list[Record]:
    result = list(records)
    for part in reversed(orderby.split(",")):
        name, *direction = part.split()[:3] or [""]
        if direction not in ([], ["asc"], ["desc"]):
            raise _odata_error(f"Syntax error in $orderby: '{part.strip()}'.")
        try:
            canonical, kind = schema.find(name)
        except FilterError as problem:
            raise _odata_error(str(problem)) from problem
        if kind == "time":
            result.sort(key=lambda record: record.ticks[canonical], reverse=direction == ["desc"])
        else:
            result.sort(key=lambda record: _sort_key(record.document.get(canonical)), reverse=direction == ["desc"])
    return result


def _sort_key(value: object) -> tuple[int, float, str]:
    if value is None:
        return (0, 0.0, "")
    if isinstance(value, int | float):
        return (1, float(value), "")
    return (2, 0.0, str(value))


def _whole(values: dict[str, str], name: str) -> int | None:
    text = values.get(name)
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text.strip()):
        raise _odata_error(
            f"Invalid value '{text}' for {name} query option found. It requires a non-negative integer value."
        )
    return int(text)


def _odata_error(message: str) -> ApiError:
    return ApiError(400, "ODataError", f"The query specified in the URI is not valid. {message}")
