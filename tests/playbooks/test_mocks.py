import pytest

from ringfence.playbooks.mocks import MOST_CASES, Mock, Unfit, cases_of, mock_of
from ringfence.playbooks.model import Json, Playbook, Step

EXPECT: Json = {"status": "succeeded"}


def _playbook(tests: Json) -> Playbook:
    return Playbook.model_validate(
        {"ringfence": 1, "name": "One", "trigger": {"type": "manual"}, "steps": {}, "tests": tests}
    )


def _step(mock: Json) -> Step:
    return Step.model_validate({"action": "logic.set", "mock": mock})


def test_a_step_is_pinned_to_an_output_an_outcome_or_an_error() -> None:
    assert mock_of(_step(None)) is None
    assert mock_of(_step({"output": {"a": 1}, "outcome": "yes"})) == Mock(output={"a": 1}, outcome="yes")
    assert mock_of(_step({"error": "Away."})) == Mock(error="Away.")
    assert mock_of(_step({"output": None})) == Mock(output=None)


@pytest.mark.parametrize(
    ("mock", "said"),
    [
        ({}, "Say how the step ends"),
        ({"error": "Away.", "output": 1}, "unless `times` is said"),
        ({"output": 1, "code": "timeout"}, "are about an `error`"),
        ({"error": "Away.", "times": 2, "permanent": True}, "never tried again"),
        ({"error": "Away.", "times": 0}, "greater than or equal to 1"),
        ({"outputs": 1}, "The key 'outputs' is not known here"),
        ([1], "valid dictionary"),
        ({"error": ""}, "at least 1 character"),
    ],
)
def test_anything_else_is_refused_with_its_place_and_a_sentence(mock: Json, said: str) -> None:
    with pytest.raises(Unfit) as refused:
        mock_of(_step(mock))
    assert said in refused.value.faults[0][1]


def test_an_error_is_permanent_unless_it_is_said_to_pass() -> None:
    said: tuple[dict[str, Json], ...] = (
        {},
        {"code": "timeout"},
        {"times": 2},
        {"permanent": False},
        {"code": "timeout", "permanent": True},
    )
    found = [Mock.model_validate({"error": "Away.", **each}) for each in said]
    assert [each.is_permanent for each in found] == [True, False, False, False, True]
    assert [found[2].fails(attempt) for attempt in (1, 2, 3)] == [True, True, False]
    assert (found[0].fails(20), Mock(output=1).fails(1)) == (True, False)


def test_a_test_has_a_name_a_trigger_mocks_and_what_is_expected() -> None:
    (case,) = cases_of(
        _playbook(
            [
                {
                    "name": "One",
                    "now": "2026-01-01T00:00:00Z",
                    "trigger": {"alert": {"id": "x"}},
                    "mocks": {"a": {"outcome": "yes"}},
                    "expect": {"ran": "a.yes", "skipped": ["b"], "inputs": {"a": {"x": 1}}},
                }
            ]
        )
    )
    assert case.expect.ran == ("a.yes",)
    assert case.mocks == {"a": Mock(outcome="yes")}
    assert cases_of(_playbook(None)) == ()


@pytest.mark.parametrize(
    ("tests", "path", "said"),
    [
        ([{"name": "One", "expect": {}}], (0, "expect"), "proves nothing"),
        ([{"name": "One", "expect": {"only": True}}], (0, "expect"), "proves nothing"),
        ([{"expect": EXPECT}], (0, "name"), "'name' is missing"),
        ([{"name": "One", "expect": EXPECT, "now": "soon"}], (0, "now"), "datetime"),
        ([{"name": "One", "expect": {"ran": 1}}], (0, "expect", "ran"), "tuple"),
        ([{"name": str(at), "expect": EXPECT} for at in range(MOST_CASES + 1)], (), "at most"),
        ("none", (), "tuple"),
    ],
)
def test_a_test_that_is_not_one_is_refused_with_its_place(tests: Json, path: tuple[str | int, ...], said: str) -> None:
    with pytest.raises(Unfit) as refused:
        cases_of(_playbook(tests))
    assert refused.value.faults[0][0] == path
    assert said in refused.value.faults[0][1]
