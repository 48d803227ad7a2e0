import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factbook import example_bytes
from ringfence.defender import errors
from ringfence.defender.errors import DefenderError, MalformedReply, MissingRole, Throttled, WrongAddress
from ringfence.defender.replies import conceal, parse_json, parse_object, refusal


def body(code: object, message: object = "No.") -> bytes:
    return json.dumps({"error": {"code": code, "message": message, "target": "t-1"}}).encode()


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "ActiveRequestAlreadyExists", errors.ActiveRequestAlreadyExists),
        (400, "OsPlatformNotSupported", errors.OsPlatformNotSupported),
        (400, "ClientVersionNotSupported", errors.ClientVersionNotSupported),
        (400, "MissingRequiredParameter", errors.MissingRequiredParameter),
        (400, "InvalidRequestBody", errors.InvalidRequestBody),
        (400, "InvalidInput", errors.InvalidInput),
        (400, "InvalidIpAddress", errors.InvalidInput),
        (400, "ODataError", errors.InvalidQuery),
        (400, "MaximumBatchSizeExceeded", errors.MaximumBatchSizeExceeded),
        (400, "BadRequest", errors.BadRequest),
        (400, "", errors.BadRequest),
        (400, "NeverSeenBefore", errors.BadRequest),
        (409, "Conflict", errors.BadRequest),
        (401, "Unauthorized", errors.Unauthorized),
        (403, "Forbidden", errors.MissingRole),
        (403, "DisabledFeature", errors.FeatureDisabled),
        (403, "DisallowedOperation", errors.OperationDisallowed),
        (404, "ResourceNotFound", errors.NotFound),
        (404, "NotFound", errors.NotFound),
        (429, "429", errors.Throttled),
        (429, "TooManyRequests", errors.Throttled),
        (408, "", errors.ServerError),
        (500, "InternalServerError", errors.ServerError),
        (503, "", errors.ServerError),
        (302, "", errors.MalformedReply),
        (199, "", errors.MalformedReply),
    ],
)
def test_status_and_code_choose_the_error(status: int, code: str, expected: type[DefenderError]) -> None:
    error = refusal(status, {}, body(code), request="GET /api/x")
    assert type(error) is expected
    assert error.status == status
    assert error.request == "GET /api/x"


def test_the_text_of_a_message_chooses_nothing() -> None:
    error = refusal(400, {}, body("BadRequest", "Action is already in progress (ActiveRequestAlreadyExists)"))
    assert type(error) is errors.BadRequest


def test_an_empty_404_means_that_the_address_is_wrong() -> None:
    assert type(refusal(404, {}, b"")) is WrongAddress
    assert type(refusal(404, {}, b"<html>")) is errors.NotFound
    assert type(refusal(405, {}, b"")) is WrongAddress


def test_the_roles_of_both_documented_forms_are_read() -> None:
    first = refusal(
        403,
        {},
        body(
            "Forbidden",
            "Missing application roles. API required roles: Machine.Read.All,Machine.ReadWrite.All, "
            "application roles: Alert.ReadWrite.All.",
        ),
    )
    assert isinstance(first, MissingRole)
    assert first.required == ("Machine.Read.All", "Machine.ReadWrite.All")
    assert first.granted == ("Alert.ReadWrite.All",)
    second = refusal(
        403,
        {},
        body(
            "Forbidden",
            "The application does not have any of the required application permissions "
            "(Machine.Read.All, Machine.ReadWrite.All) to access the resource.",
        ),
    )
    assert isinstance(second, MissingRole)
    assert second.required == ("Machine.Read.All", "Machine.ReadWrite.All")
    assert second.granted == ()


def test_a_403_of_another_form_still_is_one() -> None:
    error = refusal(403, {}, body("Forbidden", "Nothing. To see here."))
    assert isinstance(error, MissingRole)
    assert error.required == ()


