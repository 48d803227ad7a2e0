import pytest

from ringfence.actions import Json
from ringfence.actions.hunting import found_rows


@pytest.mark.parametrize(
    "answer",
    [
        {"Schema": [{"Name": "A", "Type": "string"}], "Results": [{"A": 1}, {"A": 2}], "Stats": {}},
        {"schema": [{"name": "A", "type": "string"}], "results": [{"A": 1}, {"A": 2}]},
    ],
)
def test_each_address_is_read_alike(answer: Json) -> None:
    assert found_rows(answer, 1) == {"columns": ["A"], "rows": [{"A": 1}], "found": 2, "more": True}


@pytest.mark.parametrize("answer", [None, [], {"results": 1, "schema": 2}, {"schema": ["A", {}]}])
def test_an_answer_of_another_form_has_no_rows(answer: Json) -> None:
    assert found_rows(answer, 10)["rows"] == []
