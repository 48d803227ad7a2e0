"""What a browser or a program holds to be known again: made here, and stored as its SHA-256 only."""

import hashlib
import secrets


def new() -> str:
    """Return 256 random bits that fit into an address, a form or a cookie."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """Return what is stored of a token; any text has one, also what is no token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
