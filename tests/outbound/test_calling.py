import asyncio
import gzip
from collections.abc import Callable

import httpx
import pytest

from outbound_world import Service, local_service
from ringfence.errors import Invalid
from ringfence.outbound.calling import (
    Answer,
    Credential,
    Lost,
    NotAllowed,
    Request,
    Rules,
    TooLarge,
    Unsent,
    headers_of,
    resolved,
    send,
)
from ringfence.outbound.model import base, url
from ringfence.security.egress import Refused, networks

RULES = Rules(frozenset({"api.contoso.com", "*.fabrikam.com", "localhost", "127.0.0.1"}))
HOME = base("https://api.contoso.com/v1")
KEY = Credential(HOME, {"authorization": "Bearer s3cret"}, {"key": "s3cret"})


def _to(address: str, method: str = "GET", **more: object) -> Request:
    return Request(method, url(address), **more)  # type: ignore[arg-type]


def _ok(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"path": request.url.path})


def _moves(to: str, status: int = 302) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        first = request.url.path == "/v1/go"
        return httpx.Response(status, headers={"location": to}) if first else httpx.Response(200)

    return answer


async def test_an_allowed_host_is_called_and_its_answer_given() -> None:
    service = Service(_ok)
    answer = await send(_to("https://a.fabrikam.com/x", headers={"x-a": "b"}), RULES, transport=service)
    assert (answer.status, answer.body, answer.address) == (200, b'{"path":"/x"}', "https://a.fabrikam.com/x")
    assert service.asked[0].headers["x-a"] == "b"
    assert "authorization" not in service.asked[0].headers


@pytest.mark.parametrize("host", ["contoso.com", "api.contoso.com.evil.com", "fabrikam.com", "169.254.169.254"])
async def test_any_other_host_is_not_called(host: str) -> None:
    service = Service(_ok)
    with pytest.raises(NotAllowed, match="may not call"):
        await send(_to(f"https://{host}/"), RULES, transport=service)
    installation = Rules(RULES.hosts, frozenset({"*.contoso.com"}))
    with pytest.raises(NotAllowed, match="This installation"):
        await send(_to("https://a.fabrikam.com/"), installation, transport=service)
    assert service.asked == []


async def test_a_credential_goes_to_its_home_and_nowhere_else() -> None:
    service = Service(_moves("https://a.fabrikam.com/there"))
    answer = await send(_to("https://api.contoso.com/v1/go"), Rules(frozenset({"a.fabrikam.com"})), KEY, service)
    assert answer.address == "https://a.fabrikam.com/there"
    first, second = service.asked
    assert (first.headers["authorization"], first.url.query) == ("Bearer s3cret", b"key=s3cret")
    assert ("authorization" in second.headers, second.url.query) == (False, b"")


@pytest.mark.parametrize(
    ("to", "error"),
    [
        ("https://evil.com/", NotAllowed),
        ("http://api.contoso.com/v1/x", Invalid),
        ("file:///etc/passwd", Invalid),
        ("https://user:pw@api.contoso.com/", Invalid),
        ("/v1/go", Invalid),
    ],
)
async def test_a_redirect_is_held_to_the_same_rules(to: str, error: type[Exception]) -> None:
    service = Service(lambda request: httpx.Response(302, headers={"location": to}))
    with pytest.raises(error):
        await send(_to("https://api.contoso.com/v1/go"), RULES, KEY, service)


async def test_redirects_keep_or_change_the_method_as_http_says() -> None:
    for status, method, body in ((303, "GET", b""), (302, "GET", b""), (307, "POST", b"x"), (308, "POST", b"x")):
        service = Service(_moves("/v1/there", status))
        await send(_to("https://api.contoso.com/v1/go", "POST", body=b"x"), RULES, KEY, service)
        assert (service.asked[1].method, service.asked[1].content) == (method, body)
    service = Service(_moves("https://a.fabrikam.com/", 307))
    with pytest.raises(Invalid, match=r"a\.fabrikam\.com"):
        await send(_to("https://api.contoso.com/v1/go", "POST", body=b"x"), RULES, KEY, service)
    service = Service(_moves("https://evil.com/"))
    answer = await send(_to("https://api.contoso.com/v1/go", redirects=0), RULES, KEY, service)
    assert answer.status == 302


