import pytest
from starlette.requests import Request

from ringfence.web.navigation import came_from, local_path


@pytest.mark.parametrize("address", ["/", "/alerts?severity=High&q=a%20b", "/alerts/1#x"])
def test_a_path_on_this_site_is_followed(address: str) -> None:
    assert local_path(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "alerts",
        "//evil.test",
        "/\\evil.test",
        "https://evil.test",
        "/\t/evil.test",
        "/a\r\nSet-Cookie: x",
        "//[",
        "javascript:alert(1)",
    ],
)
def test_nobody_is_led_elsewhere(address: str) -> None:
    assert local_path(address) == "/"


@pytest.mark.parametrize(
    ("method", "referer", "page"),
    [
        ("POST", "http://ringfence.test/alerts?q=a", "/alerts?q=a"),
        ("POST", "http://[", "/"),
        ("GET", "http://ringfence.test/alerts", "/here?x=1"),
    ],
)
def test_who_sent_a_form_came_from_its_page(method: str, referer: str, page: str) -> None:
    headers = [(b"referer", referer.encode()), (b"host", b"ringfence.test")]
    scope = {"type": "http", "method": method, "path": "/here", "query_string": b"x=1", "headers": headers}
    assert came_from(Request(scope)) == page
