"""Browsers from which somebody has signed in before: their attempts are counted apart, so that strangers cannot lock them out.

What such a browser holds says for whom it is known, signed by this installation; it signs nobody in.
"""

from typing import Final

from ringfence import clock
from ringfence.security.crypto import Vault

_PURPOSE: Final = "known-browser"


def introduce(vault: Vault, user_id: str) -> str:
    """Return what a browser keeps to be known to its person."""
    known = f"{clock.new_id()}.{user_id}"
    return f"{known}.{vault.sign(_PURPOSE, known)}"


def recognise(vault: Vault, value: str, user_id: str) -> str | None:
    """Return the name of a browser that is known to this person, None for all others."""
    browser, _, rest = value.partition(".")
    owner, _, signature = rest.partition(".")
    if owner != user_id or not vault.signed(_PURPOSE, f"{browser}.{owner}", signature):
        return None
    return browser
