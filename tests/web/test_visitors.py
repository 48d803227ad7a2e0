from starlette.requests import Request

from ringfence.security.sessions import Visitor
from ringfence.web.visitors import visitor


def test_a_visitor_is_known_by_address_and_browser() -> None:
    scope = {"type": "http", "headers": [(b"user-agent", b"curl/8")], "client": ("198.51.100.7", 1)}
    assert visitor(Request(scope)) == Visitor("198.51.100.7", "curl/8")
    assert visitor(Request({"type": "http", "headers": []})) == Visitor()
