"""The registry of operations: a noun's module declares one with a decorator, and it is served."""

import email.utils
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

from ringfence.simulator import ids, timestamps
from ringfence.simulator.journal import Entry
from ringfence.simulator.record import Document, compact
from ringfence.simulator.tenant import App, Tenant

if TYPE_CHECKING:
    from ringfence.simulator.quotas import Quota
    from ringfence.simulator.tokens import Reason
    from ringfence.simulator.world import Simulator

CONTEXT = "https://api.securitycenter.microsoft.com/api/$metadata"
ENTITY_TYPE = "application/json; odata.metadata=minimal; odata.streaming=true; charset=utf-8"
JSON_TYPE = "application/json; charset=utf-8"


@dataclass
class Reply:
    """A reply: a body of None is an empty body without a Content-Type."""

    status: int
    body: bytes | None = None
    content_type: str = ENTITY_TYPE
    headers: dict[str, str] = field(default_factory=dict)


class ApiError(Exception):
    """An operation refuses: answered in the service's error shape."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class QueryOptionError(ApiError):
    """A query option is malformed: this one error has an empty code and no target (fact book, errors)."""

    def __init__(self, message: str) -> None:
        super().__init__(400, "", f"The query specified in the URI is not valid. {message}")


@dataclass
class Call:
    """A request as an operation sees it: who calls, with what, at which moment; `origin` is the address called."""

    simulator: "Simulator"
    tenant: Tenant
    app: App
    now: float
    params: dict[str, str]
    query: str
    body: bytes
    entry: Entry
    origin: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    roles: frozenset[str] = frozenset()

    def json_body(self) -> Document:
        """Return the body as a JSON object; no body counts as an empty one. Raises ApiError."""
        if not self.body.strip():
            return {}
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise ApiError(400, "InvalidRequestBody", "Request body is incorrect")
        return document


Handler = Callable[[Call], Reply]


@dataclass(frozen=True)
class Operation:
    """An operation of the fact book: any one of the roles is enough."""

    id: str
    method: str
    path: str
    roles: tuple[str, ...]
    handler: Handler
    segments: tuple[re.Pattern[str], ...]


@dataclass(frozen=True)
class Match:
    """The operation that a path and a verb name, or the verbs that the path would take."""

    operation: Operation | None
    params: dict[str, str]
    allowed: tuple[str, ...]


@dataclass(frozen=True)
class Api:
    """An API: its operations, the audiences whose tokens it takes, and how it words a refusal."""

    name: str
    registry: "Registry"
    audiences: tuple[str, ...]
    refuse: Callable[[ApiError, str, float], Reply]
    denied: Callable[["Reason"], ApiError]
    throttled: Callable[[str | None, "Quota"], ApiError]


class Registry:
    """Hold the operations of one API."""

    def __init__(self, prefixes: tuple[str, ...]) -> None:
        self._prefixes = tuple(
            tuple(prefix.strip("/").split("/")) for prefix in sorted(prefixes, key=len, reverse=True)
        )
        self.operations: dict[str, Operation] = {}
        self._by_length: dict[int, list[Operation]] = {}

    def operation(self, id_: str, method: str, path: str, *roles: str) -> Callable[[Handler], Handler]:
        """Declare the function below as an operation; `path` follows the prefix, with {names} in braces."""
        segments = tuple(_segment(part) for part in path.strip("/").split("/"))

        def declare(handler: Handler) -> Handler:
            operation = Operation(id_, method, path, roles, handler, segments)
            self.operations[id_] = operation
            rivals = self._by_length.setdefault(len(segments), [])
            rivals.append(operation)
            # A fixed name (machines/findbytag) goes before one that takes anything (machines/{id}).
            rivals.sort(key=lambda rival: len(re.findall(r"/\{\w+\}(?=/|$)", rival.path)))
            return handler

        return declare

    def owns(self, parts: list[str]) -> bool:
        """Tell whether a path belongs to this API."""
        return self._strip(parts) is not None

    def match(self, method: str, parts: list[str]) -> Match:
        """Find the operation for the decoded segments of a path; letters' case does not matter in fixed segments."""
        rest = self._strip(parts) or []
        allowed: list[str] = []
        for operation in self._by_length.get(len(rest), ()):
            found = [pattern.fullmatch(part) for pattern, part in zip(operation.segments, rest, strict=True)]
            if not all(found):
                continue
            if operation.method == method:
                params = {key: value for hit in found if hit for key, value in hit.groupdict().items()}
                return Match(operation, params, ())
            allowed.append(operation.method)
        return Match(None, {}, tuple(sorted(set(allowed))))

    def _strip(self, parts: list[str]) -> list[str] | None:
        lowered = [part.lower() for part in parts[:2]]
        for prefix in self._prefixes:
            if tuple(lowered[: len(prefix)]) == prefix:
                return parts[len(prefix) :]
        return None


def _segment(text: str) -> re.Pattern[str]:
    pieces = re.split(r"\{(\w+)\}", text)
    pattern = "".join(re.escape(piece) if place % 2 == 0 else f"(?P<{piece}>.+?)" for place, piece in enumerate(pieces))
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


def split_path(raw_path: str) -> list[str]:
    """Split an undecoded path into decoded segments, so that an encoded slash stays inside its segment."""
    return [unquote(part) for part in raw_path.strip("/").split("/")]


def entity(entity_set: str, full: bytes, status: int = 200) -> Reply:
    """Reply with one entity, given as its JSON."""
    context = compact({"@odata.context": f"{CONTEXT}#{entity_set}/$entity"})
    return Reply(status, context[:-1] + (b"," + full[1:] if len(full) > 2 else b"}"))


def error_reply(error: ApiError, target: str) -> Reply:
    """Reply in the service's error shape."""
    details: Document = {"code": error.code, "message": error.message}
    if isinstance(error, QueryOptionError):
        details["details"] = []
    else:
        details["target"] = target
    return Reply(error.status, compact({"error": details}), JSON_TYPE)


def error_target(sequence: int) -> str:
    """Return a correlation id for an error body."""
    return ids.guid("target", sequence)


def not_found(what: str) -> ApiError:
    """Return the 404 for something that is not there, for instance "Machine 1234"."""
    return ApiError(404, "ResourceNotFound", f"{what} was not found")


def moment(seconds: float) -> str:
    """Write a moment as the journal does."""
    return timestamps.stamp(seconds)


def http_date(seconds: float) -> str:
    """Write a moment as HTTP headers do."""
    return email.utils.formatdate(seconds, usegmt=True)
