from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.web import alert_facts
from ringfence.web.alert_facts import Comment


def test_what_people_want_to_know_is_read() -> None:
    facts = alert_facts.read(
        {
            "description": "What happened",
            "threatName": "Wacatac",
            "investigationState": None,
            "mitreTechniques": ["T1486", 5],
            "relatedUser": {"userName": "adele.vance", "domainName": "CONTOSO"},
            "loggedOnUsers": [{"accountName": "adele.vance", "domainName": "CONTOSO"}, "odd"],
            "comments": [
                {"comment": "Seen", "createdBy": "soc@contoso.com", "createdTime": "2026-03-02T09:30:00Z"},
                None,
            ],
        }
    )
    assert facts.description == "What happened"
    assert facts.pairs == (("Threat", "Wacatac"),)
    assert facts.techniques == ("T1486",)
    assert facts.users == ("CONTOSO\\adele.vance",)
    assert facts.comments == (Comment("soc@contoso.com", datetime(2026, 3, 2, 9, 30, tzinfo=UTC), "Seen"),)


_KEYS = ["description", "mitreTechniques", "comments", "loggedOnUsers", "relatedUser", "threatName", "domainName"]


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(_KEYS),
        st.recursive(
            st.none() | st.text() | st.integers() | st.booleans(),
            lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(_KEYS), inner),
        ),
    )
)
def test_a_document_of_any_shape_can_be_read(document: dict[str, Any]) -> None:
    alert_facts.read(document)
