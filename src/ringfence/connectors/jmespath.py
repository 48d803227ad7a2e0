"""Pick values out of JSON."""

import json
from typing import Annotated

from pydantic import Field

from ringfence.actions import (
    RAW_ALERT,
    ActionError,
    Connector,
    Context,
    DataExpression,
    Effect,
    ExpressionError,
    Json,
    Release,
    evaluate,
)

connector = Connector(
    "jmespath",
    title="JMESPath",
    version="1.0.0",
    description="Query JSON with JMESPath, by default the alert that started the run.",
    category="Core",
    releases=(
        Release(
            "1.0.0", "2026-11-22", "First release: query and transform JSON, with test data beside the expression."
        ),
    ),
)


@connector.action(effect=Effect.PURE)
async def query(
    context: Context,
    expression: Annotated[DataExpression, Field(description="JMESPath over the data; written without ${ }.")],
    data: Annotated[
        Json, Field(description="The JSON to look into, also as text; by default the alert as Defender sent it.")
    ] = None,
) -> Json:
    """Give the result of a JMESPath expression over JSON; null where nothing is found.

    Example:
        facts:
          action: jmespath.query
          with: {expression: "{host: computerDnsName, user: relatedUser.userName}"}
    """
    given = context.trigger.get(RAW_ALERT, context.trigger.get("alert")) if data is None else data
    try:
        return evaluate(expression, _read(given))
    except ExpressionError as error:
        advice = "Correct the expression, or look at the data that it was given."
        raise ActionError(error.message, code="expression-failed", permanent=True, advice=advice) from None


def _read(data: Json) -> Json:
    if not isinstance(data, str):
        return data
    try:
        read: Json = json.loads(data)
    except (ValueError, RecursionError):
        message = "The data is a text that is not JSON."
        advice = "Give an object or a list, or a text that holds JSON."
        raise ActionError(message, code="not-json", permanent=True, advice=advice) from None
    return read
