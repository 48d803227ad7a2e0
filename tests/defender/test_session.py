import asyncio
import contextlib
import gc

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microsoft import Microsoft, answer, refused
from ringfence.defender import Call, Cloud, InvalidArgument, cloud, errors
from ringfence.defender.session import segment

ACTION = {"id": "act-1", "type": "Isolate", "status": "Pending", "machineId": "m1"}


def page(*ids: str, link: str | None = None) -> httpx.Response:
    document: dict[str, object] = {"value": [{"id": each} for each in ids]}
    if link is not None:
        document["@odata.nextLink"] = link
    return answer(document)


async def ids(
    microsoft: Microsoft, *, top: int = 2, where: Cloud | None = None, api_base: str | None = None
) -> list[str]:
    async with microsoft.client(where or cloud("commercial"), api_base=api_base) as defender:
        return [item["id"] async for each in defender.alert_pages(top=top) for item in each]


async def test_a_renewed_token_is_used_once_after_401() -> None:
    microsoft = Microsoft(refused(401, "Unauthorized"), answer({"id": "m1"}))
    async with microsoft.client() as defender:
        assert (await defender.get_machine("m1")).id == "m1"
    assert microsoft.tokens == ["token-1", "token-2"]
    assert microsoft.slept == []


async def test_a_second_401_is_the_answer() -> None:
    microsoft = Microsoft(otherwise=refused(401, "Unauthorized", "Account mode is inactive"))
    async with microsoft.client() as defender:
        for _ in range(3):
            with pytest.raises(errors.Unauthorized, match="inactive"):
                await defender.get_machine("m1")
    assert len(microsoft.sign_ins) == 2
    assert len(microsoft.requests) == 4


async def test_an_action_is_sent_again_after_401_because_it_was_not_taken() -> None:
    microsoft = Microsoft(refused(401, ""), answer(ACTION, 201))
    async with microsoft.client() as defender:
        assert (await defender.isolate_machine("m1", comment="Alert 1")).id == "act-1"


async def test_a_read_outlasts_passing_troubles() -> None:
    microsoft = Microsoft(
        refused(500, "InternalServerError"),
        httpx.ReadTimeout("x"),
        httpx.Response(200, content=b"<html>"),
        refused(429, "429", Retry_After="3"),
        answer({"id": "m1"}),
    )
    async with microsoft.client() as defender:
        assert (await defender.get_machine("m1")).id == "m1"
    assert microsoft.slept == [0.5, 1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    "trouble",
    [
        refused(500, "InternalServerError"),
        answer({}, 503),
        answer({}, 408),
        answer({}, 302),
        httpx.ReadTimeout("x"),
        httpx.RemoteProtocolError("x"),
        httpx.Response(201, content=b""),
        httpx.Response(201, content=b'{"id": "act'),
        answer({"no": "action"}, 201),
    ],
)
async def test_an_action_whose_outcome_is_unknown_is_sent_once_and_lost(trouble: httpx.Response | Exception) -> None:
    microsoft = Microsoft(trouble)
    async with microsoft.client() as defender:
        with pytest.raises(errors.ReplyLost, match="Look for the effect") as raised:
            await defender.isolate_machine("m1", comment="Alert 1")
    assert not raised.value.permanent
    assert raised.value.request == "POST /api/machines/m1/isolate"
    assert len(microsoft.requests) == 1
    assert microsoft.slept == []


async def test_an_action_that_was_surely_not_taken_is_sent_again() -> None:
    microsoft = Microsoft(
        httpx.ConnectError("x"), refused(429, "TooManyRequests", Retry_After="2"), answer(ACTION, 201)
    )
    async with microsoft.client() as defender:
        assert (await defender.isolate_machine("m1", comment="Alert 1")).status == "Pending"
    assert len(microsoft.requests) == 3


async def test_an_action_that_is_refused_says_why_at_once() -> None:
    microsoft = Microsoft(refused(400, "ActiveRequestAlreadyExists"))
    async with microsoft.client() as defender:
        with pytest.raises(errors.ActiveRequestAlreadyExists):
            await defender.isolate_machine("m1", comment="Alert 1")
    assert len(microsoft.requests) == 1


async def test_next_links_are_followed_as_given_on_the_host_that_was_called() -> None:
    alias = "https://api.securitycenter.microsoft.com/api/alerts?$top=2&$skiptoken=a%2Fb"
    microsoft = Microsoft(page("a", "b", link=alias), page("c"))
    assert await ids(microsoft) == ["a", "b", "c"]
    assert microsoft.requests[1].url.host == "api.security.microsoft.com"
    assert microsoft.urls[1] == "/api/alerts?$top=2&$skiptoken=a%2Fb"


