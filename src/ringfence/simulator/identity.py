"""The token endpoints, v2.0 and v1, with the errors of Microsoft Entra (fact book, auth)."""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote_plus

import jwt

from ringfence.simulator import defender, ids, timestamps, tokens
from ringfence.simulator.operations import JSON_TYPE, Reply
from ringfence.simulator.record import Document, compact
from ringfence.simulator.tenant import App, Tenant

if TYPE_CHECKING:
    from ringfence.simulator.world import Simulator

RESOURCES = (*defender.AUDIENCES, *tokens.XDR_RESOURCES, *tokens.GRAPH_RESOURCES)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_DOMAIN = re.compile(
    r"(?=.{3,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}", re.IGNORECASE | re.ASCII
)
_SHARED = ("common", "organizations", "consumers")
_SKEW = 300
"""Seconds by which a client's clock may differ."""
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

# error, status, text; {} is filled in with what the case is about.
_ERRORS: dict[int, tuple[str, int, str]] = {
    7_000_215: (
        "invalid_client",
        401,
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not "
        "the client secret ID, for a secret added to app '{}'.",
    ),
    7_000_222: (
        "invalid_client",
        401,
        "The provided client secret keys for app '{}' are expired. Visit the Azure portal to create new keys for your "
        "app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: "
        "https://aka.ms/certCreds.",
    ),
    700_016: (
        "unauthorized_client",
        400,
        "Application with identifier '{}' was not found in the directory '{}'. This can happen if the application has "
        "not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have "
        "sent your authentication request to the wrong tenant.",
    ),
    90_002: (
        "invalid_tenant",
        400,
        "Tenant '{}' not found. Check to make sure you have the correct tenant ID and are signing into the correct "
        "cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for "
        "the tenant.",
    ),
    70_011: (
        "invalid_scope",
        400,
        "The provided value for the input parameter 'scope' is not valid. The scope {} is not valid.",
    ),
    1_002_012: (
        "invalid_scope",
        400,
        "The provided value for scope {} is not valid. Client credential flows must have a scope value with /.default "
        "suffixed to the resource identifier (application ID URI).",
    ),
    500_011: (
        "invalid_resource",
        400,
        "The resource principal named {} was not found in the tenant named {}. This can happen if the application has "
        "not been installed by the administrator of the tenant or consented to by any user in the tenant. You might "
        "have sent your authentication request to the wrong tenant.",
    ),
    700_022: (
        "invalid_request",
        400,
        "The provided value for scope {} is not valid because it contains more than one resource.",
    ),
    900_144: ("invalid_request", 400, "The request body must contain the following parameter: '{}'."),
    7_000_218: (
        "invalid_client",
        401,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    ),
    900_023: (
        "invalid_request",
        400,
        "Specified tenant identifier '{}' is neither a valid DNS name, nor a valid external domain.",
    ),
    7_000_112: ("unauthorized_client", 400, "Application '{}' is disabled."),
    9_001_023: ("invalid_request", 400, "The grant type is not supported over the /common or /consumers endpoints."),
    70_003: ("unsupported_grant_type", 400, "The app requested an unsupported grant type '{}'."),
    700_027: (
        "invalid_client",
        401,
        "The certificate with identifier used to sign the client assertion is not registered on application '{}'.",
    ),
    700_024: ("invalid_client", 401, "Client assertion is not within its valid time range."),
    90_055: ("temporarily_unavailable", 429, "The tenant is throttled: too many requests."),
    50_196: ("invalid_grant", 400, "The server terminated an operation because it encountered a client request loop."),
}
CODES = tuple(sorted(_ERRORS))


class SignInError(Exception):
    """A token request is refused, with the number of an AADSTS error and what its text is about."""

    def __init__(self, code: int, *about: str) -> None:
        super().__init__(f"AADSTS{code}")
        self.code = code
        self.about = about


@dataclass(frozen=True)
class Grant:
    """Who asks for a token for which resource."""

    tenant: Tenant
    app: App
    resource: str
    certificate: bool


def find_tenant(simulator: "Simulator", text: str) -> Tenant:
    """Return the tenant that a path names by GUID or verified domain. Raises SignInError."""
    if text.lower() in _SHARED:
        raise SignInError(9_001_023)
    if not _GUID.fullmatch(text) and not _DOMAIN.fullmatch(text):
        raise SignInError(900_023, text)
    tenant = simulator.find_tenant(text, by_name=False)
    if tenant is None:
        raise SignInError(90_002, text)
    return tenant


