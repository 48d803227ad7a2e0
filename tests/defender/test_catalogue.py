"""The table of operations: complete, consistent with the client, and equal to the fact book."""

import inspect
import re
from typing import Any

import pytest

from factbook import operations
from ringfence.defender import OPERATIONS, Api, DefenderClient, Operation, Priority


def facts() -> dict[str, dict[str, Any]]:
    return {each["id"]: each for each in operations()}


def test_each_operation_of_the_fact_book_is_a_row() -> None:
    assert list(OPERATIONS) == list(facts())


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=list(OPERATIONS))
def test_a_row_says_what_the_fact_book_says(operation: Operation) -> None:
    fact = facts()[operation.id]
    assert (operation.api, operation.group) == (fact["api"], fact["group"])
    assert (operation.method, operation.path) == (fact["method"], fact["path"].partition("?")[0])
    assert list(operation.permissions) == fact["permissions"]["application_any_of"]
    assert f"{operation.page}.md" == fact["doc"]
    limits = fact["rate_limit"]
    assert (operation.per_minute, operation.per_hour) == (limits.get("per_minute"), limits.get("per_hour"))
    assert operation.per_tenant == limits.get("scope", "").startswith("tenant")
    assert operation.max_page == fact["response"].get("max_page")


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=list(OPERATIONS))
def test_each_row_has_its_method_that_names_permissions_and_page(operation: Operation) -> None:
    method = getattr(DefenderClient, operation.id)
    words = " ".join((inspect.getdoc(method) or "").split())
    assert f"Needs {' or '.join(operation.permissions)}; page {operation.page.rpartition('/')[2]}." in words
    assert re.match(r"[A-Z][^.:;]*[.:;]", words)


def test_the_client_has_no_operation_beyond_the_table() -> None:
    extra = {name for name in vars(DefenderClient) if not name.startswith("_")} - set(OPERATIONS)
    mixed = {
        name
        for base in DefenderClient.__mro__[1:]
        if base.__module__.startswith("ringfence.")
        for name in vars(base)
        if not name.startswith("_")
    }
    assert extra == {"claims", "roles"}
    pages, files = {"alert_pages", "graph_alert_pages"}, {"package", "live_response_result"}
    assert mixed - set(OPERATIONS) == pages | files | {f"download_{each}" for each in files}


def test_only_limits_that_are_tighter_than_the_whole_api_s_are_an_operation_s_own() -> None:
    own = {each.id: each.own_limits for each in OPERATIONS.values() if each.own_limits}
    assert own["get_package_sas_uri"] == ((2, 60), (120, 3600))
    assert own["start_investigation"] == ((50, 3600),)
    assert own["graph_run_hunting_query"] == ((45, 60),)
    assert "get_alert" not in own
    assert "get_exposure_score" not in own


def test_hunting_changes_nothing_and_every_other_operation_that_is_no_get_does() -> None:
    posts_that_read = {each.id for each in OPERATIONS.values() if each.method != "GET" and not each.changes}
    assert posts_that_read == {"run_advanced_query", "run_advanced_hunting_xdr", "graph_run_hunting_query"}
    assert not OPERATIONS["get_alert"].changes


def test_letting_go_comes_first() -> None:
    released = {each.id for each in OPERATIONS.values() if each.priority is Priority.RELEASE}
    assert released == {"unisolate_machine", "unrestrict_code_execution", "cancel_machine_action"}
    assert all(not OPERATIONS[each].own_limits for each in released)


def test_an_address_is_filled_in_order() -> None:
    row = OPERATIONS["find_machines_by_ip"]
    assert row.address("10.0.0.1", "T") == "/api/machines/findbyip(ip='10.0.0.1',timestamp=T)"
    assert OPERATIONS["list_alerts"].address() == "/api/alerts"


@pytest.mark.parametrize(
    ("operation_id", "url"),
    [
        ("get_alert", "https://learn.microsoft.com/defender-endpoint/api/get-alert-info-by-id"),
        ("list_incidents_xdr", "https://learn.microsoft.com/defender-xdr/api-list-incidents"),
        ("graph_get_alert", "https://learn.microsoft.com/graph/api/security-alert-get"),
    ],
)
def test_each_row_leads_to_microsoft_s_page(operation_id: str, url: str) -> None:
    assert OPERATIONS[operation_id].doc_url == url


def test_all_three_apis_are_there() -> None:
    assert {each.api for each in OPERATIONS.values()} == set(Api)
