"""Access tokens: signed as Microsoft signs them, and checked again when they come back."""

import base64
import functools
import hashlib
from dataclasses import dataclass
from typing import Any, Literal

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.types import Options

from ringfence.simulator import ids
from ringfence.simulator.tenant import App, Tenant

_SKEW = 300
_REMEMBERED = 1_000
_XDR_PREFIXES = ("Incident.", "AdvancedHunting.", "CustomDetections.")
_GRAPH_PREFIXES = ("SecurityAlert.", "SecurityIncident.", "SecurityEvents.", "ThreatHunting.", "Directory.", "Mail.")

GRAPH_RESOURCES = (
    "https://graph.microsoft.com",
    "https://graph.microsoft.us",
    "https://dod-graph.microsoft.us",
    "00000003-0000-0000-c000-000000000000",
)
XDR_RESOURCES = (
    "https://api.security.microsoft.com",
    "https://api-gcc.security.microsoft.us",
    "https://api-gov.security.microsoft.us",
    "8ee8fdad-f234-4243-8f3b-15c294843740",
)


Reason = Literal["absent", "broken", "audience", "time"]


class TokenError(Exception):
    """A token is absent, broken, expired or meant for another API: the reason says which."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Key:
    """The signing key of a simulator."""

    private: rsa.RSAPrivateKey
    id: str

    def pem(self) -> str:
        """Return the key as PEM, to be kept in the state."""
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    def jwk(self) -> dict[str, str]:
        """Return the public half as the discovery endpoint shows it."""
        numbers = self.private.public_key().public_numbers()
        return {
            "kty": "RSA",
            "use": "sig",
            "kid": self.id,
            "x5t": self.id,
            "n": _base64url(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8)),
            "e": _base64url(numbers.e.to_bytes(3)),
        }


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _key(private: rsa.RSAPrivateKey) -> Key:
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return Key(private, _base64url(hashlib.sha1(public).digest()))


@functools.cache
def process_key() -> Key:
    """Return the key that simulators of this process share until a state brings its own: making one is slow."""
    return _key(rsa.generate_private_key(public_exponent=65537, key_size=2048))


def load_key(pem: str) -> Key:
    """Return the key that was kept as PEM."""
    private = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise ValueError("The state holds a signing key that is not RSA. Start with another state file.")
    return _key(private)


def roles_for(app: App, resource: str) -> list[str]:
    """Return the roles that a token for this resource carries: each API has its own."""
    graph = [role for role in app.roles if role.startswith(_GRAPH_PREFIXES)]
    xdr = [role for role in app.roles if role.startswith(_XDR_PREFIXES)]
    if resource.rstrip("/") in GRAPH_RESOURCES:
        return graph
    if resource.rstrip("/") in XDR_RESOURCES:
        return xdr
    return [role for role in app.roles if role not in graph and role not in xdr]


def issue(key: Key, tenant: Tenant, app: App, resource: str, now: float, *, certificate: bool = False) -> str:
    """Sign an app-only token in the v1.0 format; `roles` is absent when none are granted."""
    number = tenant.next_number()
    object_id = ids.guid("principal", tenant.id, app.client_id)
    issuer = f"https://sts.windows.net/{tenant.id}/"
    opaque = ids.secret("opaque", tenant.id, number)
    claims: dict[str, Any] = {
        "aud": resource,
        "iss": issuer,
        "iat": int(now) - _SKEW,
        "nbf": int(now) - _SKEW,
        "exp": int(now) + tenant.settings.token_lifetime + 1,
        "aio": opaque,
        "app_displayname": app.name,
        "appid": app.client_id,
        "appidacr": "2" if certificate else "1",
        "idp": issuer,
        "oid": object_id,
        "rh": "0." + opaque,
        "sub": object_id,
        "tenant_region_scope": "NA",
        "tid": tenant.id,
        "uti": ids.secret("uti", tenant.id, number)[:22],
        "ver": "1.0",
    }
    roles = roles_for(app, resource)
    if roles:
        claims["roles"] = roles
    return jwt.encode(claims, key.private, algorithm="RS256", headers={"kid": key.id, "x5t": key.id})


class Verifier:
    """Check tokens; a token whose signature was good once is not verified again, only its time."""

    def __init__(self, key: Key) -> None:
        self._public = key.private.public_key()
        self._known: dict[str, dict[str, Any]] = {}

    def check(self, authorization: str | None, audiences: tuple[str, ...], now: float) -> dict[str, Any]:
        """Return the claims of a Bearer header. Raises TokenError."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise TokenError("absent", "no bearer token")
        claims = self._claims(token.strip())
        if str(claims["aud"]).rstrip("/") not in audiences:
            raise TokenError("audience", "the token is meant for another API")
        if not claims["nbf"] <= now < claims["exp"]:
            raise TokenError("time", "the token has expired or is not valid yet")
        return claims

    def _claims(self, token: str) -> dict[str, Any]:
        claims = self._known.get(token)
        if claims is None:
            options: Options = {
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "verify_aud": False,
                "require": ["aud", "exp", "nbf", "tid", "appid"],
            }
            try:
                claims = jwt.decode(token, self._public, algorithms=["RS256"], options=options)
            except (jwt.PyJWTError, ValueError, TypeError) as problem:
                raise TokenError("broken", "the token is broken") from problem
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[token] = claims
        return claims


@functools.lru_cache(maxsize=64)
def public_key(pem: str) -> rsa.RSAPublicKey:
    """Return the RSA public key of a PEM certificate or public key. Raises ValueError."""
    data = pem.encode()
    if b"BEGIN CERTIFICATE" in data:
        key: object = x509.load_pem_x509_certificate(data).public_key()
    else:
        key = serialization.load_pem_public_key(data)
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("The certificate must hold an RSA key.")
    return key
