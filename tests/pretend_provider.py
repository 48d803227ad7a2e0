"""A small provider of identities in this process, which signs whatever a test wants it to."""

import base64
import hashlib
import json
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from ringfence import clock

ISSUER = "https://login.contoso.com"
CLIENT = "ringfence"
SECRET = "a client's secret: +/&"


class PretendProvider:
    """Answers as an OpenID provider does; `claims`, `header` and `forge` are what its ID tokens say and how they are signed."""

    def __init__(self, issuer: str = ISSUER) -> None:
        self.issuer = issuer
        self.key: RSAKey | ECKey = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
        self.listed: list[dict[str, Any]] = [self.public(self.key)]
        self.metadata: dict[str, Any] = {}
        self.claims: dict[str, Any] = {"sub": "megan", "preferred_username": "megan@contoso.com", "groups": ["soc"]}
        self.info: dict[str, Any] | None = None
        self.alg = "RS256"
        self.header: dict[str, Any] = {}
        self.forged: str | None = None
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.secret: str | None = SECRET
        self.transport = httpx.MockTransport(self.answer)

    @staticmethod
    def public(key: RSAKey | ECKey) -> dict[str, Any]:
        """Return what the list of keys says of a key."""
        return dict(key.as_dict(private=False))

    def allow(self, address: str) -> dict[str, str]:
        """Sign the person in who was sent to an address, and return what the browser brings back."""
        asked = dict(parse_qsl(urlsplit(address).query))
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        path = request.url.path
        self.asked.append(path)
        match path:
            case "/.well-known/openid-configuration":
                return httpx.Response(200, json=self._described())
            case "/keys":
                return httpx.Response(200, json={"keys": self.listed})
            case "/token":
                return self._token(request)
            case "/me":
                return httpx.Response(200, json=self.info or {})
        return httpx.Response(404, json={})

    def _described(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
            **({"userinfo_endpoint": f"{self.issuer}/me"} if self.info is not None else {}),
            **self.metadata,
        }

    def _token(self, request: httpx.Request) -> httpx.Response:
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        given = request.headers.get("authorization", "")
        basic = base64.b64decode(given.removeprefix("Basic ")).decode() if given else ""
        client = basic.partition(":")[0] or form.get("client_id")
        secret = parse_qs(f"x={basic.partition(':')[2]}").get("x", [None])[0] if basic else form.get("client_secret")
        if client != CLIENT or secret != self.secret:
            return httpx.Response(401, json={"error": "invalid_client"})
        asked = self.codes.pop(form["code"], None)
        verifier = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).decode().rstrip("=")
        if (
            asked is None
            or asked["code_challenge"] != challenge
            or asked["redirect_uri"] != form["redirect_uri"]
            or form["grant_type"] != "authorization_code"
        ):
            return httpx.Response(400, json={"error": "invalid_grant"})
        said = {"access_token": "at", "token_type": "Bearer", "id_token": self._id_token(asked["nonce"])}
        return httpx.Response(200, json=said)

    def _id_token(self, nonce: str) -> str:
        if self.forged is not None:
            return self.forged
        now = int(clock.timestamp())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce, **self.claims}
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.alg == "none":
            parts = ({"alg": "none"}, claims)
            return (
                ".".join(base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in parts)
                + "."
            )
        if self.alg == "HS256":
            # The classic: the public key, which everybody has, as the secret of an HMAC.
            pem = self.key.as_pem(private=False)
            registry = jws.JWSRegistry(algorithms=["HS256"])
            return jwt.encode({"alg": "HS256", "kid": "one"}, claims, OctKey.import_key(pem.hex()), registry=registry)
        header = {"alg": self.alg, "kid": self.key.kid, **self.header}
        header = {name: value for name, value in header.items() if value is not None}
        return jwt.encode(header, claims, self.key, registry=jws.JWSRegistry(algorithms=[self.alg]))
