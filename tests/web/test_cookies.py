from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response

from ringfence.settings import Settings
from ringfence.web import cookies


def request(scheme: str, cookie: str = "") -> Request:
    headers = [(b"host", b"ringfence.test"), (b"cookie", cookie.encode())]
    return Request(
        {"type": "http", "method": "GET", "path": "/", "scheme": scheme, "headers": headers, "query_string": b""}
    )


def settings(public_url: str | None = None) -> Settings:
    return Settings(data=Path("unused"), public_url=public_url, session_hours=2)


@pytest.mark.parametrize(
    ("scheme", "public_url", "name"),
    [
        ("http", None, "ringfence="),
        ("https", None, "__Host-ringfence="),
        ("http", "https://ringfence.contoso.com", "__Host-ringfence="),
    ],
)
def test_the_session_cookie_is_out_of_reach(scheme: str, public_url: str | None, name: str) -> None:
    response = Response()
    cookies.set_session(response, request(scheme), settings(public_url), "token")
    cookie = response.headers["set-cookie"]
    assert cookie.startswith(name + "token;")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert "Max-Age=7200" in cookie
    assert "Domain" not in cookie
    assert ("Secure" in cookie) == name.startswith("__Host-")


def test_by_https_a_cookie_that_a_neighbour_could_have_set_does_not_count() -> None:
    assert cookies.session_token(request("https", "ringfence=planted"), settings()) is None
    assert cookies.session_token(request("https", "__Host-ringfence=own"), settings()) == "own"
    assert cookies.session_token(request("http", "ringfence=own"), settings()) == "own"


def test_signing_out_takes_the_cookie_away() -> None:
    response = Response()
    cookies.drop_session(response, request("https"), settings())
    assert response.headers["set-cookie"].startswith('__Host-ringfence="";')
    assert "Max-Age=0" in response.headers["set-cookie"]


def test_signing_out_takes_what_a_form_left_behind_away_too() -> None:
    response, here = Response(), settings()
    cookies.set_typed(response, request("http"), here, "words", 600)
    assert response.headers["set-cookie"].startswith("ringfence-typed=words; HttpOnly; Max-Age=600")
    response = Response()
    cookies.drop_session(response, request("http", "ringfence-typed=words"), here)
    dropped = response.headers.getlist("set-cookie")
    assert [each.partition("=")[0] for each in dropped] == ["ringfence", "ringfence-typed"]
