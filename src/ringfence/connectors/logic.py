"""Decisions, pauses and values inside a playbook."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field

from ringfence.actions import (
    ActionError,
    Connector,
    Context,
    Duration,
    Effect,
    Json,
    Result,
    RunExpression,
    Wait,
    holds,
)
from ringfence.actions import ExpressionError as BadExpression

connector = Connector(
    "logic",
    title="Logic",
    version="1.0.0",
    description="Decide, wait and keep values, without asking anybody outside.",
    category="Core",
)

_PATIENCE = Duration.parse("1 h")


@connector.action(effect=Effect.PURE, outcomes=("yes", "no"))
async def condition(
    context: Context,
    test: Annotated[RunExpression, Field(description="JMESPath over the run document; written without ${ }.")],
) -> Result:
    """Go one way or the other: `yes` if the test is true, else `no`.

    Null, false, and an empty text, list or object count as false; everything else is true, 0 too.

    Example:
        risky:
          action: logic.condition
          with: {test: "trigger.alert.severity == 'High'"}
    """
    try:
        answer = holds(test, context.document())
    except BadExpression as error:
        advice = "Correct the test, or look at the outputs of the steps that it names."
        raise ActionError(error.message, code="expression-failed", permanent=True, advice=advice) from None
    return Result("yes" if answer else "no", {"test": answer})


@connector.action(effect=Effect.PURE)
async def delay(
    context: Context,
    duration: Annotated[Duration, Field(description="How long to wait, e.g. 30 min; at most 30 d.")],
) -> Json | Wait:
    """Wait for a length of time; the run is parked meanwhile and survives restarts.

    Example:
        pause:
          action: logic.delay
          with: {duration: 30 min}
    """
    if context.resumed is None:
        if duration.timedelta > timedelta(days=30):
            message = f"A delay of {duration} is longer than 30 d."
            raise ActionError(message, code="delay-too-long", permanent=True, advice="Use a shorter duration.")
        until = context.now() + duration.timedelta
        context.log("info", f"Waiting for {duration}.")
        return Wait(until=until, state={"until": until.isoformat()})
    until = datetime.fromisoformat(_until(context.resumed))
    if context.now() < until:
        return Wait(until=until, state=context.resumed)
    return {"until": until.isoformat()}


@connector.action(effect=Effect.PURE, name="set")
async def set_values(
    context: Context,
    values: Annotated[dict[str, Json], Field(description="Names and their values; later steps see steps.NAME.name.")],
) -> Json:
    """Keep values under names, for later steps to use.

    Example:
        names:
          action: logic.set
          with: {values: {host: "${trigger.alert.computerDnsName}"}}
    """
    return dict(values)


@connector.action(effect=Effect.WRITE, outcomes=("approved", "rejected", "expired"), repeatable=True)
async def approval(
    context: Context,
    question: Annotated[str, Field(description="What people are asked; a yes means: go on.", min_length=1)],
    of: Annotated[
        str | list[str] | None, Field(description="Who may answer: people or teams, by name; everybody if left out.")
    ] = None,
    timeout: Annotated[Duration, Field(description="How long people have to answer; at most 30 d.")] = _PATIENCE,
    on_silence: Annotated[
        Literal["expire", "escalate"],
        Field(
            description="What becomes of it without enough answers: it is over (expire), or goes to others too (escalate)."
        ),
    ] = "expire",
    escalate_to: Annotated[
        str | list[str] | None, Field(description="People or teams that it is escalated to; everybody if left out.")
    ] = None,
    count: Annotated[int, Field(description="So many different people must say yes.", ge=1, le=5)] = 1,
) -> Result | Wait:
    """Ask people, and go on by their answer; the run is parked meanwhile and survives restarts.

    `approved`: enough people said yes. `rejected`: one said no. `expired`: nobody, or too few, answered in time. Without
    `timeout` people have 1 h; an escalation gives as long again. They answer by page, command line, API or a link in a
    notification.

    Example:
        ask:
          action: logic.approval
          with: {of: tier-2, question: "Isolate ${trigger.alert.computerDnsName}?", timeout: 15 min, on_silence: escalate}
    """
    if context.resumed is None:
        asked = await context.people.ask(
            of=_names(of),
            question=question,
            timeout=timeout.seconds,
            escalate=on_silence == "escalate",
            escalate_to=_names(escalate_to),
            count=count,
            key=context.step_key,
        )
        context.log("info", f"People were asked: {question}", approval=asked.id)
    else:
        asked = await context.people.answered(_approval(context.resumed))
    if asked.state == "open":
        # The topic wakes at once; the time settles it though nobody looks, and moves when it is escalated.
        return Wait(until=asked.expires_at, topics=(f"approval:{asked.id}",), state={"approval": asked.id})
    if asked.state not in ("approved", "rejected", "expired"):
        advice = "Start the playbook again if it still matters."
        raise ActionError(f"The question is over: {asked.detail}", code="question-void", permanent=True, advice=advice)
    context.log("info", asked.detail, approval=asked.id)
    return Result(asked.state, {"approval": asked.id, "detail": asked.detail, "answers": list(asked.answers)})


def _names(given: str | list[str] | None) -> list[str]:
    if given is None:
        return []
    return [given] if isinstance(given, str) else list(given)


def _approval(resumed: Json) -> str:
    if isinstance(resumed, dict) and isinstance(found := resumed.get("approval"), str):
        return found
    raise TypeError("An approval was resumed with a state that is not its own.")


def _until(resumed: Json) -> str:
    if isinstance(resumed, dict) and isinstance(moment := resumed.get("until"), str):
        return moment
    raise TypeError("A delay was resumed with a state that is not its own.")
