from typing import Any

import pytest

from ringfence.alerts.source import Source, common_form, mark


def test_a_document_of_defender_is_in_the_common_form_already() -> None:
    document = {"id": "da1_1", "severity": "High"}
    assert common_form(Source.DEFENDER, document) is document


def test_a_document_of_graph_is_written_as_defender_writes_it() -> None:
    document = {"id": "da1_1", "severity": "high"}
    assert common_form("graph", document)["severity"] == "High"
    assert document == {"id": "da1_1", "severity": "high"}


@pytest.mark.parametrize("odd", [None, 7, "text", ["a"]])
def test_what_is_no_alert_stays_what_it_is(odd: Any) -> None:
    assert common_form(Source.GRAPH, odd) is odd


def test_documents_that_say_the_same_share_a_mark_whatever_their_source() -> None:
    defender = {
        "title": "t",
        "severity": "High",
        "status": "New",
        "determination": "NotMalicious",
        "comments": [{"comment": "c", "createdBy": "ada", "createdTime": "2026-06-01T12:00:00Z"}],
        "lastUpdateTime": "2026-06-01T12:00:00Z",
    }
    graph = {
        "title": "t",
        "severity": "high",
        "status": "new",
        "classification": "unknown",
        "determination": "clean",
        "comments": [{"comment": "c", "createdByDisplayName": "Ada"}],
        "lastUpdateDateTime": "2026-06-01T12:00:09Z",
    }
    assert mark(defender) == mark(common_form(Source.GRAPH, graph))
    assert mark(defender) != mark({**defender, "status": "Resolved"})
    assert mark(defender) != mark({**defender, "comments": []})


@pytest.mark.parametrize("odd", [{}, {"comments": 7}, {"comments": [None, {"comment": []}]}, {"title": {"a": 1}}])
def test_any_document_has_a_mark(odd: Any) -> None:
    assert len(mark(odd)) == 32
