"""Answer who posted the message that started the run."""

import json
from typing import Annotated, Final

from pydantic import Field

from ringfence.actions import ActionError, Connector, Context, Effect, Json, Release

connector = Connector(
    "webhook",
    title="Webhook",
    version="1.0.0",
    description="Answer who posted the message that started the run.",
    category="Core",
    releases=(Release("1.0.0", "2026-11-22", "First release: answer the sender of the message that started the run."),),
)

_LONGEST: Final = 200_000


@connector.action(effect=Effect.WRITE, repeatable=True)
async def respond(
    context: Context,
    status: Annotated[int, Field(description="The status of HTTP: 200 to 299, or 400 to 599.", ge=200, le=599)] = 200,
    json_body: Annotated[Json, Field(alias="json", description="The answer, as JSON.")] = None,
    text: Annotated[str | None, Field(description="The answer, as plain text.")] = None,
) -> Json:
    """Answer the message that started the run, while its sender waits.

    A sender waits for as long as the webhook says (`ringfence webhook add NAME --answer-within 10`), and else is told at once
    that the message was taken in. A message is answered once; `delivered` says whether the sender may still have been there.

    Example:
        verdict:
          action: webhook.respond
          with: {json: {accepted: true, run: "${run.id}"}}
    """
    if 300 <= status < 400:
        raise _cannot("An answer does not lead elsewhere.", "Use a status of 200 to 299, or of 400 to 599.")
    if json_body is not None and text is not None:
        raise _cannot("Both `json` and `text` were given.", "Give one of them.")
    if text is not None:
        kind, body = "text/plain; charset=utf-8", text
    else:
        kind, body = "application/json", json.dumps(json_body)
    if len(body) > _LONGEST:
        raise _cannot(f"The answer is longer than {_LONGEST} characters.", "Answer with less.")
    delivered = await context.caller.answer(status=status, content_type=kind, body=body, key=context.step_key)
    context.log("info", f"The message was answered with {status}." if delivered else "Nobody waited for the answer.")
    return {"delivered": delivered}


def _cannot(message: str, advice: str) -> ActionError:
    return ActionError(message, code="answer-unusable", permanent=True, advice=advice)
