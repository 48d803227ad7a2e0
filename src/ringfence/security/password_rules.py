"""What a password must be: long, not lost already, and not easy to guess (NIST SP 800-63B-4, section 3.1.1.2).

No rules of capitals and digits, no expiry: both make people choose worse ones.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from ringfence.errors import Invalid
from ringfence.security.breached import Breached

LONGEST: Final = 1000
# As many guesses as an attacker needs for a weak password who reads the book on how people choose them, by powers of ten.
_GUESSES: Final = 8.0
_JUDGED: Final = 72
_OWN: Final = 8
_ADVICE: Final = (
    "Four or more words that do not belong together make a good password, or let a password manager make one."
)


def normal(password: str) -> str:
    """Return a password in the one form in which it is hashed: what looks the same on two keyboards is the same."""
    return unicodedata.normalize("NFKC", password)


def demand(password: str, shortest: int, known: Breached, about: Sequence[str] = ()) -> None:
    """Raise Invalid for a password that cannot be one; `about` are words that anybody would try, such as the person's name.

    It takes some tens of milliseconds of CPU: never inside a transaction.
    """
    password = normal(password)
    if not shortest <= len(password) <= LONGEST:
        raise Invalid(f"A password has {shortest} to {LONGEST} characters.", advice=_ADVICE)
    if known.holds(password):
        raise Invalid("This password is among those that attackers know already.", advice=_ADVICE)
    words = [word for name in ("ringfence", *about) for word in (name, *re.findall(r"\w{3,}", name))]
    if _apart_from(words, password) < _OWN or _guesses(password[:_JUDGED], words) < _GUESSES:
        raise Invalid("This password is easy to guess.", advice=_ADVICE)


def _apart_from(words: Sequence[str], password: str) -> int:
    """Return how many letters and digits are left without words that anybody would try."""
    left = password.casefold()
    for word in sorted({each.casefold() for each in words if each}, key=len, reverse=True):
        left = left.replace(word, "")
    return sum(each.isalnum() for each in left)


def _guesses(password: str, words: Sequence[str]) -> float:
    # Loading its lists takes longer than most commands.
    from zxcvbn import zxcvbn

    return float(zxcvbn(password, user_inputs=list(words), max_length=_JUDGED)["guesses_log10"])
