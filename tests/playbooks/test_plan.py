from hypothesis import given
from hypothesis import strategies as st

from plan_samples import plan_of
from ringfence.playbooks.plan import Plan, PlanRetry


def test_a_plan_survives_being_stored_as_json() -> None:
    plan = plan_of(a={"with": {"x": [1, {"y": None}]}}, b={"after": "a", "timeout": "1 s"})
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
    assert Plan.model_validate(plan.model_dump(mode="json")) == plan


def test_parameters_that_are_expressions_are_not_rendered() -> None:
    step = plan_of(a={"action": "do.choose", "with": {"test": "x == '${y}'", "other": "${y}"}}).steps[0]
    assert step.raw == ("test",)
    assert step.inputs({"y": 1}) == {"test": "x == '${y}'", "other": 1}


def test_pauses_between_attempts_double_and_end() -> None:
    retry = PlanRetry(attempts=4, backoff=10.0)
    assert [retry.pause(attempt) for attempt in (1, 2, 3, 4, 5)] == [10.0, 20.0, 40.0, None, None]


@given(st.integers(1, 20), st.floats(0, 3_600), st.floats(0, 86_400), st.floats(0, 1), st.text(max_size=5))
def test_pauses_double_up_to_the_longest_and_chance_only_shortens_them(
    attempts: int, backoff: float, most: float, jitter: float, key: str
) -> None:
    retry = PlanRetry(attempts=attempts, backoff=backoff, most=most, jitter=jitter)
    assert retry.pause(attempts) is None
    for attempt in range(1, attempts):
        whole = min(backoff * 2.0 ** (attempt - 1), most)
        pause = retry.pause(attempt, key=key)
        assert pause is not None
        assert whole * (1 - jitter) <= pause <= whole
        assert retry.pause(attempt, key=key) == pause


def test_only_the_errors_that_are_named_are_followed_by_another_attempt() -> None:
    plan = plan_of(one={"retry": {"errors": ["Timeout", "reply-lost"]}})
    retry = plan.steps[0].retry
    assert [retry.pause(1, code=code) is not None for code in ("timeout", "Reply-Lost", "busy", "")] == [
        True,
        True,
        False,
        False,
    ]
