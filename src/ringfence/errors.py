"""The whole exception tree of Ringfence, apart from `ringfence.defender`, which has its own.

    RingfenceError                 code, HTTP status, message, advice
    ├── Invalid            400     what was sent cannot be used; `problems` says where
    ├── NotSignedIn        401     nobody is signed in
    ├── Forbidden          403     signed in, but not allowed to
    │   └── MissingPermission 403  the role lacks the `permission`
    ├── NotFound           404     no such thing in this organization
    ├── Conflict           409     true at this moment, not for ever: somebody else was first, or the state does not allow it
    │   ├── Outdated       412     somebody has changed it since it was looked at
    │   └── LeaseLost      409     another worker has taken over; whoever holds the old lease must stop
    ├── Unavailable        503     try again later
    └── Misconfigured      500     the installation is set up wrongly; a person must change something

`message` says what is wrong and `advice` what to do next; both are sentences for people and never hold a secret.
Code decides by class, never by reading a message.
"""

from typing import ClassVar


class RingfenceError(Exception):
    """Anything that Ringfence itself finds wrong."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".strip()


class Invalid(RingfenceError):
    """What was sent cannot be used."""

    code = "invalid"
    status = 400

    def __init__(self, message: str, *, advice: str = "", problems: tuple[str, ...] = ()) -> None:
        super().__init__(message, advice=advice)
        self.problems = problems


class NotSignedIn(RingfenceError):
    """Nobody is signed in."""

    code = "not_signed_in"
    status = 401


class Forbidden(RingfenceError):
    """Somebody is signed in, but may not do this."""

    code = "forbidden"
    status = 403


class MissingPermission(Forbidden):
    """Somebody's role, or a token's scopes, do not have the permission."""

    code = "missing_permission"

    def __init__(self, message: str, *, advice: str, permission: str) -> None:
        super().__init__(message, advice=advice)
        self.permission = permission


class NotFound(RingfenceError):
    """There is no such thing in this organization."""

    code = "not_found"
    status = 404


class Conflict(RingfenceError):
    """The present state does not allow it."""

    code = "conflict"
    status = 409


class Outdated(Conflict):
    """Somebody has changed it since it was looked at."""

    code = "outdated"
    status = 412


class LeaseLost(Conflict):
    """Another worker has taken this over."""

    code = "lease_lost"


class Unavailable(RingfenceError):
    """It cannot be done right now."""

    code = "unavailable"
    status = 503


class Misconfigured(RingfenceError):
    """The installation is set up wrongly."""

    code = "misconfigured"
    status = 500
