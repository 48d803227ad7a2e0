from starlette.requests import Request

from ringfence.web.filters import more_address


def test_the_next_page_keeps_the_filters() -> None:
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "server": ("ringfence.test", 80),
        "path": "/alerts",
        "query_string": b"severity=High&severity=Low&cursor=old",
        "headers": [],
    }
    address = more_address(Request(scope), "a=b")
    assert address == "/alerts?severity=High&severity=Low&cursor=a%3Db"
    assert more_address(Request(scope), None) is None
