import json

from ringfence.simulator import operations
from ringfence.simulator.operations import ApiError, Call, QueryOptionError, Registry, Reply


def _registry() -> Registry:
    registry = Registry(("/api", "/api/v1.0"))

    def answer(call: Call) -> Reply:
        return Reply(200)

    registry.operation("list_things", "GET", "things", "Thing.Read")(answer)
    registry.operation("find_things", "GET", "things/find(ip='{ip}',at={at})")(answer)
    registry.operation("get_thing", "GET", "things/{id}")(answer)
    registry.operation("change_thing", "PATCH", "things/{id}")(answer)
    return registry


def _match(method: str, path: str) -> tuple[str | None, dict[str, str], tuple[str, ...]]:
    match = _registry().match(method, operations.split_path(path))
    return (match.operation.id if match.operation else None, match.params, match.allowed)


def test_both_prefixes_and_any_letter_case_lead_to_the_operation() -> None:
    assert _match("GET", "/api/things")[0] == "list_things"
    assert _match("GET", "/API/v1.0/Things/")[0] == "list_things"
    assert _match("GET", "/api/v1.0/things/V1.0") == ("get_thing", {"id": "V1.0"}, ())


def test_function_paths_give_their_parameters() -> None:
    expected = ("find_things", {"ip": "10.0.0.1", "at": "2026-01-01T00:00:00Z"}, ())
    assert _match("GET", "/api/things/find(ip='10.0.0.1',at=2026-01-01T00:00:00Z)") == expected
    assert _match("GET", "/api/things/find(ip=%2710.0.0.1%27,at=2026-01-01T00%3A00%3A00Z)") == expected


def test_an_encoded_slash_stays_inside_its_segment() -> None:
    assert _match("GET", "/api/things/a%2Fb") == ("get_thing", {"id": "a/b"}, ())


def test_a_wrong_verb_names_the_right_ones_and_an_unknown_path_none() -> None:
    assert _match("DELETE", "/api/things/1") == (None, {}, ("GET", "PATCH"))
    assert _match("GET", "/api/nothing/1/2") == (None, {}, ())
    assert not _registry().owns(["v1.0", "things"])


def test_an_entity_starts_with_its_context() -> None:
    body = operations.entity("Things", b'{"id":"a"}').body
    assert (
        body == b'{"@odata.context":"https://api.securitycenter.microsoft.com/api/$metadata#Things/$entity","id":"a"}'
    )
    assert json.loads(operations.entity("Things", b"{}").body or b"") == {
        "@odata.context": "https://api.securitycenter.microsoft.com/api/$metadata#Things/$entity"
    }


def test_errors_have_a_target_but_malformed_options_have_details() -> None:
    plain = operations.error_reply(operations.not_found("Machine 1"), "t")
    assert plain.status == 404
    assert json.loads(plain.body or b"") == {
        "error": {"code": "ResourceNotFound", "message": "Machine 1 was not found", "target": "t"}
    }
    option = operations.error_reply(QueryOptionError("Wrong."), "t")
    assert json.loads(option.body or b"")["error"]["details"] == []
    assert isinstance(QueryOptionError("x"), ApiError)


def test_http_dates_are_written_for_headers() -> None:
    assert operations.http_date(1_772_366_400.0) == "Sun, 01 Mar 2026 12:00:00 GMT"


def test_a_fixed_name_goes_before_one_that_takes_anything() -> None:
    registry = _registry()

    def answer(call: Call) -> Reply:
        return Reply(200)

    registry.operation("find_by_tag", "GET", "things/findbytag", "Thing.Read")(answer)
    match = registry.match("GET", ["api", "Things", "FindByTag"])
    assert match.operation is not None
    assert match.operation.id == "find_by_tag"
