"""One call of one action: whatever it gives back, raises or fails to do becomes one of three answers."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC

from ringfence import logs
from ringfence.actions import Action, ActionError, Context, Json, Result, Wait
from ringfence.defender import Priority, priority
from ringfence.playbooks.bounded import plain

log = logs.get(__name__)

LONGEST_CALL = 900.0
"""Seconds after which a call that does not come back is given up, whatever its step allows: a long wait is a Wait."""


TIMEOUT = "timeout"
"""The code of a call that did not come back in time, our own limits' as well as the client's."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call did not succeed; `permanent` says that calling again cannot help, or could double an effect.

    With `again_in`, in seconds, it was only not let through: the same attempt goes on when so much time has passed, or one
    of `topics` has changed.
    `code` is that of the error; TIMEOUT for a call that did not come back in time.
    """

    error: str
    permanent: bool
    again_in: float | None = None
    code: str = ""
    topics: tuple[str, ...] = ()


Answer = Result | Wait | Failure


async def attempt(action: Action, context: Context, inputs: Mapping[str, Json], *, seconds: float | None) -> Answer:
    """Call an action for at most `seconds`; raises nothing but what ends this process or task."""
    allowed = LONGEST_CALL if seconds is None else min(seconds, LONGEST_CALL)
    limit = asyncio.timeout(allowed)
    try:
        async with limit:
            # Of all calls, those of runs wait first: what cuts a host off, or lets it go, goes through containment.
            with priority(Priority.ENRICH):
                answer = await action.call(context, inputs)
        return _checked(answer) if isinstance(answer, Wait) else answer
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        return _bug(action, asyncio.CancelledError())
    except Exception as error:
        if limit.expired():
            return _too_slow(action, allowed)
        if isinstance(error, ActionError):
            again_in = None if error.permanent else error.retry_after
            return Failure(
                f"{error.message} {error.advice}".strip(), error.permanent, again_in, error.code, error.topics
            )
        return _bug(action, error)


def _too_slow(action: Action, allowed: float) -> Failure:
    unknown = "" if action.repeatable else " It is not known whether its effect took place: look."
    return Failure(
        f"{action.id} did not answer within {allowed:g} s.{unknown}", permanent=not action.repeatable, code=TIMEOUT
    )


def _bug(action: Action, error: BaseException) -> Failure:
    log.error("action failed with a bug", action=action.id, exc_info=error)
    return Failure(f"Internal error ({type(error).__name__}) in {action.id}; see the server's log.", permanent=True)


def _checked(wait: Wait) -> Wait:
    """Make sure that a Wait can be kept as a row."""
    if wait.until is not None and wait.until.tzinfo is None:
        raise ValueError("The time of a Wait needs a time zone.")
    until = wait.until.astimezone(UTC) if wait.until is not None else None
    if not all(isinstance(topic, str) for topic in wait.topics):
        raise TypeError("The topics of a Wait must be texts.")
    return replace(wait, until=until, topics=tuple(wait.topics), state=plain(wait.state))
