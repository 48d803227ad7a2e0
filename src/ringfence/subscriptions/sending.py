"""Send one message to a subscription: signed, guarded, without redirects. Blocking: called on a thread."""

import json
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final

import httpx

import ringfence
from ringfence.security.egress import Network, Refused, guarded
from ringfence.subscriptions.model import Message
from ringfence.triggers.webhook import sign

GONE: Final = 410
_NOT_YET: Final = frozenset({408, 410, 425, 429})
_TIMEOUT: Final = 15.0


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is sent, where to, and what signs it."""

    message: Message
    address: str
    keys: Sequence[bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of it: the status, or what went wrong in words that hold nothing secret."""

    status: int | None
    error: str
    seconds: float

    @property
    def taken(self) -> bool:
        """Whether the other side took the message."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def refused(self) -> bool:
        """Whether the other side says that this message is wrong, rather than that it cannot take any now."""
        return self.status is not None and 400 <= self.status < 500 and self.status not in _NOT_YET


def send(parcel: Parcel, *, at: float, allowed: tuple[Network, ...]) -> Receipt:
    """Send a message; `at` is the time in seconds since the epoch. Whatever goes wrong is told, not raised."""
    content = json.dumps(parcel.message.body, separators=(",", ":")).encode()
    number = str(int(at))
    headers = {
        "content-type": "application/json",
        "user-agent": f"Ringfence/{ringfence.__version__}",
        "webhook-id": parcel.message.id,
        "webhook-timestamp": number,
        # While one secret takes over from another, both sign.
        "webhook-signature": " ".join(sign(key, parcel.message.id, number, content) for key in parcel.keys),
    }
    begun = time.monotonic()
    try:
        # Its status says all; a body, however long, is not read.
        with (
            guarded(allowed),
            httpx.Client(verify=_context(), timeout=_TIMEOUT, trust_env=False) as client,
            client.stream("POST", parcel.address, content=content, headers=headers) as answer,
        ):
            status = answer.status_code
    except Refused as refused:
        return Receipt(None, f"{refused.message} {refused.advice}", time.monotonic() - begun)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as failure:
        # What a library says may hold the address; its class is enough.
        return Receipt(None, f"No answer came ({type(failure).__name__}).", time.monotonic() - begun)
    said = "" if 200 <= status < 300 else f"The other side answered {status}."
    return Receipt(status, said, time.monotonic() - begun)


@cache
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()
