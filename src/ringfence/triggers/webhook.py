"""Webhooks: whether a message is signed by somebody who knows a secret, and whether it starts a playbook. Pure.

Signed as Standard Webhooks says: HMAC-SHA256 over `id.timestamp.body` with the bytes behind `whsec_`, in the headers
`webhook-id`, `webhook-timestamp` (seconds) and `webhook-signature` (`v1,` and base64, several separated by blanks).
"""

import binascii
import hashlib
import hmac
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl

from ringfence.clock import iso
from ringfence.playbooks.bounded import plain
from ringfence.playbooks.model import Json
from ringfence.playbooks.triggers import WebhookTrigger
from ringfence.triggers.base import Declaration, FieldMatch, Match
from ringfence.triggers.condition import where

DECLARATION: Final = Declaration(
    type="webhook",
    title="Webhook",
    description="Starts when a signed message is posted to a webhook.",
)
PREFIX: Final = "whsec_"
_ID: Final = re.compile(r"[\x21-\x7e]{1,200}")
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")
_MOST_SIGNATURES: Final = 20
_MOST_FIELDS: Final = 1000
_LONGEST_TYPE: Final = 200


@dataclass(frozen=True, slots=True)
class Signed:
    """The three headers of a signed message, as they came; empty where one is missing."""

    message_id: str
    timestamp: str
    signature: str

    @property
    def readable(self) -> bool:
        """Whether id and timestamp have the form that they must have."""
        return bool(_ID.fullmatch(self.message_id) and _TIMESTAMP.fullmatch(self.timestamp))


def key_of(secret: str) -> bytes:
    """Return the bytes with which a secret (`whsec_` and base64) signs; ValueError if it is none."""
    if not secret.startswith(PREFIX):
        raise ValueError(f"A webhook's secret begins with {PREFIX}.")
    try:
        return b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError(f"What follows {PREFIX} is not base64.") from None


def sign(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """Return the signature that a sender puts into `webhook-signature`."""
    signed = f"{message_id}.{timestamp}.".encode("utf-8", "surrogateescape") + body
    return f"v1,{b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"


def authentic(keys: Sequence[bytes], signed: Signed, body: bytes) -> bool:
    """Say whether one of the keys made one of the signatures; takes as long whichever, if any, fits."""
    given = [each.encode("utf-8", "surrogateescape") for each in signed.signature.split(" ")[:_MOST_SIGNATURES]]
    found = False
    for key in keys:
        expected = sign(key, signed.message_id, signed.timestamp, body).encode()
        for each in given:
            found |= hmac.compare_digest(expected, each)
    return found and signed.readable


def in_time(signed: Signed, now: float, tolerance: float) -> bool:
    """Say whether the sender's clock and ours agree within `tolerance` seconds; both are seconds since the epoch."""
    return abs(now - int(signed.timestamp)) <= tolerance


def read_body(content_type: str, body: bytes) -> Json:
    """Return JSON as its value, a form as a mapping of names to a text or a list of texts, and anything else as text.

    What says that it is JSON and is not, or is nested too deeply, is kept as text.
    """
    kind = content_type.split(";")[0].strip().lower()
    text = body.decode("utf-8", "replace")
    if kind == "application/json" or kind.endswith("+json"):
        try:
            return plain(json.loads(text, parse_constant=_refuse))
        except (ValueError, RecursionError):
            return text
    if kind == "application/x-www-form-urlencoded":
        try:
            pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        except ValueError:
            return text
        fields: dict[str, list[str]] = {}
        for name, value in pairs:
            fields.setdefault(name, []).append(value)
        return {name: values[0] if len(values) == 1 else list[Json](values) for name, values in fields.items()}
    return text


def document(hook: str, message_id: str, received_at: datetime, content_type: str, body: bytes) -> dict[str, Json]:
    """Return what playbooks see of a message: of its headers only the kind of content, so that no credential is kept."""
    return {
        "type": DECLARATION.type,
        "hook": hook,
        "message_id": message_id,
        "received_at": iso(received_at),
        "content_type": content_type[:_LONGEST_TYPE],
        "body": read_body(content_type, body),
    }


def match(trigger: WebhookTrigger, seen: Mapping[str, Any]) -> Match:
    """Say whether a message of the trigger's own webhook starts it; a `where` that cannot be evaluated does not match."""
    fields = [FieldMatch("hook", True, f"The message came to {trigger.hook}.")]
    if trigger.where is not None:
        fields.append(where(trigger.where, seen, "message"))
    return Match(tuple(fields))


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON.")