def test_throttling_falls_back_to_the_seconds_in_the_text() -> None:
    text = "API calls quota exceeded! Maximum allowed 30 per 00:01:00. You can send requests again in 8 seconds."
    error = refusal(429, {}, body("TooManyRequests", text))
    assert isinstance(error, Throttled)
    assert error.retry_after == 8.0
    named = refusal(429, {"retry-after": "4"}, body("429", text))
    assert isinstance(named, Throttled)
    assert named.retry_after == 4.0


def test_the_inner_error_of_graph_does_not_disturb() -> None:
    document = {"error": {"code": "TooManyRequests", "innerError": {"code": "429"}, "message": "Please retry later."}}
    error = refusal(429, {"retry-after": "10"}, json.dumps(document).encode())
    assert error.code == "TooManyRequests"


def test_a_secret_that_a_service_echoes_is_blotted_out() -> None:
    error = refusal(400, {}, body("x-tok3n", "bad token tok3n here"), secrets=("tok3n", ""))
    assert "tok3n" not in str(error)
    assert conceal("abc", ()) == "abc"


@given(st.integers(100, 999), st.binary(), st.dictionaries(st.text(), st.text()))
def test_no_status_and_no_bytes_lead_out_of_the_tree(status: int, noise: bytes, headers: dict[str, str]) -> None:
    assert isinstance(refusal(status, headers, noise), DefenderError)
    with contextlib.suppress(MalformedReply):
        parse_object(noise)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.integers(300, 999), json_values)
def test_no_json_leads_out_of_the_tree(status: int, value: object) -> None:
    for document in (value, {"error": value}, {"error": {"code": value, "message": value, "target": value}}):
        assert isinstance(refusal(status, {}, json.dumps(document).encode()), DefenderError)


@given(json_values)
def test_json_is_read_without_loss(value: object) -> None:
    assert parse_json(json.dumps(value).encode()) == value


def test_a_lone_surrogate_does_not_cost_the_page() -> None:
    raw = rb'{"value": [{"id": "a", "file": "x\ud83dy"}, {"id": "b", "ok": "\ud83d\ude00", "path": "c:\\ud83d"}]}'
    assert parse_json(raw) == {
        "value": [{"id": "a", "file": "x\ufffdy"}, {"id": "b", "ok": "\U0001f600", "path": "c:\\ud83d"}]
    }


def test_a_broken_byte_and_a_byte_order_mark_do_not_cost_the_page() -> None:
    assert parse_json(b'\xef\xbb\xbf{"a": "\xff"}') == {"a": "\ufffd"}


@pytest.mark.parametrize("raw", [b"", b"{", b"[1,]", b'{"a": NaN}', b"<html>", b"[" * 100_000, b"{} {}"])
def test_what_is_not_json_is_a_malformed_reply(raw: bytes) -> None:
    with pytest.raises(MalformedReply, match="not JSON"):
        parse_json(raw)


def test_an_object_is_demanded_where_one_is_promised() -> None:
    with pytest.raises(MalformedReply, match="list"):
        parse_object(b"[]")


def test_the_recorded_refusals_mean_what_their_names_say() -> None:
    expected = {
        "error.ActiveRequestAlreadyExists.400.json": errors.ActiveRequestAlreadyExists,
        "error.Forbidden.missing_roles.403.json": errors.MissingRole,
        "error.InvalidRequestBody.400.json": errors.InvalidRequestBody,
        "error.ResourceNotFound.404.json": errors.NotFound,
        "error.TooManyRequests.2021.429.json": errors.Throttled,
        "error.TooManyRequests.2022.429.json": errors.Throttled,
        "error.graph.TooManyRequests.429.json": errors.Throttled,
        "error.unsupported_query_option.400.json": errors.BadRequest,
        "get_machine_action.error.400.recorded.json": errors.BadRequest,
        "get_alert_user.error.404.recorded.json": errors.NotFound,
    }
    for name, kind in expected.items():
        status = int(name.split(".")[-2]) if name.split(".")[-2].isdecimal() else int(name.split(".")[-3])
        assert type(refusal(status, {}, example_bytes(name))) is kind, name