def read_form(body: bytes, content_type: str, authorization: str | None) -> dict[str, str]:
    """Read a token request; a Basic header gives client_id and client_secret (RFC 6749)."""
    form: dict[str, str] = {}
    if "x-www-form-urlencoded" in content_type.lower():
        for key, value in parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True):
            form.setdefault(key, value)
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return form
        form.setdefault("client_id", unquote_plus(user))
        form.setdefault("client_secret", unquote_plus(password))
    return form


def examine(tenant: Tenant, form: dict[str, str], *, v1: bool, token_url: str, now: float) -> Grant:
    """Decide about a token request. Raises SignInError."""
    target = "resource" if v1 else "scope"
    for name in ("grant_type", "client_id", target):
        if not form.get(name):
            raise SignInError(900_144, name)
    if form["grant_type"] != "client_credentials":
        raise SignInError(70_003, form["grant_type"])
    app = tenant.apps.get(form["client_id"].lower())
    if app is None:
        raise SignInError(700_016, form["client_id"], tenant.name)
    if app.disabled:
        raise SignInError(7_000_112, app.client_id)
    resource = form["resource"] if v1 else _resource_of(form["scope"])
    if resource.rstrip("/") not in RESOURCES:
        raise SignInError(500_011, resource, tenant.name)
    certificate = bool(form.get("client_assertion"))
    if certificate:
        _check_assertion(app, form, token_url, now)
    elif form.get("client_secret"):
        _check_secret(app, form["client_secret"], now)
    else:
        raise SignInError(7_000_218)
    return Grant(tenant, app, resource, certificate)


def _resource_of(scope: str) -> str:
    scopes = scope.split()
    if not scopes:
        raise SignInError(70_011, scope)
    resources = {item.rpartition("/")[0] for item in scopes}
    if len(resources) > 1:
        raise SignInError(700_022, scope)
    if len(scopes) > 1 or not scopes[0].endswith("/.default"):
        raise SignInError(70_011 if "/" not in scopes[0] else 1_002_012, scope)
    return resources.pop()


def _check_secret(app: App, value: str, now: float) -> None:
    for secret in app.secrets:
        if secret.value == value:
            if secret.expires_at is not None and secret.expires_at <= now:
                raise SignInError(7_000_222, app.client_id)
            return
    raise SignInError(7_000_215, app.client_id)


def _check_assertion(app: App, form: dict[str, str], token_url: str, now: float) -> None:
    if form.get("client_assertion_type") != _ASSERTION_TYPE:
        raise SignInError(900_144, "client_assertion_type")
    audiences = {token_url, token_url.replace("https://", "http://", 1)}
    for pem in app.certificates:
        try:
            claims = jwt.decode(
                form["client_assertion"],
                tokens.public_key(pem),
                algorithms=["RS256", "PS256"],
                options={"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
        names = {str(claims.get(name, "")).lower() for name in ("iss", "sub")}
        if claims.get("aud") in audiences and names == {app.client_id.lower()}:
            _check_time(claims, now)
            return
    raise SignInError(700_027, app.client_id)


def _check_time(claims: dict[str, object], now: float) -> None:
    ends, begins = claims.get("exp"), claims.get("nbf", now)
    if not isinstance(ends, int | float) or not isinstance(begins, int | float):
        raise SignInError(700_024)
    if ends + _SKEW <= now or begins - _SKEW > now:
        raise SignInError(700_024)


def token_reply(simulator: "Simulator", grant: Grant, *, v1: bool, now: float) -> Reply:
    """Reply with a token; v1 writes numbers as texts and says more."""
    token = tokens.issue(simulator.key, grant.tenant, grant.app, grant.resource, now, certificate=grant.certificate)
    lifetime = grant.tenant.settings.token_lifetime
    document: Document = {"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime}
    if v1:
        document = {
            "token_type": "Bearer",
            "expires_in": str(lifetime),
            "ext_expires_in": str(lifetime),
            "expires_on": str(int(now) + lifetime + 1),
            "not_before": str(int(now) - 300),
            "resource": grant.resource,
        }
    document["access_token"] = token
    headers = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}
    return Reply(200, compact(document), JSON_TYPE, headers)


def error_reply(error: SignInError, sequence: int, now: float) -> Reply:
    """Reply in Entra's error shape."""
    name, status, text = _ERRORS[error.code]
    missing = text.count("{}") - len(error.about)
    text = text.format(*error.about, *("unknown" for _ in range(missing)))
    trace, correlation = ids.guid("trace", sequence), ids.guid("correlation", sequence)
    moment = timestamps.stamp(int(now)).replace("T", " ")
    document = {
        "error": name,
        "error_description": f"AADSTS{error.code}: {text}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\n"
        f"Timestamp: {moment}",
        "error_codes": [error.code],
        "timestamp": moment,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={error.code}",
    }
    return Reply(status, compact(document), JSON_TYPE, {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"})
