"""How one step ends while a playbook is walked through: carried out, pinned, or not possible with its inputs."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, Protocol

from ringfence.actions import Action, Json, Result
from ringfence.actions.base import SUCCESS
from ringfence.playbooks.mocks import Mock
from ringfence.playbooks.plan import PlanStep
from ringfence.rehearsals.report import How
from ringfence.rehearsals.scene import Scene
from ringfence.runs.attempt import TIMEOUT, Answer, Failure, attempt
from ringfence.runs.model import Cause

PERMANENT: Final = Cause()
"""Why something failed that trying again cannot help."""

_MOST_WAITS = 1_000
"""A step that waits more often than this never ends."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A step whose turn has come, with its inputs; `unsure` names steps that were only described and that it looks at.

    `until` is when the time is over of the whole run, or of a call in which the step is, as `until_of` says.
    """

    planned: PlanStep
    action: Action
    inputs: Mapping[str, Json]
    scene: Scene
    unsure: tuple[str, ...]
    until: datetime | None = None
    until_of: Literal["run", "call"] = "run"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a step ended, after how many `attempts`.

    With an `error` it failed, and `cause` says whether a call in which it stands may be tried again.
    """

    how: How
    outcome: str = SUCCESS
    output: Json = None
    error: str = ""
    said: tuple[str, ...] = ()
    verdict: dict[str, Any] | None = None
    cause: Cause = PERMANENT
    attempts: int = 1


class Performer(Protocol):
    """Says how each step ends."""

    async def perform(self, turn: Turn) -> Ended: ...


async def carry_out(turn: Turn, how: How) -> Ended:
    """Call the action of a step, again where its `retry` says so; what it waits for passes at once."""

    async def call(_: int) -> Answer:
        return await attempt(turn.action, turn.scene, turn.inputs, seconds=None)

    return await _tried(turn, how, call)


async def _tried(turn: Turn, how: How, call: Callable[[int], Awaitable[Answer]]) -> Ended:
    """Make attempts, each by its number from 1, for as long as they wait or are to be tried again."""
    scene, planned = turn.scene, turn.planned
    deadline = _deadline(turn)
    said: list[str] = []
    tries = 1
    for _ in range(_MOST_WAITS):
        answer = await call(tries)
        if isinstance(answer, Result):
            return Ended(how, answer.outcome, answer.output, said=(*said, *scene.lines), attempts=tries)
        if isinstance(answer, Failure):
            again = answer.again_in
            if again is None and not answer.permanent:
                again = planned.retry.pause(tries, code=answer.code, key=scene.step_key)
                scene.resumed = None
            cause = Cause(answer.code, answer.permanent)
            if again is None:
                return Ended(how, error=answer.error, said=(*said, *scene.lines), cause=cause, attempts=tries)
            until = scene.moment + timedelta(seconds=again)
            if deadline is not None and until >= deadline:
                error = f"{answer.error} There is no time left to try again."
                return Ended(how, error=error, said=(*said, *scene.lines), cause=cause, attempts=tries)
            # What was only not let through is the same attempt still.
            tries += answer.again_in is None
            said.append(f"{answer.error} It would try again in {again:g} s.")
            scene.moment = until
            continue
        if answer.until is None or (deadline is not None and answer.until > deadline):
            break
        if answer.until > scene.moment:
            said.append(f"It would wait until {answer.until:%Y-%m-%d %H:%M:%S} UTC.")
            scene.moment = answer.until
        scene.resumed = answer.state
    cause = Cause(TIMEOUT, permanent=False)
    return Ended(how, error=_unended(turn, deadline), said=tuple(said), cause=cause, attempts=tries)


def _deadline(turn: Turn) -> datetime | None:
    timeout = turn.planned.timeout
    own = turn.scene.moment + timedelta(seconds=timeout) if timeout is not None else None
    return min((each for each in (own, turn.until) if each is not None), default=None)


def _unended(turn: Turn, deadline: datetime | None) -> str:
    if deadline is not None and deadline == turn.until:
        return f"The step did not end before the time of the {turn.until_of} was over."
    timeout = turn.planned.timeout
    return f"The step did not end {'by itself' if timeout is None else f'within {timeout:g} s'}."


def unfit(action: Action, inputs: Mapping[str, Json]) -> str:
    """Say what keeps an action from being called with these inputs; empty if nothing does."""
    for name, parameter in action.parameters.items():
        value = inputs.get(name)
        if value is None and not parameter.required:
            continue
        fault = "it is missing." if name not in inputs else parameter.fault(value)
        if fault:
            return f"The inputs of {action.id} do not fit: {name}: {fault}"
    return ""


async def pinned(turn: Turn, mock: Mock) -> Ended:
    """End a step as it is pinned to, after errors that may pass as its `retry` says.

    Inputs with which its action could not be called fail all the same.
    """
    fault = unfit(turn.action, turn.inputs)
    if fault:
        return Ended(How.MOCKED, error=fault)

    async def call(tries: int) -> Answer:
        if mock.fails(tries):
            return Failure(mock.error or "", mock.is_permanent, code=mock.code or "")
        return Result(mock.outcome or turn.action.outcomes[0], mock.output)

    return await _tried(turn, How.MOCKED, call)
