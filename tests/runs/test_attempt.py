"""Whatever an action does in a call, the answer is a result, a wait that can be kept, or a failure."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast

import pytest

from acting import Scene
from ringfence.actions import Action, ActionError, Connector, Context, Effect, Result, Wait
from ringfence.defender import OPERATIONS
from ringfence.defender.budget import current_priority
from ringfence.runs.attempt import Failure, attempt

Body = Callable[[Context], Awaitable[Any]]


def action_of(body: Body, *, repeatable: bool = True) -> Action:
    connector = Connector(
        "contoso", title="Contoso", version="1.0.0", description="A pretend service.", category="Test"
    )

    @connector.action(effect=Effect.WRITE, repeatable=repeatable)
    async def act(context: Context) -> Any:
        """Do as told."""
        return await body(context)

    return connector.actions["contoso.act"]


async def answer_to(body: Body, *, seconds: float | None = None, repeatable: bool = True) -> Any:
    return await attempt(action_of(body, repeatable=repeatable), cast("Context", Scene()), {}, seconds=seconds)


def raising(error: BaseException) -> Body:
    async def body(_context: Context) -> None:
        raise error

    return body


def giving(value: Any) -> Body:
    async def body(_context: Context) -> Any:
        return value

    return body


async def test_a_result_is_given_as_it_is() -> None:
    assert await answer_to(giving({"case": 7})) == Result("success", {"case": 7})


async def test_an_expected_failure_keeps_its_sentences_and_whether_it_is_permanent() -> None:
    error = ActionError("Not now.", code="busy", permanent=False, advice="Wait.")
    assert await answer_to(raising(error)) == Failure("Not now. Wait.", permanent=False, code="busy")


async def test_what_was_not_let_through_says_when_to_ask_again_unless_it_is_permanent() -> None:
    spent = ActionError("The budget is spent.", code="BudgetSpent", permanent=False, retry_after=40.0)
    assert await answer_to(raising(spent)) == Failure(
        "The budget is spent.", permanent=False, again_in=40.0, code="BudgetSpent"
    )
    odd = ActionError("Never.", code="no", permanent=True, retry_after=40.0)
    assert await answer_to(raising(odd)) == Failure("Never.", permanent=True, code="no")


async def test_calls_of_an_action_wait_behind_those_that_contain_and_release() -> None:
    async def body(_context: Context) -> Result:
        purposes = (current_priority(OPERATIONS[each]) for each in ("list_alerts", "unisolate_machine"))
        return Result(output=[each.name for each in purposes])

    assert await answer_to(body) == Result(output=["ENRICH", "RELEASE"])


@pytest.mark.parametrize(
    "error",
    [KeyError("x"), TimeoutError(), asyncio.CancelledError(), RecursionError(), ExceptionGroup("x", [OSError()])],
)
async def test_anything_else_is_a_bug_and_permanent(error: BaseException) -> None:
    failure = await answer_to(raising(error))
    assert failure == Failure(
        f"Internal error ({type(error).__name__}) in contoso.act; see the server's log.", permanent=True
    )


@pytest.mark.parametrize("repeatable", [True, False])
async def test_a_call_is_cut_off_when_its_time_is_up_and_tried_again_only_where_that_is_safe(repeatable: bool) -> None:
    failure = await answer_to(_for_ever, seconds=0.01, repeatable=repeatable)
    assert isinstance(failure, Failure)
    assert failure.error.startswith("contoso.act did not answer within 0.01 s.")
    assert failure.permanent is not repeatable
    assert ("not known whether its effect took place" in failure.error) is not repeatable


async def _for_ever(_context: Context) -> None:
    await asyncio.Event().wait()


async def test_an_action_that_turns_being_cut_off_into_a_failure_of_its_own_was_too_slow_all_the_same() -> None:
    async def body(context: Context) -> None:
        try:
            await _for_ever(context)
        except asyncio.CancelledError:
            raise ActionError("Interrupted.", code="x", permanent=True) from None

    failure = await answer_to(body, seconds=0.01)
    assert "did not answer within" in failure.error


async def test_who_is_cancelled_from_outside_stops() -> None:
    begun = asyncio.Event()

    async def body(context: Context) -> None:
        begun.set()
        await _for_ever(context)

    task = asyncio.create_task(answer_to(body))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_time_of_a_wait_is_kept_in_utc() -> None:
    there = datetime(2026, 1, 31, 13, tzinfo=timezone(timedelta(hours=1)))
    wait = await answer_to(giving(Wait(until=there, topics=("case:7",), state={"n": 1})))
    assert wait == Wait(until=datetime(2026, 1, 31, 12, tzinfo=UTC), topics=("case:7",), state={"n": 1})
    assert wait.until.tzinfo is UTC


@pytest.mark.parametrize(
    "wait",
    [
        Wait(until=datetime(2026, 1, 31)),  # noqa: DTZ001
        Wait(until=datetime.max.replace(tzinfo=timezone(timedelta(hours=-1)))),
        Wait(topics=("case:7",), state=cast("Any", object())),
        Wait(topics=("case:7",), state="x" * 2_000_000),
        Wait(topics=cast("Any", (7,))),
    ],
)
async def test_a_wait_that_cannot_be_kept_is_a_bug(wait: Wait) -> None:
    failure = await answer_to(giving(wait))
    assert isinstance(failure, Failure)
    assert failure.error.startswith("Internal error")
