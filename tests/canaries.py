"""Secrets that must turn up nowhere, and the ways in which one could."""

import json
from base64 import b64encode
from collections.abc import Iterator
from functools import cache
from urllib.parse import quote, quote_plus


def canary(kind: str) -> str:
    """Return a secret whose encodings all differ from it."""
    return f'c@nary/{kind}+"\\~ß&<key>'


@cache
def _all_forms(secret: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(forms(secret)))


def forms(secret: str) -> Iterator[str]:
    """Give a secret as it is, in Base64 at each offset, percent-encoded, in hex, and inside JSON and HTML."""
    content = secret.encode()
    yield secret
    for before in range(3):
        whole = b64encode(bytes(before) + content).decode()
        # Without the characters that depend on what stands before and after.
        middle = whole[4 if before else 0 : (before + len(content)) // 3 * 4]
        yield middle
        yield middle.replace("+", "-").replace("/", "_")
    yield from (quote(secret), quote(secret, safe=""), quote_plus(secret), quote(secret, safe="").lower())
    yield from (content.hex(), content.hex().upper())
    yield from (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
    yield secret.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&#34;")


def found(text: str, secrets: dict[str, str]) -> set[str]:
    """Return the kinds of secrets that a text holds in any form."""
    return {kind for kind, secret in secrets.items() if any(form in text for form in _all_forms(secret))}
