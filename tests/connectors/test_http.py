from typing import Any

import pytest

from acting import Scene, Wire
from ringfence.actions import ActionError, HttpAnswer, Json, Result
from ringfence.connectors.http import connector

URL = "https://api.contoso.com/x"


async def _ask(answer: HttpAnswer | None = None, **inputs: Any) -> tuple[Result, dict[str, Any]]:
    scene = Scene(http=Wire(answer or HttpAnswer(200, {}, b"", URL)))
    found = await connector.actions["http.request"].call(scene, {"url": URL, **inputs})
    assert isinstance(found, Result)
    return found, scene.http.asked[0]


@pytest.mark.parametrize(
    ("inputs", "body", "kind"),
    [
        ({"json": {"a": [1, "ü"]}}, b'{"a":[1,"\\u00fc"]}', "application/json"),
        ({"form": {"a": "b c", "n": 1, "none": None}}, b"a=b+c&n=1", "application/x-www-form-urlencoded"),
        ({"text": "ü"}, "ü".encode(), "text/plain; charset=utf-8"),
        ({"text": "<a/>", "headers": {"content-type": "text/xml"}}, b"<a/>", "text/xml"),
    ],
)
async def test_a_body_is_sent_as_what_it_is(inputs: dict[str, Any], body: bytes, kind: str) -> None:
    _, asked = await _ask(method="POST", **inputs)
    assert asked["body"] == body
    assert {name.lower(): value for name, value in asked["headers"].items()} == {"content-type": kind}


async def test_what_is_asked_is_handed_on() -> None:
    _, asked = await _ask(query={"a": 1, "b": None, "c": "d"}, account="rep", timeout="5 s", redirects=0, repeat=True)
    assert asked == {
        "method": "GET",
        "address": URL,
        "account": "rep",
        "query": {"a": "1", "c": "d"},
        "headers": {},
        "body": None,
        "timeout": 5.0,
        "redirects": 0,
        "harmless": True,
        "key": "run1:one:0",
    }


@pytest.mark.parametrize(
    ("kind", "body", "shown"),
    [
        ("application/json; charset=utf-8", b'{"a": NaN}', {"a": None}),
        ("application/problem+json", b"{", "{"),
        ("text/html", "ü".encode("latin-1"), "ü"),
        ("application/octet-stream", b"\xff\x00", None),
        ("", b"plain", "plain"),
    ],
)
async def test_an_answer_is_read_as_what_it_is(kind: str, body: bytes, shown: Json) -> None:
    headers = {"content-type": kind, "set-cookie": "session=s3cret"}
    found, _ = await _ask(HttpAnswer(200, headers, body, URL))
    assert found == Result("success", {"status": 200, "headers": {"content-type": kind}, "body": shown, "url": URL})


async def test_a_refusal_is_an_outcome_and_what_may_pass_is_an_error_that_waits_as_asked() -> None:
    found, _ = await _ask(HttpAnswer(404, {}, b"no", URL))
    assert found.outcome == "refused"
    for status, headers, wait in (
        (500, {}, None),
        (503, {"retry-after": "7"}, 7.0),
        (429, {}, 60.0),
        (429, {"retry-after": "999999999999"}, 3_600.0),
    ):
        with pytest.raises(ActionError, match=f"{status}: Busy") as caught:
            await _ask(HttpAnswer(status, headers, b"Busy", URL))
        assert (caught.value.permanent, caught.value.retry_after) == (False, wait)


@pytest.mark.parametrize(
    "inputs",
    [
        {"text": "x"},
        {"method": "POST", "text": "x", "json": {}},
        {"timeout": "6 min"},
        {"method": "TRACE"},
        {"redirects": 11},
    ],
)
async def test_what_makes_no_sense_is_refused(inputs: dict[str, Any]) -> None:
    with pytest.raises(ActionError) as caught:
        await _ask(**inputs)
    assert caught.value.permanent
