"""Hide known secrets in what people are shown: as they are, in Base64 at any offset, percent-encoded, in hex, and inside JSON.

Pure. What is too short to be told from ordinary words is hidden only where it stands alone.
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias
from urllib.parse import quote, quote_plus

from pydantic import JsonValue

from ringfence.logs import redact

Json: TypeAlias = JsonValue

HIDDEN: Final = "[hidden]"
SHORTEST: Final = 6
"""Characters that a secret has at least to be looked for inside of other texts."""
_DEEPEST: Final = 150


class Hider:
    """Hides secrets, as one set: `more` makes a hider of these and further ones."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = frozenset(filter(None, secrets))
        long = [each for each in self._secrets if len(each) >= SHORTEST]
        forms = {form for each in long for form in _forms(each)}
        # The longest first, so that nothing is left of one that holds another.
        self._forms = sorted(forms, key=lambda form: (-len(form), form))
        self._needles = [(form, json.dumps(form, ensure_ascii=False)[1:-1]) for form in self._forms]
        self._alone = frozenset(each for each in self._secrets if len(each) < SHORTEST)

    def more(self, secrets: Iterable[str]) -> "Hider":
        """Return a hider of these secrets too."""
        added = [each for each in secrets if each and each not in self._secrets]
        return Hider((*self._secrets, *added)) if added else self

    def text(self, text: str) -> str:
        """Return a text without the secrets, and without what looks like a token whoever it belongs to."""
        if text in self._alone:
            return HIDDEN
        for form in self._forms:
            if form in text:
                text = text.replace(form, HIDDEN)
        return str(redact(text))

    def value(self, value: Json) -> Json:
        """Return a document without them, in its texts and its names."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return self.text(value)
        return self._walk(value, self._meant(value), 0)

    def _meant(self, value: Json) -> list[str]:
        """Return the forms that occur at all: looking once through the whole costs less than through each of its texts."""
        whole = json.dumps(value, ensure_ascii=False)
        return [form for form, needle in self._needles if needle in whole]

    def _walk(self, value: Json, forms: list[str], depth: int) -> Json:
        match value:
            case str():
                if value in self._alone:
                    return HIDDEN
                for form in forms:
                    value = value.replace(form, HIDDEN)
                return str(redact(value))
            case dict() | list() if depth > _DEEPEST:
                return HIDDEN
            case dict():
                return {
                    str(self._walk(name, forms, depth)): self._walk(each, forms, depth + 1)
                    for name, each in value.items()
                }
            case list():
                return [self._walk(each, forms, depth + 1) for each in value]
            case _:
                return value


def parts(secret: str) -> Iterator[str]:
    """Give a secret and what it consists of that is secret by itself: lines of a key, tokens in an address."""
    yield secret
    if "\n" in secret:
        yield from (line for line in secret.splitlines() if len(line) >= _LONG_LINE)
    if "://" in secret:
        yield from (each for each in re.split(r"[/:@?&=#,\s]+", secret) if len(each) >= _LONG_TOKEN and "." not in each)


_LONG_LINE: Final = 40
_LONG_TOKEN: Final = 12


def _forms(secret: str) -> Iterator[str]:
    yield secret
    encoded = secret.encode("utf-8", "surrogatepass")
    for standard in _in_base64(encoded):
        if len(standard) >= SHORTEST:
            yield standard
            yield standard.replace("+", "-").replace("/", "_")
    for percent in (quote(encoded), quote(encoded, safe=""), quote_plus(encoded)):
        yield percent
        yield re.sub(r"%[0-9A-F]{2}", lambda found: found.group().lower(), percent)
    yield from (encoded.hex(), encoded.hex().upper())
    # As it stands in a JSON document that is itself a text.
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]


def _in_base64(content: bytes) -> Iterator[str]:
    """Give what is the same of its Base64 whatever stands before and after it, for each of the three offsets."""
    for offset in range(3):
        encoded = b64encode(bytes(offset) + content).decode()
        first = -(-offset * 8 // 6)
        last = (offset + len(content)) * 8 // 6
        yield encoded[first:last]
