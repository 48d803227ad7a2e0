"""Decisions, pauses and values inside a playbook."""

from datetime import datetime, timedelta
from typing import Annotated

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


def _until(resumed: Json) -> str:
    if isinstance(resumed, dict) and isinstance(moment := resumed.get("until"), str):
        return moment
    raise TypeError("A delay was resumed with a state that is not its own.")
