"""A scripted Microsoft for the client's tests: it signs in whoever asks and answers the API from a script."""

import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from ringfence.defender import CallBudget, ClientSecret, Cloud, Credential, DefenderClient, RetryPolicy, TokenCache
from ringfence.defender.clouds import COMMERCIAL
from ringfence.defender.session import Observer

Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]

SECRET = "s3cret~&=value"


def answer(body: object, status: int = 200, **headers: str) -> httpx.Response:
    """Make a JSON reply; underscores in header names stand for hyphens."""
    return httpx.Response(status, json=body, headers={key.replace("_", "-"): value for key, value in headers.items()})


def refused(status: int, code: str, message: str = "No.", **headers: str) -> httpx.Response:
    """Make a refusal in the API's shape."""
    return answer({"error": {"code": code, "message": message, "target": "t-1"}}, status, **headers)


def aadsts(number: int, error: str, status: int, text: str = "No.") -> httpx.Response:
    """Make a refusal in the login host's shape."""
    return answer(
        {"error": error, "error_description": f"AADSTS{number}: {text}", "error_codes": [number]},
        status,
    )


class Microsoft:
    """Answers `script` in turn to API requests, then `otherwise` for ever; `logins` likewise, then a fresh token."""

    def __init__(self, *script: Answer, otherwise: Answer | None = None, logins: Iterable[Answer] = ()) -> None:
        self.script = list(script)
        self.otherwise = otherwise
        self.logins = list(logins)
        self.requests: list[httpx.Request] = []
        self.sign_ins: list[dict[str, list[str]]] = []
        self.discoveries = 0
        self.slept: list[float] = []
        self.transport = httpx.MockTransport(self._handle)

    async def sleep(self, seconds: float) -> None:
        """Take note of a wait, and do not wait."""
        self.slept.append(seconds)

    def client(
        self,
        cloud: Cloud = COMMERCIAL,
        *,
        tenant_id: str = "contoso.com",
        attempts: int = 5,
        deadline: float = 90.0,
        api_base: str | None = None,
        observer: Observer | None = None,
        budget: CallBudget | None = None,
        credential: Credential | None = None,
        tokens: TokenCache | None = None,
    ) -> DefenderClient:
        """Make a client whose whole network is this object, without jitter."""
        return DefenderClient(
            cloud,
            tenant_id,
            credential or ClientSecret("app-1", SECRET),
            transport=self.transport,
            retry=RetryPolicy(attempts=attempts, deadline=deadline, sleep=self.sleep, chance=lambda: 1.0),
            api_base=api_base,
            observer=observer,
            budget=budget,
            tokens=tokens,
        )

    def sent(self, index: int = -1) -> Any:
        """Return the JSON body of an API request."""
        return json.loads(self.requests[index].content)

    @property
    def urls(self) -> list[str]:
        """Return the path and query of each API request."""
        return [request.url.raw_path.decode() for request in self.requests]

    @property
    def tokens(self) -> list[str]:
        """Return the token of each API request."""
        return [request.headers["Authorization"].removeprefix("Bearer ") for request in self.requests]

    def _handle(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.endswith("/.well-known/openid-configuration"):
            self.discoveries += 1
            base = f"{urlsplit(str(request.url)).scheme}://{request.url.netloc.decode()}/tenant-1"
            return answer(
                {
                    "issuer": f"{base}/v2.0",
                    "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                    "token_endpoint": f"{base}/oauth2/v2.0/token",
                }
            )
        if path.endswith("/oauth2/v2.0/token"):
            self.sign_ins.append(parse_qs(request.content.decode()))
            fresh = answer({"token_type": "Bearer", "expires_in": 3600, "access_token": f"token-{len(self.sign_ins)}"})
            return self._give(self.logins.pop(0) if self.logins else fresh, request)
        self.requests.append(request)
        if not self.script and self.otherwise is None:
            raise AssertionError(f"no answer is left for {request.method} {request.url}")
        return self._give(self.script.pop(0) if self.script else self.otherwise, request)

    def _give(self, given: Answer | None, request: httpx.Request) -> httpx.Response:
        match given:
            case Exception():
                raise given
            case httpx.Response():
                # A fresh object each time: one that has been read cannot be read again.
                return httpx.Response(given.status_code, headers=given.headers, content=given.content)
            case None:
                raise AssertionError("there is always an answer here")
            case _:
                return given(request)
