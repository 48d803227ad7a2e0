from typing import Any

import pytest

from ringfence.containment.policy import Policy, about
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


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"mode": "maybe"}, "mode: write 'none', 'tagged' or 'any'."),
        ({"frozen": "maybe"}, "frozen: Write true or false."),
        ({"max_per_hour": "many"}, "max_per_hour: Write a whole number."),
        ({"max_per_hour": -1}, "max_per_hour: It must be at least 0."),
        ({"max_share_of_fleet": 0}, "max_share_of_fleet: It must be more than 0."),
        ({"max_share_of_fleet": "x"}, "max_share_of_fleet: Write a number."),
        ({"protected_tags": "A"}, "protected_tags: Write a list."),
        ({"protected_tags": [7]}, "protected_tags.0: Write a text."),
        ({"approvals": 7}, "approvals: Write fields and their values."),
        ({"aprovals": {}}, "aprovals: there is no such field. Did you mean approvals?"),
        ({"approvals": {"cuont": 2}}, "approvals.cuont: there is no such field. Did you mean count?"),
        ({"responses": {"scam": "ask"}}, "responses.scam: there is no such field. Did you mean scan?"),
        ({"zzzzzz": 1}, "zzzzzz: there is no such field."),
        ({"responses": {"offboard": "allow"}}, "responses.offboard: write "),
    ],
)
def test_each_problem_says_what_may_stand_there(document: dict[str, Any], problem: str) -> None:
    with pytest.raises(Invalid) as raised:
        Policy.read(document)
    assert raised.value.problems[0].startswith(problem)


def test_a_host_is_held_no_longer_than_policy_says() -> None:
    assert Policy().hold_for(None) is None
    assert Policy().hold_for(60) == 60
    day = Policy.read({"longest_hold": "24 h"})
    assert [day.hold_for(each) for each in (None, 60, 1e9)] == [86_400, 60, 86_400]


def test_each_field_says_what_it_is_about() -> None:
    assert about("approvals.count") == "So many different people must say yes."
    assert all(about(field) for field in Policy.model_fields if field not in ("approvals", "responses"))
    assert about("approvals.no_such") == about("no_such.count") == ""