async def test_an_answer_is_bounded_also_where_it_is_packed() -> None:
    bomb = gzip.compress(b"0" * 10_000_000)
    for content, headers in ((b"0" * 1_001, {}), (bomb, {"content-encoding": "gzip"})):
        service = Service(lambda request, c=content, h=headers: httpx.Response(200, content=c, headers=h))  # type: ignore[misc]
        with pytest.raises(TooLarge):
            await send(_to("https://api.contoso.com/", largest=1_000), RULES, transport=service)
    packed = gzip.compress(b"fits")
    service = Service(
        lambda request: httpx.Response(200, stream=httpx.ByteStream(packed), headers={"content-encoding": "gzip"})
    )
    assert (await send(_to("https://api.contoso.com/"), RULES, transport=service)).body == b"fits"
    for encoding in ("br", "gzip"):
        service = Service(
            lambda request, e=encoding: httpx.Response(  # type: ignore[misc]
                200, stream=httpx.ByteStream(b"not packed"), headers={"content-encoding": e}
            )
        )
        with pytest.raises((TooLarge, Lost)):
            await send(_to("https://api.contoso.com/"), RULES, transport=service)


async def test_what_was_not_sent_and_what_was_lost_are_told_apart_and_no_secret_with_them() -> None:
    def fail(error: Exception) -> Callable[[httpx.Request], httpx.Response]:
        def answer(request: httpx.Request) -> httpx.Response:
            raise error

        return answer

    for error, kind in ((httpx.ConnectError("key=s3cret"), Unsent), (httpx.ReadTimeout("key=s3cret"), Lost)):
        with pytest.raises(kind) as caught:
            await send(_to("https://api.contoso.com/v1/"), RULES, KEY, Service(fail(error)))
        assert "s3cret" not in str(caught.value)


async def test_a_service_that_takes_too_long_is_given_up() -> None:
    class Slow(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await asyncio.Event().wait()
            raise AssertionError

    with pytest.raises(Lost, match=r"within 0\.01 s"):
        await send(_to("https://api.contoso.com/", timeout=0.01), RULES, transport=Slow)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_private_network_is_closed_when_the_connection_is_made_whatever_the_name_says(host: str) -> None:
    with local_service() as port:
        with pytest.raises(Refused):
            await send(_to(f"http://{host}:{port}/"), RULES)
        opened = Rules(RULES.hosts, None, networks("127.0.0.1 ::1"))
        answer = await send(_to(f"http://{host}:{port}/"), opened)
        assert (answer.status, answer.body) == (200, b"ok")


async def test_a_redirect_into_a_private_network_is_refused_when_the_connection_is_made() -> None:
    with local_service(302, {"Location": "http://127.0.0.2/latest/meta-data"}) as port:
        rules = Rules(RULES.hosts | {"127.0.0.2"}, None, networks("127.0.0.1"))
        with pytest.raises(Refused, match=r"127\.0\.0\.2"):
            await send(_to(f"http://127.0.0.1:{port}/"), rules)


async def test_a_port_at_which_nobody_listens_is_told() -> None:
    with local_service() as port:
        pass
    with pytest.raises(Unsent):
        await send(_to(f"http://127.0.0.1:{port}/"), Rules(RULES.hosts, None, networks("127.0.0.1")))


@pytest.mark.parametrize(
    "headers",
    [
        {"X: y": "z"},
        {"X": "a\r\nEvil: 1"},
        {"X": "ü"},
        {"Host": "evil.com"},
        {"Authorization": "Bearer x"},
        {"cookie": "x"},
        {"X": "a" * 8_001},
        {f"x-{number}": "" for number in range(51)},
    ],
)
def test_headers_that_would_change_the_request_or_hold_a_secret_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        headers_of(headers)


def test_an_address_may_be_a_path_below_that_of_an_account() -> None:
    assert str(resolved("hosts?x=http://y", HOME)) == "https://api.contoso.com/v1/hosts?x=http://y"
    assert str(resolved("/hosts", HOME)) == "https://api.contoso.com/v1/hosts"
    assert str(resolved("https://api.contoso.com/v1/hosts", HOME)) == "https://api.contoso.com/v1/hosts"
    for wrong in ("../admin", "%2e%2e/admin", "https://evil.com/v1/x", "//evil.com/../../x"):
        with pytest.raises(Invalid, match="not below"):
            resolved(wrong, HOME)
    with pytest.raises(Invalid):
        resolved("hosts", None)


def test_an_answer_does_not_show_its_body() -> None:
    assert "s3cret" not in repr(Answer(200, {}, b"s3cret", "https://api.contoso.com/"))
