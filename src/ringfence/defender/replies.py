"""Read replies: bytes to JSON, and a refusal to the error it means, by status and error.code alone.

Texts are read for data only (which roles, how many seconds), never to choose the error.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Unpack

from pydantic_core import from_json

from ringfence.defender.errors import (
    ActiveRequestAlreadyExists,
    BadRequest,
    ClientVersionNotSupported,
    DefenderError,
    Details,
    FeatureDisabled,
    InvalidInput,
    InvalidQuery,
    InvalidRequestBody,
    MalformedReply,
    MaximumBatchSizeExceeded,
    MissingRequiredParameter,
    MissingRole,
    NotFound,
    OperationDisallowed,
    OsPlatformNotSupported,
    ServerError,
    Throttled,
    Unauthorized,
    WrongAddress,
)
from ringfence.defender.retry import retry_after

_BAD_REQUESTS: Final[dict[str, type[BadRequest]]] = {
    "ActiveRequestAlreadyExists": ActiveRequestAlreadyExists,
    "OsPlatformNotSupported": OsPlatformNotSupported,
    "ClientVersionNotSupported": ClientVersionNotSupported,
    "MissingRequiredParameter": MissingRequiredParameter,
    "InvalidRequestBody": InvalidRequestBody,
    "InvalidInput": InvalidInput,
    "InvalidIpAddress": InvalidInput,
    "InvalidDomainName": InvalidInput,
    "InvalidUrl": InvalidInput,
    "InvalidHashValue": InvalidInput,
    "ODataError": InvalidQuery,
    "MaximumBatchSizeExceeded": MaximumBatchSizeExceeded,
}
# An escaped backslash and a whole surrogate pair are matched first, so that only a lone half is left for the last branch.
_SURROGATES: Final = re.compile(
    r"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
_ROLE: Final = re.compile(r"\b[A-Z][A-Za-z]*(?:\.[A-Z][A-Za-z]*)+\b")
_REQUIRED: Final = (
    re.compile(r"API required roles:(?P<roles>[^:]*?)(?:, application roles:|$)"),
    re.compile(r"required application permissions \((?P<roles>[^)]*)\)"),
)
_GRANTED: Final = re.compile(r"application roles:(?P<roles>[^:]*)$")


def parse_json(body: bytes) -> Any:
    """Read a JSON body, or raise MalformedReply; depth and number size are bounded by the parser.

    A lone UTF-16 surrogate or a broken UTF-8 byte becomes U+FFFD: names of files are an attacker's to choose, and one of
    them must not make a whole page of alerts unreadable.
    """
    text = body.removeprefix(b"\xef\xbb\xbf")
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError:
        repaired = _SURROGATES.sub(
            lambda found: "\\ufffd" if found["lone"] else found[0], text.decode("utf-8", errors="replace")
        )
    fault = ""
    try:
        return from_json(repaired, allow_inf_nan=False)
    except ValueError as error:
        fault = str(error)
    raise MalformedReply(f"The reply is not JSON ({len(body)} bytes): {fault}.")


def parse_object(body: bytes) -> dict[str, Any]:
    """Read a JSON body that must be an object, or raise MalformedReply."""
    value = parse_json(body)
    if not isinstance(value, dict):
        raise MalformedReply(f"The reply is a JSON {type(value).__name__}, not an object.")
    return value


def conceal(text: str, secrets: Iterable[str]) -> str:
    """Blot secrets out of foreign text, should a service ever echo one."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "•••")
    return text


def refusal(
    status: int, headers: Mapping[str, str], body: bytes, *, request: str = "", secrets: Iterable[str] = ()
) -> DefenderError:
    """Return the error that a reply with this status means; never raises, whatever the body is."""
    hidden = tuple(secrets)
    code, message, target = (conceal(text, hidden) for text in _error_object(body))
    details: Details = {"code": code, "status": status, "target": target, "request": request}
    if status == 401:
        return Unauthorized(message, **details)
    if status == 403:
        return _forbidden(message, **details)
    if status == 404 or status == 405:
        missing = WrongAddress if not body.strip() or status == 405 else NotFound
        return missing(message, **details)
    if status == 429:
        return Throttled(message, retry_after=retry_after(headers, message), **details)
    if status >= 500 or status == 408:
        return ServerError(message, retry_after=retry_after(headers), **details)
    if status >= 400:
        return _BAD_REQUESTS.get(code, BadRequest)(message, **details)
    if 300 <= status < 400:
        redirect = "The service answered with a redirect, which is not followed: it could carry the token elsewhere."
        return MalformedReply(redirect, status=status, request=request)
    return MalformedReply("The service answered with a status that means nothing here.", status=status, request=request)


def _forbidden(message: str, **details: Unpack[Details]) -> DefenderError:
    if details.get("code") == "DisabledFeature":
        return FeatureDisabled(message, **details)
    if details.get("code") == "DisallowedOperation":
        return OperationDisallowed(message, **details)
    required = next((found["roles"] for form in _REQUIRED if (found := form.search(message))), "")
    granted = found["roles"] if (found := _GRANTED.search(message)) else ""
    roles, have = tuple(_ROLE.findall(required)), tuple(_ROLE.findall(granted))
    return MissingRole(message, required=roles, granted=have, **details)


def _error_object(body: bytes) -> tuple[str, str, str]:
    """Return code, message and target of an error body, empty texts where it has none."""
    try:
        document = parse_json(body) if body else None
    except MalformedReply:
        return "", "", ""
    error = document.get("error") if isinstance(document, dict) else None
    if not isinstance(error, dict):
        return "", "", ""
    inner = error.get("innerError", error.get("innererror"))
    # Graph names its correlation id elsewhere than Defender does.
    target = error.get("target") or (inner.get("request-id") if isinstance(inner, dict) else None)
    texts = (error.get("code"), error.get("message"), target)
    code, message, target = (text if isinstance(text, str) else "" for text in texts)
    return code, message, target
