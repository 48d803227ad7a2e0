from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence import clock
from ringfence.defender.errors import (
    BadRequest,
    DefenderError,
    MalformedReply,
    ReplyLost,
    ServerError,
    Throttled,
    Timeout,
    Unreachable,
)
from ringfence.defender.retry import LONGEST_RETRY_AFTER, RetryPolicy, may_repeat, retry_after, with_retries


class Sleeper:
    def __init__(self) -> None:
        self.waits: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)


def failing(*errors: Exception) -> Callable[[int], Awaitable[str]]:
    left = list(errors)

    async def call(attempt: int) -> str:
        if left:
            raise left.pop(0)
        return f"done at {attempt}"

    return call


async def test_waits_double_under_full_jitter() -> None:
    sleep = Sleeper()
    policy = RetryPolicy(attempts=5, base=1.0, longest_wait=3.0, sleep=sleep, chance=lambda: 0.5)
    call = failing(*[ServerError("x") for _ in range(4)])
    assert await with_retries(call, policy, effect=False) == "done at 5"
    assert sleep.waits == [0.5, 1.0, 1.5, 1.5]


async def test_the_last_error_is_raised_when_the_attempts_are_used_up() -> None:
    sleep = Sleeper()
    with pytest.raises(ServerError, match="third"):
        await with_retries(
            failing(ServerError("first"), ServerError("second"), ServerError("third")),
            RetryPolicy(attempts=3, sleep=sleep),
            effect=False,
        )
    assert len(sleep.waits) == 2


async def test_a_permanent_error_is_raised_at_once() -> None:
    sleep = Sleeper()
    with pytest.raises(BadRequest):
        await with_retries(failing(BadRequest("x")), RetryPolicy(sleep=sleep), effect=False)
    assert sleep.waits == []


async def test_an_error_of_another_kind_is_never_repeated() -> None:
    with pytest.raises(KeyError):
        await with_retries(failing(KeyError("x")), RetryPolicy(sleep=Sleeper()), effect=False)


async def test_the_service_is_given_the_time_it_asks_for() -> None:
    sleep = Sleeper()
    policy = RetryPolicy(sleep=sleep, chance=lambda: 0.0)
    await with_retries(failing(Throttled("x", retry_after=8.0)), policy, effect=True)
    assert sleep.waits == [8.0]


async def test_a_wait_beyond_the_deadline_is_left_to_the_caller() -> None:
    sleep = Sleeper()
    with pytest.raises(Throttled) as raised:
        await with_retries(
            failing(Throttled("x", retry_after=600.0)), RetryPolicy(deadline=90.0, sleep=sleep), effect=False
        )
    assert raised.value.retry_after == 600.0
    assert sleep.waits == []


async def test_waits_together_stay_within_the_deadline() -> None:
    sleep = Sleeper()
    with pytest.raises(Throttled):
        await with_retries(
            failing(*[Throttled("x", retry_after=20.0) for _ in range(9)]),
            RetryPolicy(attempts=9, deadline=50.0, sleep=sleep, chance=lambda: 0.0),
            effect=False,
        )
    assert sleep.waits == [20.0, 20.0]


@pytest.mark.parametrize(
    ("error", "reading", "acting"),
    [
        (Unreachable("x"), True, True),
        (Throttled("x"), True, True),
        (Timeout("x"), True, False),
        (ServerError("x"), True, False),
        (MalformedReply("x"), True, False),
        (ReplyLost("x"), True, False),
        (BadRequest("x"), False, False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_action_is_repeated_only_when_it_was_surely_not_taken(
    error: DefenderError, reading: bool, acting: bool
) -> None:
    assert may_repeat(error, effect=False) is reading
    assert may_repeat(error, effect=True) is acting


def test_both_forms_of_retry_after_are_read() -> None:
    clock.replace(lambda: datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC).timestamp())
    assert retry_after({"retry-after": "10"}) == 10.0
    assert retry_after({"retry-after": "Thu, 01 Jan 2026 12:00:42 GMT"}) == 42.0
    assert retry_after({"retry-after": "Thu, 01 Jan 2026 11:00:00 GMT"}) == 0.0


@pytest.mark.parametrize("text", ["", "-5", "soon", "nan", "-inf", "Thu, 99 Jan 2026", "\x00"])
def test_an_absurd_retry_after_says_nothing(text: str) -> None:
    assert retry_after({"retry-after": text}) is None
    assert retry_after({"retry-after": text}, "You can send requests again in 8 seconds.") == 8.0


def test_a_huge_retry_after_is_capped() -> None:
    assert retry_after({"retry-after": "999999999"}) == LONGEST_RETRY_AFTER
    assert retry_after({}, "again in 999999999 seconds") == LONGEST_RETRY_AFTER
    assert retry_after({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}) == LONGEST_RETRY_AFTER


def test_the_header_goes_before_the_text() -> None:
    assert retry_after({"retry-after": "3"}, "again in 8 seconds") == 3.0
    assert retry_after({}, "no number here") is None


@given(st.text())
def test_no_retry_after_breaks_the_reader(text: str) -> None:
    asked = retry_after({"retry-after": text}, text)
    assert asked is None or 0.0 <= asked <= LONGEST_RETRY_AFTER


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_no_wait_is_longer_than_the_longest(attempt: int, chance: float) -> None:
    policy = RetryPolicy(longest_wait=30.0, chance=lambda: chance)
    assert 0.0 <= policy.wait(attempt, ServerError("x")) <= 30.0
