"""The examples of the contract: requests that are played against the application with Contoso's rows, and what is answered.

`tools/api-examples` plays them and writes api/examples.json; a test plays them again and demands answers of the same shape.
"""

import base64
import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from contoso import NOW
from example_stage import Stage
from ringfence.accounts import registration
from ringfence.api.contract import Document, operations
from ringfence.clock import iso

Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Play:
    """One request; texts in braces are what was kept of answers before. `keep` names what is kept of the answer, by path.

    A body that is a file is bytes. `within` is the organization that it is sent in, Contoso if empty.
    """

    operation: str
    parameters: Parameters = field(default_factory=dict)
    body: Any = None
    keep: Mapping[str, str] = field(default_factory=dict)
    within: str = ""


Played = Mapping[str, tuple[httpx.Response, dict[str, Any]]]


async def play(client: httpx.AsyncClient, contract: Document, plays: Iterable[Play], stage: Stage, csrf: str) -> Played:
    """Play everything and return, by operation, the answer to the first request that was played, its parameters and body."""
    known = {operation["operationId"]: (path, method, operation) for path, method, operation in operations(contract)}
    kept = stage.kept
    free = (await client.get("/api/v1/alerts", params={"limit": 500})).json()["items"]
    kept["third_alert"] = free[-2]["id"]
    found: dict[str, tuple[httpx.Response, dict[str, Any]]] = {}
    for each in plays:
        path, method, operation = known[each.operation]
        where = {parameter["name"]: parameter["in"] for parameter in operation.get("parameters", ())}
        given = {name: await _filled(client, value, kept) for name, value in each.parameters.items()}
        body = await _filled(client, each.body, kept)
        headers = {name: str(value) for name, value in given.items() if where[name] == "header"}
        if each.within:
            stage.enter(kept[each.within])
        answer = await client.request(
            method,
            "/api/v1" + path.format(**given),
            params={name: value for name, value in given.items() if where[name] == "query"},
            headers=headers
            | ({} if method == "get" else {"X-CSRF-Token": csrf})
            | ({"Content-Type": "text/csv"} if isinstance(body, bytes) else {}),
            json=None if isinstance(body, bytes) else body,
            content=body if isinstance(body, bytes) else None,
        )
        if each.within:
            stage.enter(kept["organization"])
        assert answer.status_code < 400, (each.operation, answer.status_code, answer.text[:800])
        for name, place in each.keep.items():
            kept[name] = _at(answer.json(), place)
        found.setdefault(each.operation, (answer, {"parameters": given, "body": body}))
    return found


