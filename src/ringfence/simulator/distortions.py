"""What faults do to a reply that was made as it should be: fields renamed, items late, out of order or sent twice."""

import json
import random
from typing import Any

from ringfence.simulator import timestamps
from ringfence.simulator.faults import Fault, Faults
from ringfence.simulator.operations import Reply
from ringfence.simulator.record import Document, compact

_BIRTHS = ("alertCreationTime", "creationDateTimeUtc", "createdTime", "createdDateTime", "startTime")


def distort(fault: Fault, reply: Reply, now: float) -> None:
    """Change the body of a reply as the fault says; replies that are not JSON, or no list, stay as they are."""
    if fault.kind == "malformed_body":
        whole = reply.body or b'{"value":['
        reply.body = raw(fault.body) if fault.body is not None else whole[: max(1, len(whole) // 2)]
        return
    if fault.kind not in ("schema_drift", "late_items", "reordered_items") or reply.body is None or reply.status >= 300:
        return
    try:
        document = json.loads(reply.body)
    except ValueError:
        return
    if fault.kind == "schema_drift":
        reply.body = compact(_renamed(document, fault.rename or {}))
        return
    items = document.get("value") if isinstance(document, dict) else None
    if not isinstance(items, list):
        return
    if fault.kind == "reordered_items":
        random.Random(f"{fault.seed}/{fault.fired}").shuffle(items)
    else:
        latest = timestamps.to_ticks(now - fault.seconds)
        document["value"] = [item for item in items if _born(item) <= latest]
    reply.body = compact(document)


def double(faults: Faults, fault: Fault | None, reply: Reply, operation: str, tenant: str) -> None:
    """Remember a page while a duplicated_page is ordered; where it strikes, send the page before once more."""
    if reply.body is None or reply.status != 200 or not faults.doubling:
        return
    place = (operation, tenant)
    if fault is not None and fault.kind == "duplicated_page":
        reply.body = faults.last_pages.get(place, reply.body)
    else:
        faults.last_pages[place] = reply.body


def raw(body: object) -> bytes:
    """Return a body as it was ordered: a text as it is, anything else as JSON."""
    return body.encode("utf-8", "replace") if isinstance(body, str) else compact(body)


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {names.get(key, key): _renamed(item, names) for key, item in value.items()}
    return [_renamed(item, names) for item in value] if isinstance(value, list) else value


def _born(item: Document | object) -> int:
    if isinstance(item, dict):
        for name in _BIRTHS:
            value = item.get(name)
            if isinstance(value, str):
                try:
                    return timestamps.read(value)
                except ValueError:
                    continue
    return 0
