from datetime import UTC, datetime
from typing import Any

import pytest

from ringfence.playbooks.triggers import WebhookTrigger
from ringfence.triggers.webhook import DECLARATION, Signed, authentic, document, in_time, key_of, match, read_body, sign

# The example that Standard Webhooks publishes for those who write a library.
SECRET = "whsec_plJ3nmyCDGBKInavdOK15jsl"
BODY = b'{"event_type":"ping","data":{"success":true}}'
GOOD = Signed("msg_loFOjxBNrRLzqYUf", "1731705121", "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=")
KEY = key_of(SECRET)


def test_the_published_example_is_signed_the_same_way() -> None:
    assert sign(KEY, GOOD.message_id, GOOD.timestamp, BODY) == GOOD.signature
    assert authentic([KEY], GOOD, BODY)


def test_one_fitting_signature_by_one_fitting_key_is_enough() -> None:
    other = key_of("whsec_AAAAAAAAAAAAAAAAAAAAAAAA")
    several = Signed(GOOD.message_id, GOOD.timestamp, f"v1,AAAA v1a,BBBB {GOOD.signature}")
    assert authentic([other, KEY], several, BODY)
    assert authentic([KEY, other], several, BODY)
    assert not authentic([other], several, BODY)
    assert not authentic([], several, BODY)


@pytest.mark.parametrize(
    "wrong",
    [
        Signed("msg_other", GOOD.timestamp, GOOD.signature),
        Signed(GOOD.message_id, "1731705122", GOOD.signature),
        Signed(GOOD.message_id, GOOD.timestamp, ""),
        Signed(GOOD.message_id, GOOD.timestamp, GOOD.signature.removeprefix("v1,")),
        Signed(GOOD.message_id, GOOD.timestamp, GOOD.signature.replace("v1,", "v2,")),
        Signed(GOOD.message_id, GOOD.timestamp, f"{'v1,x ' * 20}{GOOD.signature}"),
        Signed("", "", ""),
        Signed("\udcff", "\udcff", "\udcff"),
    ],
    ids=["id", "timestamp", "none", "no version", "other version", "too many", "empty", "not text"],
)
def test_whatever_is_not_signed_with_the_secret_is_not_authentic(wrong: Signed) -> None:
    assert not authentic([KEY], wrong, BODY)
    assert not authentic([KEY], GOOD, BODY + b" ")


@pytest.mark.parametrize(
    ("message_id", "timestamp"), [("a b", "1"), ("x" * 201, "1"), ("a", "1.5"), ("a", "-1"), ("a", "٣")]
)
def test_ids_and_timestamps_of_another_form_are_refused_however_well_signed(message_id: str, timestamp: str) -> None:
    assert not authentic([KEY], Signed(message_id, timestamp, sign(KEY, message_id, timestamp, BODY)), BODY)


def test_a_timestamp_may_be_off_by_the_tolerance_in_both_directions() -> None:
    now = float(GOOD.timestamp)
    assert in_time(GOOD, now + 300, 300)
    assert in_time(GOOD, now - 300, 300)
    assert not in_time(GOOD, now + 301, 300)
    assert not in_time(GOOD, now - 301, 300)


@pytest.mark.parametrize("secret", ["", "plJ3nmyCDGBKInavdOK15jsl", "whsec_***"])
def test_what_is_no_secret_is_told_so(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        key_of(secret)


@pytest.mark.parametrize(
    ("content_type", "body", "read"),
    [
        ("application/json", b'{"a": [1, null]}', {"a": [1, None]}),
        ("application/vnd.siem+json; charset=utf-8", b"[true]", [True]),
        ("application/json", b"{not json", "{not json"),
        ("application/json", b"[NaN]", "[NaN]"),
        ("application/json", b"[" * 5000, "[" * 5000),
        ("application/json", b"9" * 5000, "9" * 5000),
        ("application/json", b"", ""),
        ("application/json", b"\xff", "\ufffd"),
        ("application/x-www-form-urlencoded", b"a=1&b=2&b=3&c=", {"a": "1", "b": ["2", "3"], "c": ""}),
        ("application/x-www-form-urlencoded", b"&".join([b"a=1"] * 2000), "&".join(["a=1"] * 2000)),
        ("text/plain", b"{}", "{}"),
        ("", b"hello", "hello"),
    ],
)
def test_a_body_is_read_by_its_content_type_and_kept_as_text_where_it_is_not_what_it_says(
    content_type: str, body: bytes, read: Any
) -> None:
    assert read_body(content_type, body) == read


def test_where_looks_into_the_message() -> None:
    seen = document("siem", "msg_1", datetime(2026, 1, 1, tzinfo=UTC), "application/json", b'{"severity": "high"}')
    assert seen == {
        "type": DECLARATION.type,
        "hook": "siem",
        "message_id": "msg_1",
        "received_at": "2026-01-01T00:00:00.000Z",
        "content_type": "application/json",
        "body": {"severity": "high"},
    }

    def asked(**values: Any) -> bool:
        return match(WebhookTrigger.model_validate({"type": "webhook", "hook": "siem"} | values), seen).matched

    assert asked()
    assert asked(where="body.severity == 'high'")
    assert not asked(where="body.severity == 'low'")
    assert not asked(where="length(body.nothing) > `1`")
