"""What can go wrong when talking to Microsoft, as one tree: choose what to catch by looking at the picture.

    DefenderError
    ├── InvalidArgument               the caller's own value cannot be sent (also a ValueError)
    ├── TransportError                no whole reply came
    │   ├── Unreachable               the request was never sent: safe to repeat
    │   ├── Timeout                   it was sent, had no effect to fear, and no reply came in time
    │   └── ReplyLost                 a POST or PATCH may or may not have taken effect: LOOK before repeating
    ├── AuthenticationFailed          the identity platform refused (its AADSTS number in .aadsts)
    │   ├── WrongSecret               7000215
    │   ├── ExpiredSecret             7000222
    │   ├── WrongCertificate          700027, 50012
    │   ├── ClockSkew                 700024
    │   ├── UnknownApplication        700016, 700011
    │   ├── DisabledApplication       7000112
    │   ├── UnknownTenant             90002, 900023
    │   ├── WrongCloud                90038 and the like, or discovery that points at another cloud's login host
    │   └── ApiNotProvisioned         500011
    ├── Unauthorized                  401, again after a fresh token
    ├── Forbidden                     403
    │   ├── MissingRole               .required and .granted, as far as the reply tells
    │   ├── FeatureDisabled           DisabledFeature
    │   └── OperationDisallowed       DisallowedOperation
    ├── NotFound                      404: the named thing does not exist
    │   └── WrongAddress              404 or 405 without a body: the route does not exist
    ├── BadRequest                    400 and every other 4xx
    │   ├── ActiveRequestAlreadyExists
    │   ├── OsPlatformNotSupported
    │   ├── ClientVersionNotSupported
    │   ├── MissingRequiredParameter
    │   ├── InvalidRequestBody
    │   ├── InvalidInput              also InvalidIpAddress, InvalidDomainName, InvalidUrl, InvalidHashValue
    │   ├── InvalidQuery              ODataError
    │   └── MaximumBatchSizeExceeded
    ├── Throttled                     429; .retry_after in seconds
    │   └── BudgetSpent               not sent: our own budget has no call left for this purpose
    ├── ServerError                   5xx on a request without effect; .retry_after when the reply names one
    └── MalformedReply                a reply that is not what the operation promises

`permanent` is the whole retry vocabulary: True means that the same request fails again until a person changes something.
No error holds a secret, a token or a header: `request` is only the method and the path.
"""

from typing import Final, TypedDict, Unpack

_LONGEST_MESSAGE: Final = 600


def _one_line(text: str) -> str:
    """Make foreign text safe to log: one line, printable, short."""
    flat = "".join(character if character.isprintable() else " " for character in text[: _LONGEST_MESSAGE * 4])
    flat = " ".join(flat.split())
    return flat if len(flat) <= _LONGEST_MESSAGE else flat[: _LONGEST_MESSAGE - 1] + "…"


class Details(TypedDict, total=False):
    """What every error can carry beside its message."""

    code: str
    status: int | None
    target: str
    request: str
    advice: str | None


class DefenderError(Exception):
    """Any failure of this library; `code` is Microsoft's error.code, or this library's own name for the failure."""

    permanent: bool = True
    advice: str = "Read the message; nothing more is known about this failure."

    def __init__(
        self,
        message: str = "",
        *,
        code: str = "",
        status: int | None = None,
        target: str = "",
        request: str = "",
        advice: str | None = None,
    ) -> None:
        self.message = _one_line(message)
        super().__init__(self.message)
        self.code = _one_line(code) or type(self).__name__
        self.status = status
        self.target = _one_line(target)
        self.request = request
        if advice is not None:
            self.advice = advice

    def __str__(self) -> str:
        where = f"{self.request}: " if self.request else ""
        status = f"{self.status} " if self.status is not None else ""
        what = f"{where}{status}{self.code}"
        return f"{what}: {self.message} {self.advice}" if self.message else f"{what}. {self.advice}"


class InvalidArgument(DefenderError, ValueError):
    """A value of the caller cannot be sent as it is."""

    advice = "Correct the value and try again."


class TransportError(DefenderError):
    """No whole reply came back."""

    permanent = False
    advice = "Check the network, the proxy and the host's name, then try again."


class Unreachable(TransportError):
    """No connection was made, so the request was never sent."""


class Timeout(TransportError):
    """A request without effect had no reply in time."""

    advice = "Try again; if it lasts, check the network and the service's health page."


class ReplyLost(TransportError):
    """A request with an effect was sent and its outcome is unknown: reply lost, unreadable, or a 5xx."""

    advice = "It may have taken effect. Look for the effect first (for example the machine's actions), then decide."


class AuthenticationFailed(DefenderError):
    """The identity platform gave no token; `aadsts` is its error number, 0 when it sent none."""

    advice = "Look the AADSTS number up in Microsoft's list of sign-in error codes."

    def __init__(self, message: str = "", *, aadsts: int = 0, **details: Unpack[Details]) -> None:
        super().__init__(message, **details)
        self.aadsts = aadsts


class WrongSecret(AuthenticationFailed):
    """The client secret is not one of the application's."""

    advice = "Enter the secret's VALUE (shown once when it is made), not its id; make a new secret if it was not kept."