async def _filled(client: httpx.AsyncClient, value: Any, kept: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {name: await _filled(client, part, kept) for name, part in value.items()}
    if isinstance(value, list):
        return [await _filled(client, part, kept) for part in value]
    if not isinstance(value, str) or not value.startswith("{") or not value.endswith("}"):
        return value
    kind, _, rest = value[1:-1].partition(":")
    if kind == "etag":
        return (await client.get("/api/v1" + re.sub(r"\{(\w+)\}", lambda name: str(kept[name[1]]), rest))).headers[
            "etag"
        ]
    return kept[rest or kind]


def _at(document: Any, place: str) -> Any:
    for step in place.split("."):
        document = document[int(step) if step.isdecimal() else step]
    return document


def recorded(played: Played, disguise: Mapping[Any, Any]) -> dict[str, Any]:
    """Return what api/examples.json holds of what was played: what is made by chance is the same each time."""
    examples: dict[str, Any] = {}
    for name, (answer, request) in played.items():
        kept = {key: value.decode() if isinstance(value, bytes) else value for key, value in request.items() if value}
        examples[name] = {**kept, "status": answer.status_code}
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if "content-disposition" in answer.headers:
            examples[name]["headers"] = {"Content-Disposition": answer.headers["content-disposition"]}
        if answer.content and kind == "application/json":
            examples[name]["answer"] = _cut(answer.json())
        elif kind in _TEXTS:
            examples[name]["answer"] = "".join(answer.text.splitlines(keepends=True)[:_LINES])
    return json.loads(_settle(json.dumps(_disguised(examples, disguise), ensure_ascii=False)))  # type: ignore[no-any-return]


_TEXTS: Final = ("text/csv", "text/event-stream", "application/x-ndjson")
_LINES: Final = 10


def _disguised(value: Any, disguise: Mapping[Any, Any]) -> Any:
    """Put what stands for it in the place of every value that is only so on this machine."""
    if isinstance(value, dict):
        return {name: _disguised(part, disguise) for name, part in value.items()}
    if isinstance(value, list):
        return [_disguised(part, disguise) for part in value]
    return disguise.get(value, value)


def _cut(value: Any) -> Any:
    """Leave two of each list: an example is to be read."""
    if isinstance(value, list):
        return [_cut(each) for each in value[:2]]
    if isinstance(value, dict):
        return {name: _cut(each) for name, each in list(value.items())[:40]}
    return value


_CHANCE: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b(?:[0-9a-f]{64}|[0-9a-f]{32}|[0-9a-f]{16}|[0-9A-F]{40})\b"
    r"|whsec_[A-Za-z0-9+/=]{44}|rf_[0-9A-Za-z]{42}|(?<=token=)[\w-]{20,}|[A-Za-z0-9+/]{86}=="
    r'|(?<="ending": ")\w{4}|(?<="next": ")\w+~[^"]+|(?<="since": ")[\d-]{10}T[\d:]{8}\.\d{6}Z'
    r"|(?<=BEGIN CERTIFICATE-----\\n).*?(?=-----END CERTIFICATE)|(?<=BEGIN PUBLIC KEY-----\\n).*?(?=-----END PUBLIC KEY)"
)
"""What is made by chance, and when keys were made, which is by the clock on the wall."""


def _settle(text: str) -> str:
    seen: dict[str, str] = {}

    def same(found: re.Match[str]) -> str:
        was = found[0]
        if was in _MICROSOFTS:
            return was
        if was not in seen:
            seen[was] = _standing_for(was, hashlib.sha512(f"example {len(seen)}".encode()).digest())
        return seen[was]

    return _CHANCE.sub(same, text)


def _standing_for(was: str, made: bytes) -> str:
    if was.startswith("whsec_"):
        return "whsec_" + "ZXhhbXBsZSBvbmx5OyB0aGlzIHNpZ25zIG5vdGhpbmc="
    if was.startswith("rf_"):
        return "rf_EXAMPLE-ONLY"
    if was.endswith("\\n"):
        return "MIIB…\\n"
    if was.endswith("=="):
        return base64.b64encode(made).decode()
    if was.endswith("Z") and "T" in was:
        return iso(NOW)
    if _UUID.fullmatch(was):
        return str(uuid.UUID(bytes=made[:16], version=4))
    if "~" in was:
        return f"{base64.urlsafe_b64encode(made[:18]).decode()}~{made[18:22].hex()}.{made[22:54].hex()}"
    return (made.hex() if was.islower() else made.hex().upper())[: len(was)]


_MICROSOFTS: Final = {*registration.APPLICATIONS.values(), *registration.ROLE_IDS.values(), registration.USER_READ}
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def differences(shown: Any, played: Any, place: str = "") -> Iterator[str]:
    """Yield where an example has another shape than what is answered now; a null says nothing, and so does an empty list."""
    if shown is None or played is None:
        return
    if isinstance(shown, dict) and isinstance(played, dict):
        for name in sorted(set(shown) ^ set(played)) if len(shown) < 40 else ():
            yield f"{place}/{name} is only in {'the example' if name in shown else 'the answer'}"
        for name in shown.keys() & played.keys():
            yield from differences(shown[name], played[name], f"{place}/{name}")
    elif isinstance(shown, list) and isinstance(played, list):
        if shown and played:
            yield from differences(shown[0], played[0], f"{place}/0")
    elif isinstance(shown, bool) != isinstance(played, bool) or isinstance(shown, str) != isinstance(played, str):
        yield f"{place} is {type(shown).__name__} in the example and {type(played).__name__} in the answer"
