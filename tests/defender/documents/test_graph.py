import pytest

from factbook import example
from ringfence.defender import Document, GraphAlert, GraphComment, GraphIncident, MalformedReply

SPELT_OTHERWISE: tuple[str, ...] = ()
RECORDED: list[tuple[str, type[Document]]] = [
    ("graph_list_alerts.response", GraphAlert),
    ("graph_update_alert.response", GraphAlert),
    ("graph_update_incident.response", GraphIncident),
]


@pytest.mark.parametrize(("name", "model"), RECORDED, ids=[name for name, _ in RECORDED])
def test_recorded_documents_are_read_without_loss(name: str, model: type[Document]) -> None:
    document = example(name)
    items = document.get("value", [document])
    assert items
    for item in items:
        parsed = model.parse(item)
        assert parsed.raw is item
        assert item.keys() <= {*parsed.model_dump(by_alias=True), *SPELT_OTHERWISE}


def test_evidence_of_a_kind_that_is_not_known_is_kept() -> None:
    kind = "#microsoft.graph.security.aiAgentEvidence"
    read = GraphAlert.parse({"id": "a", "evidence": [{"@odata.type": kind, "agent": "x", "roles": None}]})
    assert read.evidence[0].odata_type == kind
    assert read.evidence[0].model_extra == {"agent": "x"}


def test_a_comment_is_read_in_both_spellings() -> None:
    one = GraphComment.parse({"comment": "c", "createdByDisplayName": "n", "createdDateTime": "2026-01-02T03:04:05Z"})
    other = GraphComment.parse({"comment": "c", "createdBy": "n", "createdTime": "2026-01-02T03:04:05Z"})
    assert one.created_by_display_name == other.created_by_display_name == "n"
    assert one.created_date_time == other.created_date_time


def test_what_has_no_identity_is_malformed() -> None:
    for model in (GraphAlert, GraphIncident):
        with pytest.raises(MalformedReply):
            model.parse({"id": ""})
