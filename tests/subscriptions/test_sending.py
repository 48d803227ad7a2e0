"""One message on the wire."""

import json
from datetime import UTC, datetime

from ringfence.security.egress import networks
from ringfence.subscriptions.model import Message
from ringfence.subscriptions.sending import Parcel, Receipt, send
from ringfence.triggers.webhook import Signed, authentic, in_time
from subscription_world import receiving

OLD, NEW = b"o" * 32, b"n" * 32
AT = 1_772_443_800.9
MESSAGE = Message(
    "01a2-msg", "s", "run.over", {"type": "run.over"}, "waiting", datetime(2026, 3, 2, tzinfo=UTC), None, 0, ()
)
HERE = networks("127.0.0.1")


def _send(address: str) -> Receipt:
    return send(Parcel(MESSAGE, address, (NEW, OLD)), at=AT, allowed=HERE)


def test_a_message_is_signed_by_every_secret_that_is_valid() -> None:
    with receiving() as (address, came):
        receipt = _send(address)
    assert (receipt.taken, receipt.status, receipt.error) == (True, 204, "")
    (one,) = came
    signed = Signed(one.headers["webhook-id"], one.headers["webhook-timestamp"], one.headers["webhook-signature"])
    assert (signed.message_id, in_time(signed, AT, 1.0)) == ("01a2-msg", True)
    assert all(authentic([key], signed, one.body) for key in (OLD, NEW))
    assert not authentic([b"x" * 32], signed, one.body)
    assert json.loads(one.body) == {"type": "run.over"}
    assert one.headers["content-type"] == "application/json"
    assert one.headers["user-agent"].startswith("Ringfence/")


def test_a_redirect_is_not_followed_and_what_is_refused_is_told() -> None:
    with receiving(302, {"Location": "http://127.0.0.1:1/elsewhere"}) as (address, came):
        receipt = _send(address)
    assert (receipt.taken, receipt.refused, receipt.status, len(came)) == (False, False, 302, 1)
    with receiving(400) as (address, _):
        assert _send(address).refused
    with receiving(429) as (address, _):
        assert not _send(address).refused


def test_nobody_is_sent_to_in_a_network_that_is_not_open() -> None:
    with receiving() as (address, came):
        receipt = send(Parcel(MESSAGE, address, (NEW,)), at=AT, allowed=())
    assert (receipt.status, came) == (None, [])
    assert "RINGFENCE_EGRESS_PRIVATE" in receipt.error


def test_who_does_not_answer_is_told_by_the_kind_of_failure_alone() -> None:
    receipt = _send("http://127.0.0.1:1/hook?token=secret")
    assert (receipt.status, receipt.error) == (None, "No answer came (ConnectError).")
