from typing import Any

import pytest

from ringfence.alerts.source import Source, common_form


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
