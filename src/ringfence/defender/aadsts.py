"""What the numbers of refused sign-ins (AADSTS…) mean for an application that signs in by itself, and what to do. Data only.

The numbers that concern users in a browser are left out. They explain; what is done is decided by the class of the error.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

REFERENCE: Final = "https://learn.microsoft.com/entra/identity-platform/reference-error-codes"
"""Microsoft's list of sign-in error codes."""
ASSERTIONS: Final = "https://learn.microsoft.com/entra/identity-platform/certificate-credentials"
"""Microsoft's page on signing in with a certificate."""
FIELD: Final = "seen in the field; Microsoft's list does not have it"


@dataclass(frozen=True, slots=True)
class Meaning:
    """One number: what happened and what to do, in plain words, and where that is from."""

    number: int
    meaning: str
    advice: str
    source: str = REFERENCE

    @property
    def lookup(self) -> str:
        """Return the address of Microsoft's own current words about it."""
        return f"https://login.microsoftonline.com/error?code={self.number}"


_SECRETS: Final = "App registration ▸ Certificates & secrets"
_CLOUD: Final = "Choose the tenant's own cloud for this account: Commercial, GCC, GCC High or DoD."
_RETRY: Final = (
    "Wait a few minutes; it is tried again by itself. If it lasts, look at the service health of Microsoft Entra."
)
_SUPPORT: Final = (
    "Report it to the makers of Ringfence with this number: the request itself should not be able to cause it."
)
_PERMISSIONS: Final = (
    "Add the API's application permissions to the app registration (API permissions) and give admin consent."
)