class ExpiredSecret(AuthenticationFailed):
    """The client secret was right and has expired."""

    advice = "Make a new client secret in the app registration (Certificates & secrets) and enter its value here."


class WrongCertificate(AuthenticationFailed):
    """The application does not know the certificate that signed the assertion, or the assertion is out of its time."""

    advice = (
        "Upload the certificate to this app registration, check that it has not expired, and this computer's clock."
    )


class ClockSkew(AuthenticationFailed):
    """The signed assertion is outside its valid time: this computer's clock is wrong."""

    advice = "Set the clock of the computer that Ringfence runs on; it may be five minutes off at most."


class UnknownApplication(AuthenticationFailed):
    """The tenant knows no such application."""

    advice = "Check the application (client) id and that it was registered, or consented to, in exactly this tenant."


class DisabledApplication(AuthenticationFailed):
    """The application exists and is switched off."""

    advice = "Enable sign-in for the enterprise application in this tenant, or use another registration."


class UnknownTenant(AuthenticationFailed):
    """The login host knows no such tenant."""

    advice = "Check the tenant id, and that the chosen cloud is the tenant's: government tenants sign in elsewhere."


class WrongCloud(AuthenticationFailed):
    """The tenant lives in another cloud."""

    advice = "Choose the tenant's own cloud (commercial, GCC, GCC High or DoD) for this account."


class ApiNotProvisioned(AuthenticationFailed):
    """The tenant has no service principal for the API that the token is for."""

    advice = (
        "Check that Defender for Endpoint is licensed and was opened once in this tenant, and that the cloud is right."
    )


class Unauthorized(DefenderError):
    """The API refused the token, and a fresh one too."""

    advice = "Check that the tenant's Defender for Endpoint licence is active and that the account's cloud is right."


class Forbidden(DefenderError):
    """The API knows the application and does not let it do this."""

    advice = "Ask an administrator of the tenant to allow the operation."


class MissingRole(Forbidden):
    """The token lacks an application role; any one of `required` would do, `granted` is what the token has."""

    advice = (
        "Grant the application one of the required permissions (API: WindowsDefenderATP), give admin consent, "
        "and wait up to an hour: only tokens issued afterwards carry it."
    )

    def __init__(
        self,
        message: str = "",
        *,
        required: tuple[str, ...] = (),
        granted: tuple[str, ...] = (),
        **details: Unpack[Details],
    ) -> None:
        super().__init__(message, **details)
        self.required = required
        self.granted = granted


class FeatureDisabled(Forbidden):
    """The tenant has not switched the feature on."""

    advice = "Switch the feature on in the Defender portal under Settings, Endpoints, Advanced features."


class OperationDisallowed(Forbidden):
    """The service forbids the operation on this object."""

    advice = "Read the reason in the message; the same request is refused until that changes."


class NotFound(DefenderError):
    """The thing that the request names does not exist, or is not visible to the application."""

    advice = "Check the id; the object may have been removed, merged, or have left the retention period."


class WrongAddress(NotFound):
    """The host has no such route: an empty 404 or 405."""

    advice = "Check the API host of the account's cloud; the service answers unknown addresses with an empty page."


class BadRequest(DefenderError):
    """The service understood the request and refuses it as it is."""

    advice = "Correct the request as the message says; repeating it unchanged fails again."


class ActiveRequestAlreadyExists(BadRequest):
    """The same action is already pending on the machine."""

    advice = "Look up the machine's pending action and follow that one."


class OsPlatformNotSupported(BadRequest):
    """The machine's operating system cannot do the action."""

    advice = "Contain this machine by other means; its platform does not support the action."


class ClientVersionNotSupported(BadRequest):
    """The machine's sensor is too old for the action."""

    advice = "Update the Defender sensor on the machine, or contain it by other means."


class MissingRequiredParameter(BadRequest):
    """A property of the request body is missing or has the wrong letter case."""


class InvalidRequestBody(BadRequest):
    """The request body holds an unknown property or a value that is not allowed."""


class InvalidInput(BadRequest):
    """A value in the request is not valid."""


class InvalidQuery(BadRequest):
    """The service cannot read the query options."""

    advice = "Check the filter: property names, quoting, and that the property can be filtered on at all."


class MaximumBatchSizeExceeded(BadRequest):
    """Too many items in one request."""

    advice = "Send the items in smaller batches."


class _Retryable(DefenderError):
    permanent = False

    def __init__(self, message: str = "", *, retry_after: float | None = None, **details: Unpack[Details]) -> None:
        super().__init__(message, **details)
        self.retry_after = retry_after


class Throttled(_Retryable):
    """The quota of the application in the tenant is used up; `retry_after` is seconds, None when nothing was said."""

    advice = "Wait as long as retry_after says; calls before that are refused and may prolong the wait."


class BudgetSpent(Throttled):
    """The call was not sent: the budget has no call left for its purpose before `retry_after` seconds have passed."""

    advice = "It goes on when the tenant grants calls again; what matters more, releases first, goes before."


class ServerError(_Retryable):
    """The service failed on a request without effect."""

    advice = "Try again later; see the service's health page if it lasts."


class MalformedReply(DefenderError):
    """The reply is not what the operation promises: not JSON, too large, of another shape, or a redirect."""

    permanent = False
    advice = "Check that no proxy or portal answers in the service's place, then try again."
