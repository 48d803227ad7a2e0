import pytest

from ringfence.containment.policy import Policy
from ringfence.errors import Invalid


def test_a_stored_document_is_read_or_refused_with_each_problem() -> None:
    assert Policy.read({}) == Policy()
    assert Policy.read({"protected_tags": [], "max_per_hour": 3}).max_per_hour == 3
    with pytest.raises(Invalid) as refused:
        Policy.read({"max_per_hour": -1, "protected_tag": ["x"]})
    assert sorted(problem.partition(":")[0] for problem in refused.value.problems) == ["max_per_hour", "protected_tag"]


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"mode": "some"}, "mode"),
        ({"servers": "maybe"}, "servers"),
        ({"unseen_for": "soon"}, "unseen_for"),
        ({"max_share_of_fleet": 1.5}, "max_share_of_fleet"),
        ({"approvals": {"count": 0}}, "approvals.count"),
        ({"approvals": {"who": "me"}}, "approvals.who"),
    ],
)
def test_each_field_says_what_is_wrong_with_it(document: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        Policy.read(document)
    assert [problem.partition(":")[0] for problem in refused.value.problems] == [field]
