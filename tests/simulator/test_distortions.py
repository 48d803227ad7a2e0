import json
from typing import Any

from ringfence.simulator import distortions
from ringfence.simulator.faults import Fault, Faults
from ringfence.simulator.operations import Reply
from ringfence.simulator.record import compact

NOON = 1_772_366_400.0
ITEMS = [{"id": number, "alertCreationTime": f"2026-03-01T11:{number:02d}:00Z"} for number in range(10, 60)]


def _after(document: object, kind: str, status: int = 200, **fields: Any) -> Any:
    reply = Reply(status, compact(document))
    fault = Fault.model_validate({"path": "*", "kind": kind, **fields})
    fault.fires()
    distortions.distort(fault, reply, NOON)
    assert reply.body is not None
    return json.loads(reply.body)


def test_a_field_is_renamed_wherever_it_stands() -> None:
    document = {"value": [{"computerDnsName": "a", "nested": {"computerDnsName": "b"}}]}
    assert _after(document, "schema_drift", rename={"computerDnsName": "deviceDnsName"}) == {
        "value": [{"deviceDnsName": "a", "nested": {"deviceDnsName": "b"}}]
    }


def test_young_items_are_kept_back() -> None:
    left = _after({"value": ITEMS}, "late_items", seconds=1_800)["value"]
    assert [item["id"] for item in left] == list(range(10, 31))
    odd: list[Any] = [{"alertCreationTime": "soon"}, 7, {"other": 1}]
    assert _after({"value": odd}, "late_items", seconds=1_800)["value"] == odd


def test_items_lose_their_order_the_same_way_each_time() -> None:
    first = _after({"value": ITEMS}, "reordered_items", seed=3)["value"]
    assert first == _after({"value": ITEMS}, "reordered_items", seed=3)["value"]
    assert first != ITEMS
    assert sorted(item["id"] for item in first) == [item["id"] for item in ITEMS]


def test_errors_and_what_is_no_list_stay() -> None:
    assert _after({"id": 1}, "reordered_items") == {"id": 1}
    assert _after({"a": 1}, "schema_drift", status=404, rename={"a": "b"}) == {"a": 1}
    reply = Reply(200, b"no json")
    distortions.distort(Fault(path="*", kind="reordered_items"), reply, NOON)
    assert reply.body == b"no json"
    empty = Reply(204)
    distortions.distort(Fault(path="*", kind="late_items"), empty, NOON)
    assert empty.body is None


def test_a_broken_body_is_half_of_it_or_what_was_ordered() -> None:
    reply = Reply(200, b"0123456789")
    distortions.distort(Fault(path="*", kind="malformed_body"), reply, NOON)
    assert reply.body == b"01234"
    distortions.distort(Fault(path="*", kind="malformed_body", body={"a": 1}), reply, NOON)
    assert reply.body == b'{"a":1}'


def test_a_page_is_sent_once_more() -> None:
    faults = Faults()
    first, second, third = (Reply(200, body) for body in (b"one", b"two", b"three"))
    distortions.double(faults, None, first, "list_alerts", "t")
    assert not faults.last_pages
    fault = faults.add(Fault(operation="list_alerts", kind="duplicated_page"))
    distortions.double(faults, None, first, "list_alerts", "t")
    distortions.double(faults, fault, second, "list_alerts", "t")
    distortions.double(faults, None, third, "list_alerts", "t")
    assert [reply.body for reply in (first, second, third)] == [b"one", b"one", b"three"]
    faults.clear()
    assert not faults.last_pages