async def test_a_next_link_of_a_regional_host_and_of_a_prefixed_one_is_followed() -> None:
    microsoft = Microsoft(page("a", link="https://API.security.microsoft.com/api/alerts?$skip=1"), page("b"))
    assert await ids(microsoft, api_base="https://eu.api.security.microsoft.com") == ["a", "b"]
    assert {request.url.host for request in microsoft.requests} == {"eu.api.security.microsoft.com"}
    prefixed = Cloud.custom(login="https://login.contoso.com", api="https://gate.contoso.com/mde")
    microsoft = Microsoft(page("a", link="https://gate.contoso.com/mde/api/alerts?$skip=1"), page("b"))
    assert await ids(microsoft, where=prefixed) == ["a", "b"]
    assert microsoft.urls[1] == "/mde/api/alerts?$skip=1"


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.contoso.com/api/alerts?$skip=2",
        "http://api.security.microsoft.com/api/alerts?$skip=2",
        "https://api.security.microsoft.com@evil.contoso.com/api/alerts",
        "https://api-gov.securitycenter.microsoft.us/api/alerts?$skip=2",
        "https://api.security.microsoft.com/other",
        "https://[broken",
        "/api/alerts?$skip=2",
    ],
)
async def test_a_next_link_that_leaves_the_cloud_is_not_followed(link: str) -> None:
    microsoft = Microsoft(page("a", link=link))
    with pytest.raises(errors.MalformedReply, match="next link leaves"):
        await ids(microsoft)
    assert len(microsoft.requests) == 1


async def test_a_chain_that_returns_to_itself_is_cut() -> None:
    link = "https://api.security.microsoft.com/api/alerts?$skip=2"
    microsoft = Microsoft(page("a", "b", link=link), page("c", "d", link=link))
    assert await ids(microsoft) == ["a", "b", "c", "d"]
    assert len(microsoft.requests) == 2


async def test_a_chain_of_new_links_to_the_same_page_is_cut() -> None:
    start = "https://api.security.microsoft.com/api/alerts?$skip="
    microsoft = Microsoft(*(page("a", "b", link=f"{start}{n}") for n in range(5)))
    assert await ids(microsoft) == ["a", "b"]
    assert len(microsoft.requests) == 2


async def test_an_empty_page_ends_even_with_a_link() -> None:
    microsoft = Microsoft(page("a", link="https://api.security.microsoft.com/api/alerts?$skip=1"), page(link="x"))
    assert await ids(microsoft) == ["a"]


async def test_a_long_chain_of_pages_takes_no_more_memory_than_a_short_one() -> None:
    start = "https://api.security.microsoft.com/api/alerts?$skip="

    def pages_of(count: int) -> Microsoft:
        ids_of = [[f"{number}-{index}" for index in range(20)] for number in range(count)]
        links = [f"{start}{number}" for number in range(1, count)]
        return Microsoft(*(page(*each, link=link) for each, link in zip(ids_of, [*links, None], strict=True)))

    def alive() -> int:
        return sum(type(found) is dict and len(found) == 1 and "id" in found for found in gc.get_objects())

    counts = []
    async with pages_of(40).client() as defender:
        number = 0
        async for each in defender.alert_pages(top=20):
            number += len(each) // 20
            if number in (3, 40):
                counts.append(alive())
    assert number == 40
    assert counts[1] <= counts[0] + 20


@pytest.mark.parametrize("path", ["/api/../x", "/api/%2e%2e/x", "/api/alerts/..%2f..%2fx", "/api/./x", "/api/..\\x"])
async def test_a_link_that_climbs_out_of_the_api_is_refused(path: str) -> None:
    microsoft = Microsoft(page("a", link=f"https://api.security.microsoft.com{path}"))
    with pytest.raises(errors.MalformedReply, match="leaves the API"):
        await ids(microsoft)
    assert len(microsoft.requests) == 1


hosts = st.sampled_from(["https://api.security.microsoft.com", "https://api.contoso.com", "", "//x"])
tails = st.sampled_from(
    ["/api/alerts?$skip=1", "/api/alerts?$skip=2", "/api/../x", "/api/%2E%2e/x", "/other"]
) | st.text(max_size=12)
links = st.none() | st.builds("{}{}".format, hosts, tails)


