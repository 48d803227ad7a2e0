"""Call services by HTTP, where the organization allows it."""

import json
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode

from pydantic import Field

from ringfence.actions import (
    ActionError,
    Connector,
    Context,
    Duration,
    Effect,
    HttpAnswer,
    Json,
    Release,
    Result,
    as_text,
)

connector = Connector(
    "http",
    title="HTTP",
    version="1.0.0",
    description="Call services by HTTP: hosts that the organization allows, and those of its HTTP accounts.",
    category="Core",
    releases=(
        Release(
            "1.0.0",
            "2026-11-22",
            "First release: requests with sealed credentials to hosts that are allowed, each effect once.",
        ),
    ),
)

LARGEST: Final = 700_000
_PATIENCE: Final = Duration.parse("30 s")
_LONGEST_PATIENCE: Final = 300.0
_LONGEST_PAUSE: Final = 3_600.0
_READING: Final = ("GET", "HEAD", "OPTIONS")
_SHOWN: Final = 300


@connector.action(effect=Effect.WRITE, outcomes=("success", "refused"), repeatable=True)
async def request(
    context: Context,
    url: Annotated[
        str,
        Field(
            description="The address; with an account a path below the account's own is enough.",
            min_length=1,
            max_length=8_000,
        ),
    ],
    method: Annotated[
        Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"], Field(description="What is asked.")
    ] = "GET",
    account: Annotated[str | None, Field(description="The HTTP account, by name, whose credential is used.")] = None,
    query: Annotated[
        dict[str, Json] | None, Field(description="Parameters by name; they are encoded. Null ones are left out.")
    ] = None,
    headers: Annotated[
        dict[str, str] | None, Field(description="Further headers by name; credentials belong into an account.")
    ] = None,
    json_body: Annotated[Json, Field(alias="json", description="What is sent, as JSON.")] = None,
    form: Annotated[dict[str, Json] | None, Field(description="What is sent, as a form.")] = None,
    text: Annotated[str | None, Field(description="What is sent, as text.", max_length=1_000_000)] = None,
    timeout: Annotated[Duration, Field(description="How long the answer may take, at most 5 min.")] = _PATIENCE,
    redirects: Annotated[int, Field(description="How many redirects are followed, 0 to 10.", ge=0, le=10)] = 5,
    repeat: Annotated[
        bool, Field(description="Whether a POST or PATCH may be made again where its answer was lost.")
    ] = False,
) -> Result:
    """Call a service, and go on with what it answers.

    `success`: it answered with a status below 400. `refused`: with another one below 500, such as 404. A status of 500 and
    above is an error that `retry` tries again, and after 429 the step waits as long as the service says. The output has
    `status`, `headers`, `body` (JSON as its value, text as text; null where it is neither), and `url`.

    Only hosts that the organization allows, and those of its HTTP accounts, are called; private networks, and what names and
    redirects lead to, are refused when the connection is made. What changes something is sent once: where its answer was lost,
    by us or by a gateway (502, 504), PUT and DELETE are sent again, POST and PATCH only with `repeat`. They carry the step's
    key as `Idempotency-Key`. An answer has at most 700 000 bytes.

    Example:
        reputation:
          action: http.request
          with:
            url: https://reputation.contoso.com/v1/hosts
            query: {name: "${trigger.alert.computerDnsName}"}
    """
    body, kind = _body(json_body, form, text)
    if body is not None and method in _READING:
        raise _cannot(f"A {method} carries nothing.", "Use POST, PUT or PATCH, or leave the body out.")
    if timeout.seconds > _LONGEST_PATIENCE:
        raise _cannot("The timeout is longer than 5 min.", "Use a shorter one.")
    carried = dict(headers or {})
    if kind and not any(name.casefold() == "content-type" for name in carried):
        carried["Content-Type"] = kind
    answer = await context.http.request(
        method,
        url,
        account=account,
        query={name: as_text(value) for name, value in (query or {}).items() if value is not None},
        headers=carried,
        body=body,
        timeout=timeout.seconds,
        largest=LARGEST,
        redirects=redirects,
        harmless=repeat,
        key=context.step_key,
    )
    context.log("info", f"{method} was answered with {answer.status}.", status=answer.status, bytes=len(answer.body))
    shown = _output(answer)
    if answer.status >= 500 or answer.status in (408, 425, 429):
        raise _later(answer, shown["body"])
    return Result("success" if answer.status < 400 else "refused", shown)


def _body(json_body: Json, form: dict[str, Json] | None, text: str | None) -> tuple[bytes | None, str]:
    given = [each for each in (json_body, form, text) if each is not None]
    if len(given) > 1:
        raise _cannot("More than one body was given.", "Give one of `json`, `form` and `text`.")
    if json_body is not None:
        return json.dumps(json_body, separators=(",", ":")).encode(), "application/json"
    if form is not None:
        fields = {name: as_text(value) for name, value in form.items() if value is not None}
        return urlencode(fields, errors="replace").encode(), "application/x-www-form-urlencoded"
    if text is not None:
        return text.encode("utf-8", "replace"), "text/plain; charset=utf-8"
    return None, ""


def _output(answer: HttpAnswer) -> dict[str, Any]:
    headers: dict[str, Json] = {
        name: value[:2_000] for name, value in list(answer.headers.items())[:100] if name != "set-cookie"
    }
    body = _read(answer.headers.get("content-type", ""), answer.body)
    return {"status": answer.status, "headers": headers, "body": body, "url": answer.address}


def _read(content_type: str, body: bytes) -> Json:
    kind = content_type.partition(";")[0].strip().lower()
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("latin-1") if kind.startswith("text/") else None
    if kind == "application/json" or kind.endswith("+json"):
        try:
            found: Json = json.loads(text, parse_constant=lambda _: None)
        except (ValueError, RecursionError):
            return text
        return found
    return text


def _later(answer: HttpAnswer, body: Json) -> ActionError:
    said = as_text(body)[:_SHOWN]
    wait = answer.headers.get("retry-after", "").strip()
    pause = min(float(wait[:9]), _LONGEST_PAUSE) if wait.isdecimal() else None
    if answer.status == 429 and pause is None:
        pause = 60.0
    return ActionError(
        f"The service answered with {answer.status}{f': {said}' if said else ''}.",
        code=f"http-{answer.status}",
        permanent=False,
        advice="Try again later; `retry` does so by itself.",
        retry_after=pause if answer.status in (429, 503) else None,
    )


def _cannot(message: str, advice: str) -> ActionError:
    return ActionError(message, code="request-unusable", permanent=True, advice=advice)
