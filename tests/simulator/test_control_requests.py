import pytest
from starlette.requests import Request

from ringfence.simulator.control_requests import ControlError, read_json, refuse, require_local, valid
from ringfence.simulator.control_specs import SetClock


def _from(host: str, **headers: str) -> Request:
    listed = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "path": "/_sim", "headers": listed, "client": (host, 5)})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "::ffff:127.0.0.1", "localhost"])
def test_this_machine_may_ask(host: str) -> None:
    require_local(_from(host))


@pytest.mark.parametrize("host", ["192.0.2.7", "::ffff:192.0.2.7", "contoso.com", ""])
def test_nobody_else_may(host: str) -> None:
    with pytest.raises(ControlError, match="answer only to the machine"):
        require_local(_from(host))


def test_a_page_in_a_browser_of_this_machine_may_not() -> None:
    with pytest.raises(ControlError, match="do not answer to web pages"):
        require_local(_from("127.0.0.1", origin="http://fabrikam.com"))


@pytest.mark.parametrize("body", [b"{", b"[]", b"1", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(ControlError) as refused:
        read_json(body)
    reply = refuse(refused.value)
    assert (reply.status_code, b"bad_json" in reply.body) == (400, True)


def test_no_body_is_an_empty_object() -> None:
    assert read_json(b" ") == {}


def test_each_mistake_is_named_with_its_place() -> None:
    assert valid(SetClock, {"advance": 5}).advance == 5
    with pytest.raises(ControlError, match=r"speed: .*; colour: "):
        valid(SetClock, {"speed": -1, "colour": 1})
