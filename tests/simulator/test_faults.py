import pytest
from pydantic import ValidationError

from ringfence.simulator.faults import Fault, Faults


def _strikes(faults: Faults, times: int, operation: str = "list_alerts", path: str = "/api/alerts") -> list[bool]:
    return [bool(faults.strike(operation, "GET", path, ("id", "contoso"))) for _ in range(times)]


def test_a_fault_strikes_as_often_as_asked_after_those_it_lets_through() -> None:
    faults = Faults()
    faults.add(Fault(operation="list_alerts", kind="status", skip=1, times=2))
    assert _strikes(faults, 5) == [False, True, True, False, False]


def test_a_fault_for_ever_never_ends() -> None:
    faults = Faults()
    faults.add(Fault(path="/api/*", kind="status", times=None))
    assert _strikes(faults, 4) == [True] * 4


def test_a_fault_only_strikes_what_it_is_aimed_at() -> None:
    fault = Fault(operation="list_alerts", path="/API/*", method="get", tenant="contoso", kind="status")
    assert fault.fits("list_alerts", "GET", "/api/alerts", ("id", "contoso"))
    assert not fault.fits("get_alert", "GET", "/api/alerts", ("id", "contoso"))
    assert not fault.fits("list_alerts", "GET", "/v1.0/x", ("id", "contoso"))
    assert not fault.fits("list_alerts", "POST", "/api/alerts", ("id", "contoso"))
    assert not fault.fits("list_alerts", "GET", "/api/alerts", ("id", "fabrikam"))


def test_chance_follows_from_the_seed() -> None:
    runs = []
    for _ in range(2):
        faults = Faults()
        faults.add(Fault(operation="list_alerts", kind="status", times=None, probability=0.5, seed=7))
        runs.append(_strikes(faults, 40))
    assert runs[0] == runs[1]
    assert 5 < sum(runs[0]) < 35


def test_slowness_adds_to_another_fault_but_of_the_others_the_first_wins() -> None:
    faults = Faults()
    for kind in ("latency", "status", "malformed_body"):
        faults.add(Fault.model_validate({"operation": "x", "kind": kind}))
    assert [fault.kind for fault in faults.strike("x", "GET", "/", ())] == ["latency", "status"]
    assert [fault.kind for fault in faults.strike("x", "GET", "/", ())] == ["malformed_body"]


def test_faults_are_removed_one_by_one_or_all() -> None:
    faults = Faults()
    first = faults.add(Fault(operation="x", kind="status"))
    faults.add(Fault(operation="x", kind="status"))
    assert faults.clear(first.id) == 1
    assert faults.add(Fault(operation="x", kind="status")).id == 3
    assert faults.clear() == 2


def test_a_fault_must_be_aimed() -> None:
    with pytest.raises(ValidationError, match="operation"):
        Fault(kind="status")


def test_a_burst_goes_through_its_statuses() -> None:
    faults = Faults()
    fault = faults.add(Fault(path="*", kind="burst", times=5, statuses=[502, 503]))
    seen = []
    for _ in range(6):
        if faults.strike("x", "GET", "/", ()):
            seen.append(fault.next_status())
    assert seen == [502, 503, 502, 503, 502]
    assert Fault(path="*", kind="status", status=429).next_status() == 429


def test_a_fault_that_has_ended_strikes_no_more() -> None:
    faults = Faults()
    faults.add(Fault(path="*", kind="status", times=None, ends_at=10))
    assert faults.strike("x", "GET", "/", (), 9.9)
    assert not faults.strike("x", "GET", "/", (), 10)


def test_planned_faults_wait_begin_in_order_and_can_be_removed() -> None:
    faults = Faults()
    late, early = faults.plan([Fault(path="*", kind="status", at=9), Fault(path="*", kind="latency", at=3)])
    assert late.id != early.id
    assert faults.begin().kind == "latency"
    assert [fault.kind for fault in faults.items] == ["latency"]
    assert faults.clear(late.id) == 1
    assert faults.waiting == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "clock_skew"}, "needs skew"),
        ({"kind": "schema_drift"}, "needs rename"),
        ({"kind": "schema_drift", "rename": {}}, "at least 1"),
        ({"kind": "burst", "statuses": [429]}, "between 500 and 599"),
        ({"kind": "half_open", "seconds": 601}, "at most 600"),
        ({"kind": "storm"}, "Input should be"),
    ],
)
def test_a_fault_that_lacks_what_its_kind_needs_is_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Fault.model_validate({"path": "*", **fields})
