"""The whole exception tree of Ringfence, apart from `ringfence.defender`, which has its own.

    RingfenceError                 code, HTTP status, message, advice
    ├── Invalid            400     what was sent cannot be used; `problems` says where
    ├── NotSignedIn        401     nobody is signed in
    ├── Forbidden          403     signed in, but not allowed to
    │   ├── MissingPermission 403  the role lacks the `permission`
    │   └── NoOrganization 403     signed in, but it is not clear in which organization
    ├── NotFound           404     no such thing in this organization
    ├── Conflict           409     true at this moment, not for ever: somebody else was first, or the state does not allow it
    │   ├── Outdated       412     somebody has changed it since it was looked at
    │   ├── InProgress     409     the same request is at work at this moment
    │   ├── AnswerLost     409     the same request was carried out, and what was answered is not known any more
    │   └── LeaseLost      409     another worker has taken over; whoever holds the old lease must stop
    ├── TooSlow            408     the request did not come to its end in time
    ├── ContentTooLarge    413     more was sent than is taken
    ├── UnsupportedMedia   415     what was sent is of a kind that is not read here
    ├── Misdirected        421     it was sent to a host that is not ours
    ├── KeyReused          422     an idempotency key came with another request before
    ├── MustSayWhich       428     a change has to say which version it was made to (`If-Match`)
    ├── TooManyRequests    429     more was asked for than is granted in a minute
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


class NoOrganization(Forbidden):
    """Somebody is signed in, and has not chosen in which of their organizations, or has none."""

    code = "no_organization"


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


class InProgress(Conflict):
    """The same request is being carried out."""

    code = "in_progress"


class AnswerLost(Conflict):
    """The same request was carried out, and its answer was lost."""

    code = "answer_lost_before"


class LeaseLost(Conflict):
    """Another worker has taken this over."""

    code = "lease_lost"


class TooSlow(RingfenceError):
    """What was sent did not come to its end in time."""

    code = "too_slow"
    status = 408


class ContentTooLarge(RingfenceError):
    """More was sent than is taken."""

    code = "too_large"
    status = 413


class UnsupportedMedia(RingfenceError):
    """What was sent is of a kind that is not read here."""

    code = "unsupported_media_type"
    status = 415


class Misdirected(RingfenceError):
    """It was sent to a host that is not ours."""

    code = "misdirected"
    status = 421


class KeyReused(RingfenceError):
    """An idempotency key came with another request before."""

    code = "key_reused"
    status = 422


class MustSayWhich(RingfenceError):
    """A change does not say which version it was made to."""

    code = "precondition_required"
    status = 428


class TooManyRequests(RingfenceError):
    """More was asked for than is granted in a minute."""

    code = "too_many_requests"
    status = 429


class Unavailable(RingfenceError):
    """It cannot be done right now."""

    code = "unavailable"
    status = 503


class Misconfigured(RingfenceError):
    """The installation is set up wrongly."""

    code = "misconfigured"
    status = 500