_ROWS: Final[Iterable[Meaning]] = (
    Meaning(
        7000215,
        "the tenant does not accept this client secret.",
        f"Enter the secret's VALUE, not its id: {_SECRETS} shows it only once, so make a new secret if it was not kept.",
    ),
    Meaning(
        7000222,
        "the client secret has expired.",
        f"Make a new client secret ({_SECRETS}) and enter its value here.",
    ),
    Meaning(
        7000218,
        "the request carried neither a secret nor a certificate.",
        "Enter the client secret or the certificate again.",
    ),
    Meaning(
        70002,
        "the tenant does not accept this client secret.",
        f"Enter the secret's value as {_SECRETS} showed it, without blanks around it.",
    ),
    Meaning(
        700027,
        "the tenant does not accept this certificate: the application does not have it, or its signature is not valid.",
        f"Upload the certificate to the application ({_SECRETS} ▸ Certificates): exactly this one, before it has expired.",
    ),
    Meaning(
        700024,
        "the signed request is outside its valid time: the clock of this computer is wrong.",
        "Set the clock of the computer that Ringfence runs on (NTP); it may differ from the real time by five minutes.",
        ASSERTIONS,
    ),
    Meaning(
        700021,
        "the signed request names another application than the client id that was entered.",
        "Check the application (client) id.",
        FIELD,
    ),
    Meaning(
        700030,
        "the name in the certificate is not allowed for this application.",
        f"Upload the certificate itself to the application ({_SECRETS} ▸ Certificates).",
    ),
    Meaning(
        50012,
        "the tenant does not accept the certificate: it, its chain or its signature is not valid.",
        f"Upload the public part of exactly this certificate ({_SECRETS} ▸ Certificates), or make a new one.",
    ),
    Meaning(
        50013,
        "the signed request was not accepted: it is out of its time, or was made for another tenant.",
        "Check this computer's clock, the tenant id and the client id.",
    ),
    Meaning(
        700025,
        "the app registration is a public client, which has no secret.",
        "App registration ▸ Authentication ▸ Allow public client flows: No.",
    ),
    Meaning(
        700016,
        "the tenant knows no application with this client id.",
        "Check the application (client) id, and that it was registered in exactly this tenant.",
    ),
    Meaning(
        700011,
        "the tenant knows no application with this client id.",
        "Check the application (client) id, and that it was registered in exactly this tenant.",
    ),
    Meaning(
        7000112,
        "the application is switched off in the tenant.",
        "Enterprise applications ▸ the application ▸ Properties ▸ Enabled for users to sign in: Yes.",
    ),
    Meaning(
        70001,
        "the application is switched off, or not in this tenant.",
        "Check the client id, and that the enterprise application is enabled for sign-in.",
    ),
    Meaning(
        7000229,
        "the application has no service principal in this tenant.",
        "Create its enterprise application: `az ad sp create --id CLIENT-ID`, then give admin consent.",
        FIELD,
    ),
    Meaning(
        1000031,
        "the application cannot be used at this time.",
        "Ask an administrator of the tenant whether it was restricted.",
    ),
    Meaning(
        90002,
        "there is no such tenant in this cloud.",
        "Check the tenant id, and that the chosen cloud is the tenant's: government tenants sign in elsewhere.",
    ),
    Meaning(
        900023,
        "this is not a tenant's id or domain.",
        "Copy the directory (tenant) id from the app registration's overview.",
        FIELD,
    ),
    Meaning(50059, "no tenant was named.", "Enter the directory (tenant) id."),
    Meaning(9001023, "no single tenant was named.", "Enter the directory (tenant) id, not `common` or `consumers`."),
    Meaning(90038, "the tenant belongs to another cloud.", _CLOUD),
    Meaning(90051, "the tenant belongs to another cloud.", _CLOUD),
    Meaning(900382, "the application belongs to another cloud than the tenant.", _CLOUD),
    Meaning(900432, "the application belongs to another cloud than the tenant.", _CLOUD),
    Meaning(
        500011,
        "the tenant does not have the API that is asked for.",
        "Check that Defender for Endpoint is licensed and was opened once in this tenant, and that the cloud is right.",
    ),
    Meaning(
        500014,
        "the API is switched off in the tenant: its subscription may have lapsed.",
        "Check the licence of Defender for Endpoint, and that its enterprise application is enabled.",
    ),
    Meaning(50001, "the API that is asked for is disabled, or not in this cloud.", _CLOUD),
    Meaning(
        650052,
        "the tenant has not subscribed to the API that is asked for.",
        "Check that Defender for Endpoint is licensed in this tenant.",
    ),
    Meaning(650056, "the application asks for no permission of this API, or nobody consented.", _PERMISSIONS),
    Meaning(650057, "the application asks for no permission of this API.", _PERMISSIONS),
    Meaning(65001, "nobody has consented to the application's permissions.", _PERMISSIONS),
    Meaning(90094, "an administrator has to consent first.", _PERMISSIONS),
    Meaning(
        501051,
        "the application was not assigned to the API, which demands it.",
        "Enterprise applications ▸ the API ▸ Users and groups: assign the application, or switch the demand off.",
        FIELD,
    ),
    Meaning(
        53003,
        "a Conditional Access policy of the tenant blocks the application.",
        "Let a policy for workload identities allow the address that Ringfence signs in from.",
    ),
    Meaning(
        530032,
        "a security policy of the tenant blocks the application.",
        "Ask an administrator of the tenant to let this application sign in.",
    ),
    Meaning(
        500021,
        "a proxy on the way lets nobody reach this tenant (tenant restrictions).",
        "Have the tenant added to the proxy's list, or let Ringfence pass without it.",
    ),
    Meaning(70011, "the API was asked for in a form that is not accepted.", _SUPPORT),
    Meaning(1002012, "the API was asked for in a form that is not accepted.", _SUPPORT, FIELD),
    Meaning(700022, "several APIs were asked for at once.", _SUPPORT),
    Meaning(900144, "a part of the request is missing.", _SUPPORT),
    Meaning(90014, "a part of the request is missing.", _SUPPORT),
    Meaning(90055, "the tenant gets too many sign-ins.", _RETRY),
    Meaning(50196, "the application signs in too often in a row.", _RETRY),
    Meaning(90033, "the tenant's directory is not available.", _RETRY),
    Meaning(90006, "the sign-in service is not available.", _RETRY),
    Meaning(90024, "the sign-in service is busy.", _RETRY),
    Meaning(50000, "the sign-in service could not issue a token.", _RETRY),
)

MEANINGS: Final[Mapping[int, Meaning]] = {each.number: each for each in _ROWS}
"""What is known, by number."""


def explain(number: int) -> Meaning | None:
    """Return what a number means, None for one that is not known."""
    return MEANINGS.get(number)