@given(st.lists(st.tuples(st.lists(st.sampled_from("abcd"), max_size=3), links), min_size=1, max_size=8))
@settings(max_examples=80, deadline=None)
def test_whatever_links_say_the_chain_ends_and_stays_on_its_host(chain: list[tuple[list[str], str | None]]) -> None:
    async def run() -> None:
        microsoft = Microsoft(*(page(*each, link=link) for each, link in chain), otherwise=page())
        async with microsoft.client(attempts=1) as defender:
            with contextlib.suppress(errors.DefenderError):
                async for _ in defender.alert_pages(top=2):
                    pass
        assert {request.url.host for request in microsoft.requests} == {"api.security.microsoft.com"}
        assert all(request.url.path.startswith("/api/") for request in microsoft.requests)
        assert len(set(microsoft.urls)) == len(microsoft.urls)

    asyncio.run(run())


async def test_a_chain_of_links_that_ends_with_a_full_page_is_not_begun_anew() -> None:
    link = "https://api.security.microsoft.com/api/alerts?$skiptoken=2"
    microsoft = Microsoft(page("a", "b", link=link), page("c", "d"))
    assert await ids(microsoft) == ["a", "b", "c", "d"]
    assert len(microsoft.requests) == 2


async def test_without_links_full_pages_go_on_by_skip_until_a_short_one() -> None:
    microsoft = Microsoft(page("a", "b"), page("c", "d"), page("e"))
    assert await ids(microsoft) == ["a", "b", "c", "d", "e"]
    assert microsoft.urls == [
        "/api/alerts?$top=2",
        "/api/alerts?$top=2&$skip=2",
        "/api/alerts?$top=2&$skip=4",
    ]


async def test_pages_are_fetched_only_when_they_are_wanted() -> None:
    microsoft = Microsoft(page("a", "b"), page("c", "d"))
    async with microsoft.client() as defender:
        async for _ in defender.alert_pages(top=2):
            break
    assert len(microsoft.requests) == 1


@pytest.mark.parametrize("top", [0, -1, 10_001])
async def test_a_page_of_an_impossible_size_is_refused(top: int) -> None:
    with pytest.raises(InvalidArgument):
        await ids(Microsoft(), top=top)


@pytest.mark.parametrize("body", [{}, {"value": None}, {"value": {}}, {"error": "x"}])
async def test_a_collection_without_a_list_is_malformed(body: object) -> None:
    with pytest.raises(errors.MalformedReply, match="no list") as raised:
        await ids(Microsoft(otherwise=answer(body)))
    assert raised.value.request == "GET /api/alerts"


async def test_an_item_that_is_no_object_does_not_cost_its_page() -> None:
    microsoft = Microsoft(answer({"value": [{"id": "a"}, 7, {"id": "b"}]}))
    async with microsoft.client() as defender:
        rows = [row async for each in defender.alert_pages(top=5) for row in each]
    assert rows == [{"id": "a"}, {"value": 7}, {"id": "b"}]


async def test_the_observer_hears_of_each_finished_request() -> None:
    heard: list[Call] = []
    microsoft = Microsoft(
        refused(500, "InternalServerError"),
        httpx.ReadTimeout("x"),
        answer({"id": "m1"}, 200, mise_correlation_id="c-1"),
    )
    async with microsoft.client(observer=heard.append) as defender:
        await defender.get_machine("m1")
    assert [(call.operation, call.method, call.path, call.status, call.attempt, call.error) for call in heard] == [
        ("get_machine", "GET", "/api/machines/m1", 500, 1, ""),
        ("get_machine", "GET", "/api/machines/m1", None, 2, "Timeout"),
        ("get_machine", "GET", "/api/machines/m1", 200, 3, ""),
    ]
    assert heard[2].correlation_id == "c-1"
    assert len({call.request_id for call in heard}) == 3
    assert [request.headers["client-request-id"] for request in microsoft.requests] == [
        call.request_id for call in heard
    ]
    assert all(call.elapsed >= 0 for call in heard)


async def test_an_observer_that_fails_does_not_fail_the_call(caplog: pytest.LogCaptureFixture) -> None:
    def broken(call: Call) -> None:
        raise RuntimeError(call.operation)

    microsoft = Microsoft(answer(ACTION, 201))
    async with microsoft.client(observer=broken) as defender:
        assert (await defender.isolate_machine("m1", comment="x")).id == "act-1"
    assert "observer" in caplog.text


@pytest.mark.parametrize("value", ["", " ", ".", "..", ". .", "a\nb", "x" * 301, "\x00"])
def test_what_cannot_be_a_part_of_a_path_is_refused(value: str) -> None:
    with pytest.raises(InvalidArgument):
        segment(value, "an id")


def test_a_part_of_a_path_is_percent_encoded() -> None:
    assert segment("a/../b?x=1#y%2e", "an id") == "a%2F..%2Fb%3Fx%3D1%23y%252e"
    assert segment("da637308392288907382_-880718168", "an id") == "da637308392288907382_-880718168"
