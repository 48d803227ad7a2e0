"""Identities that look real and follow from a seed, so that a scenario is the same each time it is played."""

import base64
import hashlib
import uuid


def _digest(*parts: object) -> bytes:
    return hashlib.sha256("\x1f".join(str(part) for part in parts).encode("utf-8", "surrogatepass")).digest()


def guid(*parts: object) -> str:
    """Return a GUID made from the parts."""
    return str(uuid.UUID(bytes=_digest("guid", *parts)[:16], version=4))


def hex40(*parts: object) -> str:
    """Return 40 hexadecimal digits made from the parts: the shape of a machine id or a SHA-1."""
    return _digest("hex", *parts).hex()[:40]


def hex64(*parts: object) -> str:
    """Return 64 hexadecimal digits made from the parts: the shape of a SHA-256."""
    return _digest("sha256", *parts).hex()


def number(low: int, high: int, *parts: object) -> int:
    """Return a whole number from low to high, both included, made from the parts."""
    return low + int.from_bytes(_digest("number", *parts)[:8]) % (high - low + 1)


def secret(*parts: object) -> str:
    """Return 40 characters made from the parts, shaped like a client secret."""
    text = base64.urlsafe_b64encode(_digest("secret", *parts)).decode().rstrip("=").replace("-", "_")
    return f"{text[:3]}8Q~{text[3:37]}"
