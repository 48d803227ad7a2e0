from collections.abc import Callable

import httpx
import pytest

from ringfence.errors import Invalid
from ringfence.outbound.model import (
    NewHttpAccount,
    base,
    belongs,
    check_name,
    host_of,
    origin,
    permits,
    secure,
    text_of,
    url,
)

BASE = {"name": "x", "address": "https://api.contoso.com", "secret": "s"}


@pytest.mark.parametrize(
    ("more", "shown"),
    [
        ({"kind": "header"}, {"header": "X-API-Key"}),
        ({"kind": "query", "parameter": "apikey"}, {"parameter": "apikey"}),
        ({"kind": "basic", "user": " ines "}, {"user": "ines"}),
        ({"kind": "bearer"}, {}),
        (
            {"kind": "oauth2", "token_url": "https://login.contoso.com/token", "client_id": "c", "scope": "a b"},
            {"token_url": "https://login.contoso.com/token", "client_id": "c", "scope": "a b"},
        ),
    ],
)
def test_each_kind_shows_what_is_not_secret(more: dict[str, str], shown: dict[str, str]) -> None:
    assert NewHttpAccount(**BASE, **more).settings() == shown
    assert "'s'" not in repr(NewHttpAccount(**BASE, **more))


@pytest.mark.parametrize(
    "more",
    [
        {"kind": "digest"},
        {"kind": "header", "parameter": "X: y"},
        {"kind": "header", "parameter": "Host"},
        {"kind": "query", "parameter": "a&b"},
        {"kind": "basic"},
        {"kind": "basic", "user": "a:b"},
        {"kind": "oauth2", "client_id": "c", "token_url": "http://login.contoso.com"},
        {"kind": "oauth2", "client_id": "", "token_url": "https://login.contoso.com"},
    ],
)
def test_what_is_not_whole_or_does_not_fit_the_kind_is_refused(more: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        NewHttpAccount(**BASE, **more).settings()


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (url, "ftp://contoso.com"),
        (url, "https://"),
        (url, "/path"),
        (url, "https://user:pw@contoso.com"),
        (url, "https://contoso.com/\r\nX: y"),
        (url, "https://[::1"),
        (secure, "http://contoso.com"),
        (base, "https://contoso.com/?key=1"),
        (check_name, " "),
        (check_name, "a\x00"),
        (lambda text: text_of(text, "secret"), "a\nb"),
        (host_of, "http://contoso.com"),
        (host_of, "*.com"),
        (host_of, "a..b"),
        (host_of, "*"),
        (host_of, "contoso.com/x"),
    ],
)
def test_what_cannot_be_meant_is_refused(read: Callable[[str], object], text: str) -> None:
    with pytest.raises(Invalid):
        read(text)


def test_a_credential_goes_by_https_or_stays_on_this_machine() -> None:
    assert str(base("https://api.contoso.com/v1")) == "https://api.contoso.com/v1/"
    assert str(base("http://127.0.0.1:8080")) == "http://127.0.0.1:8080/"
    assert origin(httpx.URL("https://api.contoso.com/x")) == ("https", "api.contoso.com", 443)


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("https://api.contoso.com/v1", True),
        ("https://API.contoso.com:443/v1/hosts?x=1", True),
        ("https://api.contoso.com/v10", False),
        ("https://api.contoso.com/v1/%2e%2e/admin", False),
        ("https://api.contoso.com:8443/v1/x", False),
        ("http://api.contoso.com/v1/x", False),
        ("https://api.contoso.com.fabrikam.com/v1/x", False),
    ],
)
def test_only_what_is_below_an_account_s_address_belongs_to_it(address: str, inside: bool) -> None:
    assert belongs(httpx.URL(address), base("https://api.contoso.com/v1")) is inside


def test_a_pattern_permits_a_host_or_all_below_a_domain() -> None:
    patterns = frozenset({host_of("API.contoso.com."), host_of("*.fabrikam.com"), host_of("bücher.contoso.com")})
    assert [
        permits(patterns, host) for host in ("api.contoso.com", "a.b.fabrikam.com", "xn--bcher-kva.contoso.com")
    ] == [True] * 3
    assert [
        permits(patterns, host) for host in ("contoso.com", "fabrikam.com", "x.api.contoso.com", "evilfabrikam.com")
    ] == [False] * 4
