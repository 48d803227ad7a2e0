"""Ask for what is done to hosts and follow it to its end: policy and people first, then Defender's own confirmation.

What goes on is a row here, so a step that waits costs no call; it is woken by each change of the response.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from ringfence.actions import ActionError, Context, Duration, Json, ResponseState, Result, Wait

_SAFETY_NET: Final = timedelta(minutes=5)
_REFUSED: Final = {"denied": "denied", "rejected": "rejected", "expired": "rejected"}
_LATE: Final = ("timed_out", "withdrawn")

OUTCOMES: Final = ("success", "denied", "rejected", "not_needed", "timed_out")
"""The outcomes of whatever `follow` follows."""


async def follow(
    context: Context,
    kind: str,
    *,
    what: str,
    comment: str,
    machine: str = "",
    parameters: Mapping[str, Json] | None = None,
    wait: bool,
    timeout: Duration | None,
    undo_after: Duration | None = None,
) -> tuple[ResponseState, Result] | Wait:
    """Ask once, under the step's key, and wait until Defender has confirmed it, or only until it has accepted it.

    Raises ActionError where it failed or was cancelled, in Defender's words.
    """
    if context.resumed is None:
        state = await context.defender.responses.request(
            kind,
            machine=machine,
            reason=comment,
            parameters=parameters,
            key=context.step_key,
            undo_after=undo_after.seconds if undo_after is not None else None,
        )
        since = context.now()
        context.log("info", f"It is {state.state}, as response {state.id}.", response=state.id)
    else:
        response_id, since = thread(context.resumed)
        state = await context.defender.responses.state(response_id)
    if state.state in _REFUSED:
        context.log("warn", state.detail, response=state.id)
        return state, Result(_REFUSED[state.state], output(state))
    if state.state == "not_needed":
        return state, Result("not_needed", output(state))
    if state.state in _LATE:
        return state, Result("timed_out", output(state))
    if state.done or (state.accepted and not wait and not state.final):
        return state, Result("success", output(state))
    if state.final:
        message = f"{what} did not come about: {state.state}. {state.detail}".strip()
        advice = f"Look at the response: `ringfence response show {state.id}`."
        raise ActionError(message, code=state.code or state.state, permanent=True, advice=advice)
    return _park(context, state, since, timeout) or (state, Result("timed_out", output(state)))


async def follow_undo(
    context: Context, kind: str, *, what: str, machine: str, comment: str, wait: bool, timeout: Duration | None
) -> Result | Wait:
    """Take back what this run did, and wait until Defender has confirmed that it is undone."""
    if context.resumed is None:
        state = await context.defender.responses.undo(kind, target=machine, reason=comment)
        since = context.now()
    else:
        response_id, since = thread(context.resumed)
        state = await context.defender.responses.state(response_id)
    if state.state in ("not_owned", "still_held"):
        context.log("info", state.detail)
        return Result(state.state, output(state))
    if state.state == "superseded":
        return Result("not_owned", output(state))
    if state.state in ("undone", "cancelled"):
        return Result("success", output(state))
    if state.state == "undo_failed":
        message = f"{what} is not taken back yet. {state.detail}"
        advice = f"Ringfence goes on trying; follow it: `ringfence response show {state.id}`."
        raise ActionError(message, code=state.code or "undo-failed", permanent=True, advice=advice)
    if state.final or not wait:
        return Result("success", output(state))
    return _park(context, state, since, timeout) or Result("timed_out", output(state))


def thread(resumed: Json) -> tuple[str, datetime]:
    """Return which response a parked step follows, and since when."""
    match resumed:
        case {"response": str(response_id), "since": str(since)}:
            return response_id, datetime.fromisoformat(since)
    raise TypeError("A step was resumed with a state that is not its own.")


def output(state: ResponseState) -> dict[str, Json]:
    """Give what Defender made of it, with where the response stands under `response`."""
    made = state.made if isinstance(state.made, dict) else {}
    return {**made, "response": state.to_json()}


def _park(context: Context, state: ResponseState, since: datetime, timeout: Duration | None) -> Wait | None:
    until = context.now() + _SAFETY_NET
    if timeout is not None:
        end = since + timeout.timedelta
        if context.now() >= end:
            context.log("warn", "It did not end in time; it goes on.", response=state.id)
            return None
        until = min(until, end)
    # The topic wakes at once; the time is for a change whose announcement was lost.
    resumed: Json = {"response": state.id, "since": since.isoformat()}
    return Wait(until=until, topics=(f"response:{state.id}",), state=resumed)
