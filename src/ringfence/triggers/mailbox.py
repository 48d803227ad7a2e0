"""Mailboxes: what playbooks see of a mail, whatever is in it, and whether it starts one. Pure.

A mail is hostile input: it is read with bounds on its size, depth and number of parts, unknown charsets become
replacement characters, and attachments are described, never kept.
"""

import codecs
import hashlib
from collections.abc import Iterator, Mapping
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.policy import compat32
from email.utils import getaddresses, parsedate_to_datetime
from typing import Any, Final

from ringfence.clock import iso
from ringfence.playbooks.model import Json
from ringfence.playbooks.triggers import MailboxTrigger
from ringfence.triggers.base import Declaration, FieldMatch, Match
from ringfence.triggers.condition import where

DECLARATION: Final = Declaration(
    type="mailbox", title="Mailbox", description="Starts when a mail comes to a connected mailbox."
)
MOST_BYTES: Final = 1_000_000
"""How much of a mail is read."""
_MOST_TEXT: Final = 100_000
_MOST_PARTS: Final = 200
_DEEPEST: Final = 20
_MOST_BOUNDARIES: Final = 100
_MOST_ADDRESSES: Final = 100
_MOST_HEADER: Final = 4_000
_MOST_NAME: Final = 255
# Codecs that are none for text, or whose work grows with the square of what they read.
_NO_CHARSETS: Final = frozenset({"punycode", "idna", "undefined"})


def fingerprint(raw: bytes) -> str:
    """Return 64 hex digits that stand for a mail, whatever number a server gives it."""
    return hashlib.sha256(raw).hexdigest()


def document(mailbox: str, raw: bytes, size: int) -> dict[str, Json]:
    """Return what playbooks see of a mail; `raw` is its beginning, `size` the bytes of the whole. Never raises."""
    message, whole = _parsed(raw)
    cut = size > len(raw)
    found: dict[str, Json] = {
        "message_id": _header(message, "message-id"),
        "from": _addresses(message, "from"),
        "to": _addresses(message, "to"),
        "cc": _addresses(message, "cc"),
        "reply_to": _addresses(message, "reply-to"),
        "subject": _header(message, "subject"),
        "date": _date(message),
        "authentication_results": [
            _decoded(each) for each in (message.get_all("authentication-results") or [])[:5] if isinstance(each, str)
        ],
        "size": size,
        "truncated": cut or not whole,
    }
    texts: dict[str, str] = {"text/plain": "", "text/html": ""}
    attachments: list[Json] = []
    for part in _parts(message) if whole else ():
        kind, name = part.get_content_type(), part.get_filename() if isinstance(part.get_filename(), str) else None
        payload = _payload(part)
        if kind in texts and name is None and part.get_content_disposition() != "attachment":
            room = _MOST_TEXT - len(texts[kind])
            texts[kind] += _text(part, payload)[:room]
        else:
            attachments.append(
                {
                    "name": _decoded(name or "")[:_MOST_NAME],
                    "content_type": kind[:_MOST_NAME],
                    "size": len(payload),
                    "sha256": hashlib.sha256(payload).hexdigest(),
                }
            )
    if cut and attachments and isinstance(attachments[-1], dict):
        # What was cut off is most likely the rest of the last one.
        attachments[-1]["sha256"] = None
    found |= {"text": texts["text/plain"], "html": texts["text/html"], "attachments": attachments}
    return {"type": DECLARATION.type, "mailbox": mailbox, "message": found}


def match(trigger: MailboxTrigger, seen: Mapping[str, Any]) -> Match:
    """Say whether a mail in the trigger's own mailbox starts it; a `where` that cannot be evaluated does not match."""
    fields = [FieldMatch("mailbox", True, f"The mail came to {trigger.mailbox}.")]
    if trigger.where is not None:
        fields.append(where(trigger.where, seen, "mail"))
    return Match(tuple(fields))


def _parsed(raw: bytes) -> tuple["Message[str, str]", bool]:
    """Return the mail, and whether its parts were read: of one that is nested without end only the headers are."""
    if raw.lower().count(b"boundary") <= _MOST_BOUNDARIES:
        try:
            return BytesParser(policy=compat32).parsebytes(raw), True
        except (RecursionError, ValueError, LookupError):
            pass
    return BytesHeaderParser(policy=compat32).parsebytes(raw.split(b"\r\n\r\n", 1)[0][:MOST_BYTES]), False


def _parts(message: "Message[str, str]") -> Iterator["Message[str, str]"]:
    """Give the parts that hold something, in their order, as far as the bounds go."""
    stack: list[tuple[Message[str, str], int]] = [(message, 0)]
    given = 0
    while stack and given < _MOST_PARTS:
        part, depth = stack.pop()
        children = part.get_payload()
        if part.is_multipart() and isinstance(children, list):
            if depth < _DEEPEST:
                stack += [(child, depth + 1) for child in reversed(children) if isinstance(child, Message)]
            continue
        given += 1
        yield part


def _payload(part: "Message[str, str]") -> bytes:
    try:
        payload = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError):
        payload = None
    return payload if isinstance(payload, bytes) else b""


def _text(part: "Message[str, str]", payload: bytes) -> str:
    try:
        charset = part.get_content_charset("utf-8")
    except (LookupError, ValueError):
        charset = "utf-8"
    return _read(payload, charset)


def _read(payload: bytes, charset: str) -> str:
    try:
        known = codecs.lookup(charset).name
        if known not in _NO_CHARSETS:
            return payload.decode(known, "replace")
    except (LookupError, ValueError):
        pass
    return payload.decode("utf-8", "replace")


def _header(message: "Message[str, str]", name: str) -> str:
    value = message.get(name)
    return _decoded(str(value)) if value is not None else ""


def _decoded(value: str) -> str:
    """Return a header as text; one that is encoded wrongly is shown as it came."""
    value = value[:_MOST_HEADER]
    try:
        pieces = [
            _read(piece, charset or "utf-8") if isinstance(piece, bytes) else piece
            for piece, charset in decode_header(value)
        ]
        value = "".join(pieces)
    except (HeaderParseError, ValueError, LookupError):
        pass
    return " ".join(value.split())


def _addresses(message: "Message[str, str]", name: str) -> list[Json]:
    values = [str(each)[:_MOST_HEADER] for each in message.get_all(name) or []][:20]
    found: list[Json] = []
    try:
        pairs = getaddresses(values)[:_MOST_ADDRESSES]
    except (RecursionError, ValueError, IndexError):
        # Comments within comments without end.
        pairs = []
    for shown, address in pairs:
        if address:
            found.append({"name": _decoded(shown), "address": address})
    return found


def _date(message: "Message[str, str]") -> str | None:
    value = message.get("date")
    try:
        moment = parsedate_to_datetime(str(value)[:200])
        return iso(moment) if moment.tzinfo is not None else None
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
