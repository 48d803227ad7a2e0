"""What tokens for programs look like: `rf_`, 36 random characters, and six that check them. Pure but for the dice.

Scanners for leaked secrets find them by `\\brf_[0-9A-Za-z]{42}\\b`, and the check tells them from what only looks alike, without
asking anybody: it is CRC-32 of everything before it, in base 62.
"""

import secrets
import string
import zlib
from typing import Final

PREFIX: Final = "rf_"
_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM: Final = 36
_CHECK: Final = 6


def make() -> str:
    """Return a new token, with 214 random bits."""
    body = PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return body + _check(body)


def plausible(text: str) -> bool:
    """Tell whether a text can be a token at all."""
    whole = len(text) == len(PREFIX) + _RANDOM + _CHECK and text.startswith(PREFIX) and text.isascii()
    return whole and text[-_CHECK:] == _check(text[:-_CHECK])


def _check(body: str) -> str:
    number, found = zlib.crc32(body.encode()), ""
    for _ in range(_CHECK):
        number, digit = divmod(number, len(_ALPHABET))
        found = _ALPHABET[digit] + found
    return found
