"""What all nouns share: kinds of replies, limits, and that nothing of any operation leads out of the tree."""

import asyncio
import contextlib
import importlib

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microsoft import Microsoft, answer
from operation_cases import Case, drain
from ringfence.defender import OPERATIONS, DefenderError, InvalidArgument, MalformedReply, ReplyLost
from ringfence.defender.operations.base import batch, look_back, reason, required, sha1
from ringfence.defender.operations.base import given as changes

NOUNS = [
    "alerts",
    "domains",
    "files",
    "hunting",
    "indicators",
    "investigations",
    "ips",
    "library",
    "live_response",
    "machine_actions",
    "machines",
    "scores",
    "users",
    "vulnerabilities",
    "xdr",
]


def cases() -> list[Case]:
    """Return the cases of every noun."""
    modules = [importlib.import_module(f"defender.operations.test_{noun}") for noun in NOUNS]
    modules.append(importlib.import_module("defender.test_graph"))
    return [case for module in modules for case in module.CASES]


CASES = cases()


def test_each_operation_has_a_case() -> None:
    # Its body is a form, which test_library looks at by itself.
    assert {case.operation for case in CASES} == set(OPERATIONS) - {"upload_library_file"}


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["value", "id", "error", "x"]), inner),
    max_leaves=8,
)


@given(case=st.sampled_from(CASES), status=st.integers(100, 599), body=st.binary(max_size=64) | json_like)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_status_and_no_body_lead_out_of_the_tree(case: Case, status: int, body: object) -> None:
    reply = httpx.Response(status, content=body) if isinstance(body, bytes) else answer(body, status)

    async def run() -> None:
        async with Microsoft(otherwise=reply).client(attempts=2) as defender:
            with contextlib.suppress(DefenderError):
                await drain(case.call(defender))

    asyncio.run(run())


@given(text=st.text(max_size=40))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_text_of_a_caller_leads_out_of_the_tree_or_off_its_path(text: str) -> None:
    async def run() -> None:
        microsoft = Microsoft(otherwise=answer({"value": []}))
        async with microsoft.client(attempts=1) as defender:
            for call in (
                lambda: defender.get_domain_alerts(text),
                lambda: defender.get_user_machines(text),
                lambda: defender.find_machines_by_tag(text),
                lambda: defender.delete_library_file(text),
                lambda: defender.get_investigation(text),
                lambda: defender.graph_get_incident(text),
            ):
                with contextlib.suppress(DefenderError):
                    await call()
        assert all(
            url.count("/") == url.split("?")[0].count("/") and ".." not in url.split("/") for url in microsoft.urls
        )
        assert all(len(url.split("?")[0].split("/")) <= 5 for url in microsoft.urls)

    asyncio.run(run())


SENT_ONCE = {
    "batch_update_alerts",
    "create_alert_by_reference",
    "isolate_machine",
    "unisolate_machine",
    "restrict_code_execution",
    "unrestrict_code_execution",
    "run_av_scan",
    "offboard_machine",
    "stop_and_quarantine_file",
    "collect_investigation_package",
    "run_live_response",
    "cancel_machine_action",
    "start_investigation",
    "update_incident_xdr",
    "graph_create_alert_comment",
    "graph_create_incident_comment",
}
"""Changes that would be made twice; of those here that take a comment, the case gives one."""


@pytest.mark.parametrize("case", [case for case in CASES if OPERATIONS[case.operation].changes], ids=str)
@pytest.mark.parametrize("trouble", [answer({}, 500), httpx.ReadTimeout("x")], ids=["500", "timeout"])
async def test_only_a_change_that_is_the_same_when_made_twice_is_made_again(
    case: Case, trouble: httpx.Response | Exception
) -> None:
    microsoft = Microsoft(otherwise=trouble)
    async with microsoft.client(attempts=2) as defender:
        with pytest.raises(DefenderError) as raised:
            await drain(case.call(defender))
    once = case.operation in SENT_ONCE
    assert len(microsoft.requests) == (1 if once else 2)
    assert isinstance(raised.value, ReplyLost) == once


async def test_a_change_whose_list_cannot_be_read_may_have_happened() -> None:
    async with Microsoft(otherwise=answer({"value": 7})).client() as defender:
        with pytest.raises(ReplyLost, match="no list"):
            await defender.graph_create_alert_comment("a", "c")
        with pytest.raises(MalformedReply, match="no list"):
            await defender.add_or_remove_tag_multiple_machines(["m"], "t")


async def test_a_limit_asks_for_no_more_than_needed() -> None:
    microsoft = Microsoft(otherwise=answer({"value": [{"id": "1"}, {"id": "2"}, {"id": "3"}]}))
    async with microsoft.client() as defender:
        assert len([each async for each in defender.list_indicators(limit=2)]) == 2
        assert len([each async for each in defender.graph_list_alerts(limit=2)]) == 2
    assert microsoft.urls == ["/api/indicators?$top=2", "/v1.0/security/alerts_v2"]


def test_values_that_say_nothing_are_refused() -> None:
    for call in (
        lambda: required(" ", "title"),
        lambda: reason(""),
        lambda: changes({"a": None}),
        lambda: batch([], "ids"),
        lambda: batch(["a", ""], "ids"),
        lambda: batch(["a", "b"], "ids", 1),
        lambda: sha1("abc"),
        lambda: look_back(0),
    ):
        with pytest.raises(InvalidArgument):
            call()
    assert changes({"a": "", "b": None}) == {"a": ""}
    assert sha1(" " + "AB" * 20) == "ab" * 20
    assert look_back(None) == {}
