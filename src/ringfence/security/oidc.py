"""OpenID Connect, as the relying party: authorization code with PKCE, state and nonce; keys by discovery.

The parts are authlib's and joserfc's. What is asked of a provider goes out guarded (see egress), without redirects, and is cut
off at a size. Only signatures by public keys count: `none` and HMAC never do, whatever a provider says that it supports.
"""

import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata, get_well_known_url
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from ringfence import clock, logs
from ringfence.errors import Invalid, NotSignedIn
from ringfence.security.egress import Network, Refused, guarded

_log = logs.get(__name__)
ALGORITHMS: Final = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
)  # fmt: skip
_LEEWAY: Final = 60
_LARGEST: Final = 1_000_000
_METADATA_FOR: Final = 3600.0
_KEYS_AGAIN_AFTER: Final = 10.0
_TIMEOUT: Final = httpx.Timeout(10.0)


class ProviderFailed(NotSignedIn):
    """A provider of identities could not be used, or what came from it is not to be believed."""

    code = "provider_failed"


@dataclass(frozen=True, slots=True)
class Client:
    """What a provider knows us by. `secret` is None for a public client, which PKCE alone protects."""

    issuer: str
    client_id: str
    secret: str | None
    scopes: str
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and what has to be remembered until it comes back."""

    address: str
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Tested:
    """What a provider that answers has: public keys to sign with, and a page to sign out at."""

    keys: int
    signs_out: bool


@dataclass(frozen=True, slots=True)
class _Known:
    metadata: Mapping[str, Any]
    at: float


@dataclass(frozen=True, slots=True)
class _Keys:
    keys: tuple[Mapping[str, Any], ...]
    at: float


class RelyingParty:
    """Speaks with providers; what it learns of them it keeps for an hour. `private` are networks they may be in."""

    def __init__(self, private: tuple[Network, ...] = (), transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._private = private
        self._transport = transport
        self._metadata: dict[str, _Known] = {}
        self._keys: dict[str, _Keys] = {}

    async def discover(self, issuer: str, *, anew: bool = False) -> Mapping[str, Any]:
        """Return what a provider says of itself; ProviderFailed where it cannot be asked or says something else."""
        known = self._metadata.get(issuer)
        if known is not None and not anew and clock.timestamp() - known.at < _METADATA_FOR:
            return known.metadata
        found = await self._json("GET", get_well_known_url(issuer, external=True))
        if found.get("issuer") != issuer:
            raise _failed(f"It calls itself {str(found.get('issuer'))[:100]!r} instead of {issuer!r}.")
        try:
            metadata = OpenIDProviderMetadata(found)
            metadata.validate_response_types_supported()
            metadata.validate_id_token_signing_alg_values_supported()
        except (ValueError, TypeError, AttributeError) as error:
            raise _failed(f"What it says of itself cannot be used: {error}.") from error
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            demand_address(str(found.get(name, "")), name)
        self._metadata[issuer] = _Known(found, clock.timestamp())
        return found

    async def test(self, issuer: str) -> Tested:
        """Ask a provider anew what it says of itself, and for its keys; ProviderFailed where nobody could sign in there."""
        try:
            metadata = await self.discover(issuer, anew=True)
            keys = await self.keys(metadata)
        except Invalid as problem:
            raise _failed(f"{problem.message} {problem.advice}") from problem
        if not keys:
            raise _failed("It lists no public key to sign with.")
        return Tested(len(keys), "end_session_endpoint" in metadata)

    async def begin(self, client: Client, *, prove_again: bool = False) -> Begun:
        """Return where a browser goes to sign in; `prove_again` demands that the person is asked once more."""
        metadata = await self.discover(client.issuer)
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        more = {"max_age": "0", "prompt": "login"} if prove_again else {}
        address = prepare_grant_uri(
            metadata["authorization_endpoint"],
            client.client_id,
            "code",
            redirect_uri=client.redirect_uri,
            scope=client.scopes,
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
            **more,
        )
        facts = {"state": state, "nonce": nonce, "verifier": verifier, "issuer": client.issuer}
        if prove_again:
            facts["asked_at"] = str(int(clock.timestamp()))
        return Begun(str(address), facts)

    async def finish(self, client: Client, facts: Mapping[str, Any], given: Mapping[str, str]) -> Mapping[str, Any]:
        """Return the claims about who came back with `given` in the address; ProviderFailed for anything doubtful."""
        metadata = await self.discover(client.issuer)
        if not hmac.compare_digest(
            str(facts.get("state", "")).encode(), given.get("state", "").encode("utf-8", "replace")
        ):
            raise _failed("The answer does not belong to this sign-in.")
        if facts.get("issuer") != client.issuer or given.get("iss", client.issuer) != client.issuer:
            raise _failed("The answer comes from another provider than the one that was asked.")
        if metadata.get("authorization_response_iss_parameter_supported") and "iss" not in given:
            raise _failed("The answer does not say which provider it comes from.")
        if "error" in given:
            _log.info("provider_refused", issuer=client.issuer, error=given["error"][:100])
            raise ProviderFailed(
                "You were not signed in there." if given["error"] == "access_denied" else "The provider refused.",
                advice="Try again, or ask who looks after it.",
            )
        answer = await self._exchange(client, metadata, facts, given.get("code", ""))
        claims = await self._believe(client, metadata, facts, answer)
        return {**await self._more(metadata, answer, claims), **claims}

    async def sign_out_address(self, client: Client, back: str) -> str | None:
        """Return where a browser signs out at the provider too; None where that offers nothing of the kind."""
        metadata = await self.discover(client.issuer)
        end = metadata.get("end_session_endpoint")
        if not isinstance(end, str):
            return None
        demand_address(end, "end_session_endpoint")
        return str(add_params_to_uri(end, {"client_id": client.client_id, "post_logout_redirect_uri": back}))

    async def keys(self, metadata: Mapping[str, Any], *, anew: bool = False) -> tuple[Mapping[str, Any], ...]:
        """Return the public keys by which a provider signs; asked for again at most every few seconds."""
        uri = str(metadata["jwks_uri"])
        known = self._keys.get(uri)
        age = clock.timestamp() - known.at if known is not None else _METADATA_FOR
        if known is not None and age < (_KEYS_AGAIN_AFTER if anew else _METADATA_FOR):
            return known.keys
        listed = (await self._json("GET", uri)).get("keys")
        if not isinstance(listed, list):
            raise _failed("Its list of keys cannot be read.")
        # A symmetric key in a public list is known to everybody.
        usable = tuple(
            each
            for each in listed
            if isinstance(each, dict) and each.get("kty") in ("RSA", "EC", "OKP") and each.get("use", "sig") == "sig"
        )
        self._keys[uri] = _Keys(usable, clock.timestamp())
        return usable

    async def _exchange(
        self, client: Client, metadata: Mapping[str, Any], facts: Mapping[str, Any], code: str
    ) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": client.redirect_uri,
            "code_verifier": str(facts["verifier"]),
        }
        methods = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if client.secret is None or "client_secret_basic" not in methods:
            form["client_id"] = client.client_id
            if client.secret is not None:
                form["client_secret"] = client.secret
            return await self._json("POST", str(metadata["token_endpoint"]), form=form)
        basic = httpx.BasicAuth(_quoted(client.client_id), _quoted(client.secret))
        return await self._json("POST", str(metadata["token_endpoint"]), form=form, auth=basic)

    async def _believe(
        self, client: Client, metadata: Mapping[str, Any], facts: Mapping[str, Any], answer: Mapping[str, Any]
    ) -> dict[str, Any]:
        text = answer.get("id_token")
        if not isinstance(text, str):
            raise _failed("It gave no ID token.")
        said = metadata.get("id_token_signing_alg_values_supported")
        allowed = [each for each in ALGORITHMS if not isinstance(said, list) or each in said]
        try:
            header = jws.extract_compact(text.encode()).headers()
            key = await self._key(metadata, header.get("kid"))
            registry = jws.JWSRegistry(algorithms=allowed, strict_check_header=False)
            token = jwt.decode(text, key=KeySet.import_key_set({"keys": [dict(key)]}), registry=registry)
            claims = CodeIDToken(
                token.claims,
                token.header,
                {
                    "iss": {"essential": True, "value": client.issuer},
                    "aud": {"essential": True, "value": client.client_id},
                    "sub": {"essential": True},
                },
                {
                    "nonce": facts["nonce"],
                    "client_id": client.client_id,
                    "access_token": answer.get("access_token"),
                },
            )
            claims.validate(now=int(clock.timestamp()), leeway=_LEEWAY)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError, json.JSONDecodeError) as error:
            _log.warning("id_token_refused", issuer=client.issuer, why=type(error).__name__)
            raise _failed("Its word on who you are cannot be believed.") from error
        found = dict(claims)
        audience = found["aud"] if isinstance(found["aud"], list) else [found["aud"]]
        if len(audience) > 1 and found.get("azp") != client.client_id:
            raise _failed("Its word is for another program than this one.")
        if not isinstance(found["sub"], str) or not 1 <= len(found["sub"]) <= 255:
            raise _failed("It does not say who you are.")
        if "asked_at" in facts and int(found.get("auth_time") or 0) < int(facts["asked_at"]) - _LEEWAY:
            raise _failed("It did not ask you again who you are.")
        return found

    async def _key(self, metadata: Mapping[str, Any], wanted: object) -> Mapping[str, Any]:
        """Return the key with this id; without an id the only one that there is, and none where there are several."""
        for anew in (False, True):
            listed = await self.keys(metadata, anew=anew)
            fitting = [each for each in listed if wanted is None or each.get("kid") == wanted]
            if len(fitting) == 1:
                return fitting[0]
        raise KeyError("no key, or several, by which the token may be signed")

    async def _more(
        self, metadata: Mapping[str, Any], answer: Mapping[str, Any], claims: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Return what else the provider says about the person, where it keeps that out of the token."""
        address, access = metadata.get("userinfo_endpoint"), answer.get("access_token")
        if not isinstance(address, str) or not isinstance(access, str):
            return {}
        demand_address(address, "userinfo_endpoint")
        found = await self._json("GET", address, headers={"Authorization": f"Bearer {access}"})
        if found.get("sub") != claims["sub"]:
            raise _failed("It says something about another person.")
        return found

    async def _json(
        self,
        method: str,
        address: str,
        *,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: httpx.Auth | None = None,
    ) -> dict[str, Any]:
        try:
            with guarded(self._private):
                async with (
                    httpx.AsyncClient(
                        transport=self._transport, timeout=_TIMEOUT, follow_redirects=False, trust_env=False
                    ) as http,
                    http.stream(
                        method,
                        address,
                        data=form,
                        headers={"Accept": "application/json", **(headers or {})},
                        auth=auth,
                    ) as response,
                ):
                    body = b""
                    async for piece in response.aiter_bytes():
                        body += piece
                        if len(body) > _LARGEST:
                            raise _failed("It sends too much.")
                    status = response.status_code
        except Refused as error:
            raise ProviderFailed(
                error.message, advice="If it is meant, name its network in RINGFENCE_IDENTITY_PRIVATE."
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            _log.warning("provider_unreachable", address=address, why=type(error).__name__)
            raise _failed("It cannot be reached.") from error
        try:
            found = json.loads(body)
        except ValueError:
            found = None
        if status != 200 or not isinstance(found, dict):
            said = str(found.get("error", "")) if isinstance(found, dict) else ""
            _log.warning("provider_answered", address=address, status=status, error=said[:100])
            if said == "invalid_client":
                raise _failed("It does not accept our client id or secret.")
            raise _failed(f"It answered with {status}{f' ({said[:60]})' if said.isascii() and said else ''}.")
        return found


def demand_address(address: str, what: str = "address") -> str:
    """Return an address by HTTPS (or by HTTP on this machine); Invalid for any other."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        fine = bool(host) and parts.username is None and not parts.fragment and address.isprintable()
    except ValueError:
        fine, parts, host = False, None, ""
    local = host in ("localhost", "127.0.0.1", "::1")
    if parts is None or not fine or not (parts.scheme == "https" or (parts.scheme == "http" and local)):
        raise Invalid(
            f"The {what} {address[:100]!r} is not one by HTTPS.", advice="Write it as https://login.contoso.com."
        )
    return address


def _quoted(text: str) -> str:
    # RFC 6749, 2.3.1: what goes into HTTP Basic is form-encoded first.
    return str(httpx.QueryParams({"x": text}))[2:]


def _failed(why: str) -> ProviderFailed:
    return ProviderFailed(
        f"The provider could not sign you in. {why}", advice="Try again; if it stays, ask an administrator."
    )
