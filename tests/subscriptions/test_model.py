"""What may be subscribed to, where messages may go, and how long is waited."""

from datetime import UTC, datetime

import pytest

from ringfence.errors import Invalid
from ringfence.security.egress import networks
from ringfence.subscriptions.model import (
    NOUNS,
    State,
    Subscription,
    backoff,
    body,
    demand_address,
    demand_events,
    demand_name,
)

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def _subscription(*events: str) -> Subscription:
    return Subscription(
        "s", "o", "siem", "https://siem.contoso.com", events, State.ON, "", AT, "megan", 0, None, None, None
    )


def test_a_subscription_wants_kinds_whole_nouns_or_everything_that_is_told() -> None:
    assert _subscription("containment.contained").wants("containment", "contained")
    assert not _subscription("containment.contained").wants("containment", "released")
    assert _subscription("containment.*").wants("containment", "released")
    assert _subscription().wants("incident", "noted")
    # Who signs in, and how messages go, is nobody else's business; the latter would never end.
    for noun in ("session", "token", "user", "subscription", "notification"):
        assert not _subscription().wants(noun, "changed")


def test_events_and_names_that_cannot_be_meant_are_refused_with_what_there_is() -> None:
    assert demand_events(["run.*", "run.*", "alert.created"]) == ("run.*", "alert.created")
    for wrong in ("run", "*", "runs.*", "run.", "run.a.b", "session.ended", "run.* "):
        with pytest.raises(Invalid, match="containment"):
            demand_events([wrong])
    with pytest.raises(Invalid):
        demand_events(["run.*"] * 51)
    assert demand_name(" siem ") == "siem"
    for wrong in ("", "x" * 101, "a\nb"):
        with pytest.raises(Invalid):
            demand_name(wrong)


def test_messages_go_by_https_or_to_an_opened_address_inside() -> None:
    inside = networks("10.1.0.0/16")
    assert demand_address(" https://siem.contoso.com/hook?a=b ", ()) == "https://siem.contoso.com/hook?a=b"
    assert demand_address("http://10.1.2.3:8080/hook", inside) == "http://10.1.2.3:8080/hook"
    for wrong in (
        "http://siem.contoso.com",
        "http://10.2.0.1/",
        "ftp://siem.contoso.com",
        "https://",
        "https://user:secret@siem.contoso.com",
        "https://siem.contoso.com/#part",
        "https://siem.contoso.com:99999/",
        "https://[::1",
        "https://sïem.contoso.com",
        "https://siem.contoso.com/a b",
        "x" * 1_001,
    ):
        with pytest.raises(Invalid):
            demand_address(wrong, inside)


def test_a_body_says_what_happened_to_which_thing_and_where_to_read_it() -> None:
    said = body("containment", "c/1", "contained", AT, organization_id="o", origin="https://ringfence.contoso.com")
    assert said == {
        "type": "containment.contained",
        "timestamp": "2026-03-02T09:30:00.000Z",
        "data": {
            "organization_id": "o",
            "noun": "containment",
            "id": "c/1",
            "kind": "contained",
            "api": "https://ringfence.contoso.com/api/v1/containments/c%2F1",
        },
    }
    for noun in NOUNS:
        assert "{" not in body(noun, "1", "changed", AT, organization_id="o", origin="")["data"]["api"]


def test_it_is_waited_ever_longer_up_to_an_hour() -> None:
    waits = [backoff(failures) for failures in range(1, 12)]
    assert waits[:3] == [5.0, 20.0, 80.0]
    assert waits == sorted(waits)
    assert waits[-1] == 3_600.0
