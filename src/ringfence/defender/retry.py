"""When to try again and how long to wait, with no I/O of its own.

A permanent error is never repeated, nor is a call that the budget held back: it has waited already. Throttling and
connections that were never made are always safe to repeat.
Everything else is repeated only for requests without effect: after a lost reply of an action the caller must look first.
"""

import asyncio
import math
import random
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from ringfence import clock
from ringfence.defender.errors import BudgetSpent, DefenderError, ServerError, Throttled, Unreachable

LONGEST_RETRY_AFTER: Final = 3600.0

_SECONDS_IN_MESSAGE: Final = re.compile(r"\bin (\d{1,9}) seconds?\b")

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How often, how long and with what sleep; times are seconds.

    `deadline` bounds one call with all its attempts and waits: when the next wait would pass it, the last error is raised
    at once (with its retry_after, so that the caller can come back later) instead of being waited for.
    """

    attempts: int = 5
    deadline: float = 90.0
    base: float = 0.5
    longest_wait: float = 30.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random

    def wait(self, attempt: int, error: BaseException | None) -> float:
        """Return the seconds to wait after the given attempt (1, 2, …): what the service asked for, else full jitter."""
        backoff = self.chance() * min(self.longest_wait, self.base * 2.0 ** min(attempt - 1, 30))
        if isinstance(error, Throttled | ServerError) and error.retry_after is not None:
            # A little later than asked: calls that were refused together must not come back together.
            return error.retry_after + min(backoff, 1.0)
        return backoff


def may_repeat(error: BaseException, *, effect: bool) -> bool:
    """Say whether a request may be sent again after this error; `effect` marks requests that change something."""
    if not isinstance(error, DefenderError) or error.permanent or isinstance(error, BudgetSpent):
        return False
    return isinstance(error, Throttled | Unreachable) or not effect


async def with_retries(
    call: Callable[[int], Awaitable[T]], policy: RetryPolicy, *, effect: bool, budgeted: bool = False
) -> T:
    """Await `call(attempt)` until it succeeds, fails for good, or attempts or deadline are used up.

    With `budgeted`, a throttled call is repeated at once: its budget knows of the 429 and makes it wait for its turn.
    """

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return 0.0 if budgeted and isinstance(error, Throttled) else policy.wait(state.attempt_number, error)

    def stop(state: RetryCallState) -> bool:
        # Sleeps are counted as well as measured, so that the bound also holds where a test replaces the sleep.
        spent = max(state.seconds_since_start or 0.0, state.idle_for)
        return state.attempt_number >= policy.attempts or spent + state.upcoming_sleep > policy.deadline

    async for attempt in AsyncRetrying(
        sleep=policy.sleep,
        wait=wait,
        stop=stop,
        retry=retry_if_exception(lambda error: may_repeat(error, effect=effect)),
        reraise=True,
    ):
        with attempt:
            return await call(attempt.retry_state.attempt_number)
    raise AssertionError("tenacity ends with a result or an error")


def retry_after(headers: Mapping[str, str], message: str = "") -> float | None:
    """Return the seconds that a reply asks to wait: Retry-After as seconds or as a date, else the seconds in its text.

    Capped at LONGEST_RETRY_AFTER; None when nothing usable was said (absent, negative, not a number or date).
    """
    asked = _from_header(headers.get("retry-after", "").strip())
    if asked is None and (found := _SECONDS_IN_MESSAGE.search(message)):
        asked = float(found[1])
    return None if asked is None else min(asked, LONGEST_RETRY_AFTER)


def _from_header(text: str) -> float | None:
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
            moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
            return max(0.0, moment.timestamp() - clock.timestamp())
        except (ValueError, TypeError, OverflowError):
            return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
