"""The way in: every request to login, the APIs and Graph is routed, journalled, tripped by faults and answered."""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import httpx
from starlette.types import Receive, Scope, Send

from ringfence.simulator import discovery, distortions, identity, operations, services, tokens
from ringfence.simulator.aims import TOKEN_OPERATION
from ringfence.simulator.defender import downloads
from ringfence.simulator.faults import Fault
from ringfence.simulator.journal import Entry
from ringfence.simulator.operations import JSON_TYPE, Api, ApiError, Call, Operation, Reply
from ringfence.simulator.quotas import Quota
from ringfence.simulator.tenant import App, Tenant

if TYPE_CHECKING:
    from ringfence.simulator.world import Simulator

_LARGEST_BODY = 22_000_000
_ORDERED = Quota(30, 60)
_OPENID = [".well-known", "openid-configuration"]


@dataclass
class Request:
    """A request as it arrived; `parts` are the decoded segments of its path."""

    method: str
    path: str
    parts: list[str]
    query: str
    headers: dict[str, str]
    body: bytes
    scheme: str = "http"


class Dropped(Exception):
    """The reply must not reach the client."""


class Gateway:
    """Serve everything but the control routes, as an ASGI application."""

    def __init__(self, simulator: "Simulator") -> None:
        self.simulator = simulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or break its connection where a fault asks for that."""
        request = await _read(scope, receive)
        try:
            reply = await self._answer(request)
        except Dropped:
            await self._drop(scope, receive)
            return
        headers = [
            (key.lower().encode("latin-1", "replace"), value.encode("latin-1", "replace"))
            for key, value in reply.headers.items()
        ]
        body = reply.body or b""
        headers.append((b"content-length", str(len(body)).encode()))
        if reply.body is not None:
            headers.append((b"content-type", reply.content_type.encode()))
            if reply.content_type == operations.ENTITY_TYPE:
                headers.append((b"odata-version", b"4.0"))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, request: Request) -> Reply:
        simulator = self.simulator
        simulator.settle()
        now = simulator.clock.now()
        entry = simulator.journal.open(
            operations.moment(now),
            request.method,
            request.path,
            request.query,
            request.body,
            request.headers.get("content-type", ""),
        )
        route = Route.find(simulator, request, entry)
        known = simulator.tenants.get((entry.tenant_id or "").lower())
        tenants = (known.id, known.name) if known else ()
        struck = simulator.faults.strike(entry.operation, request.method, request.path, tenants, now)
        entry.fault = ", ".join(fault.kind for fault in struck) or None
        for fault in struck:
            if fault.kind == "latency":
                await simulator.sleep(fault.seconds)
                simulator.settle()
        main = next((fault for fault in struck if fault.kind != "latency"), None)
        try:
            if main is not None and main.kind == "half_open":
                await simulator.sleep(main.seconds)
                raise Dropped
            reply = self._reply(route, request, entry, main)
            entry.status = reply.status
            if main is not None and main.kind == "drop_reply_after_effect":
                raise Dropped
        finally:
            simulator.journal.close(entry)
            simulator.save()
        return reply

    def _reply(self, route: "Route", request: Request, entry: Entry, fault: Fault | None) -> Reply:
        now = self.simulator.clock.now()
        if fault is not None:
            if fault.kind == "drop_before_effect":
                raise Dropped
            if fault.kind == "clock_skew":
                now += fault.skew or 0.0
            if fault.kind == "token_expired" and route.operation is not None:
                return _denied(route.api or services.DEFENDER, "time", entry, now)
            if fault.kind in ("status", "burst"):
                return _fault_reply(route.api or services.DEFENDER, fault, entry, now)
            if fault.kind == "token_error" and entry.operation == TOKEN_OPERATION:
                return identity.error_reply(identity.SignInError(fault.code), entry.sequence, now)
        reply = route.perform(self.simulator, request, entry, now)
        if fault is not None:
            distortions.distort(fault, reply, now)
            if fault.kind == "late_finish":
                self._delay(entry, fault.seconds)
        distortions.double(self.simulator.faults, fault, reply, entry.operation or request.path, entry.tenant_id or "")
        return reply

    def _delay(self, entry: Entry, seconds: float) -> None:
        tenant = self.simulator.tenants.get((entry.tenant_id or "").lower())
        action = tenant.active.get(entry.machine_action_id or "") if tenant else None
        if tenant is not None and action is not None:
            action.extra_seconds += seconds
            tenant.touch("action", action.record.key)

    async def _drop(self, scope: Scope, receive: Receive) -> None:
        close = self.simulator.connections.get(tuple(scope["client"])) if scope.get("client") else None
        if close is None:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        close()
        while (await receive())["type"] != "http.disconnect":
            pass


@dataclass
class Route:
    """Where a request leads: an operation of an API, a token endpoint, a discovery document, or nowhere (a reply)."""

    reply: Reply | None = None
    api: Api | None = None
    operation: Operation | None = None
    params: dict[str, str] | None = None
    token_version: int | None = None
    download: str | None = None

    @classmethod
    def find(cls, simulator: "Simulator", request: Request, entry: Entry) -> "Route":
        """Route a request, and note in the journal's entry who asks for what, as far as that can be seen."""
        parts = request.parts
        owners = [api for api in services.APIS if api.registry.owns(parts)]
        if owners:
            _note_caller(simulator, request, entry)
            return cls._to_operation(owners, request, entry)
        lowered = [part.lower() for part in parts[1:]]
        if lowered in (["oauth2", "v2.0", "token"], ["oauth2", "token"]):
            if request.method != "POST":
                return cls(Reply(405, headers={"Allow": "POST"}))
            entry.operation = TOKEN_OPERATION
            tenant = simulator.find_tenant(parts[0], by_name=False)
            entry.tenant_id = tenant.id if tenant else None
            return cls(token_version=2 if "v2.0" in lowered else 1)
        entry.operation = downloads.operation_of(parts)
        if entry.operation is not None:
            known = request.method == "GET"
            return cls(download=entry.operation) if known else cls(Reply(405, headers={"Allow": "GET"}))
        if request.method != "GET":
            return cls(Reply(404))
        if parts == ["common", "discovery", "instance"]:
            return cls(discovery.instance(request.query))
        if lowered in (["discovery", "v2.0", "keys"], ["discovery", "keys"]):
            return cls(discovery.keys(simulator))
        if lowered in (["v2.0", *_OPENID], _OPENID):
            return cls(_openid(simulator, request, entry, v2="v2.0" in lowered))
        return cls(Reply(404))

    @classmethod
    def _to_operation(cls, owners: list[Api], request: Request, entry: Entry) -> "Route":
        allowed: set[str] = set()
        for api in owners:
            match = api.registry.match(request.method, request.parts)
            if match.operation is not None:
                entry.operation = match.operation.id
                return cls(api=api, operation=match.operation, params=match.params)
            allowed.update(match.allowed)
        allow = {"Allow": ", ".join(sorted(allowed))} if allowed else {}
        return cls(Reply(405 if allowed else 404, headers=allow), api=owners[0])

    def perform(self, simulator: "Simulator", request: Request, entry: Entry, now: float) -> Reply:
        """Do what the route leads to."""
        if self.reply is not None:
            return self.reply
        if self.operation is not None and self.api is not None:
            return _perform(simulator, self.api, self.operation, self.params or {}, request, entry, now)
        if self.download is not None:
            return downloads.serve(simulator, self.download, request.query, now)
        return _token(simulator, request, entry, now, v1=self.token_version == 1)


def _note_caller(simulator: "Simulator", request: Request, entry: Entry) -> None:
    try:
        claims = simulator.verifier.check(
            request.headers.get("authorization"), identity.RESOURCES, simulator.clock.now()
        )
    except tokens.TokenError:
        return
    entry.tenant_id, entry.client_id = str(claims["tid"]), str(claims["appid"])


def _openid(simulator: "Simulator", request: Request, entry: Entry, *, v2: bool) -> Reply:
    try:
        tenant = identity.find_tenant(simulator, request.parts[0])
    except identity.SignInError as error:
        return identity.error_reply(error, entry.sequence, simulator.clock.now())
    entry.tenant_id = tenant.id
    return discovery.openid_configuration(tenant, request.headers.get("host", "localhost"), v2=v2)


def _token(simulator: "Simulator", request: Request, entry: Entry, now: float, *, v1: bool) -> Reply:
    form = identity.read_form(
        request.body, request.headers.get("content-type", ""), request.headers.get("authorization")
    )
    # Only the body is documented. Old clients name what they want in the address; a secret there is never looked at.
    for name, value in parse_qsl(request.query):
        if name in ("resource", "scope"):
            form.setdefault(name, value)
    entry.client_id = form.get("client_id")
    try:
        tenant = identity.find_tenant(simulator, request.parts[0])
        url = f"https://{request.headers.get('host', 'localhost')}{request.path}"
        grant = identity.examine(tenant, form, v1=v1, token_url=url, now=now)
    except identity.SignInError as error:
        return identity.error_reply(error, entry.sequence, now)
    return identity.token_reply(simulator, grant, v1=v1, now=now)


def _perform(
    simulator: "Simulator",
    api: Api,
    operation: Operation,
    params: dict[str, str],
    request: Request,
    entry: Entry,
    now: float,
) -> Reply:
    target = operations.error_target(entry.sequence)
    try:
        claims = simulator.verifier.check(request.headers.get("authorization"), api.audiences, now)
        tenant = simulator.tenants.get(str(claims["tid"]).lower())
        if tenant is None:
            raise tokens.TokenError("broken", "the tenant is gone")
    except tokens.TokenError as problem:
        return _denied(api, problem.reason, entry, now)
    client_id = str(claims["appid"])
    app = tenant.apps.get(client_id.lower()) or App(client_id, client_id, [], [])
    granted = [str(role) for role in claims.get("roles", [])]
    try:
        spent = tenant.quotas.take(tenant.settings.quotas, api.name, operation.id, client_id.lower(), now)
        if spent is not None:
            reply = api.refuse(api.throttled(str(spent.retry_after), spent.quota), tenant.id, now)
            reply.headers["Retry-After"] = str(spent.retry_after)
            return reply
        if not set(granted) & set(operation.roles):
            raise _forbidden(tenant, operation, granted)
        origin = f"{request.scheme}://{discovery.host_of(request.headers)}"
        call = Call(
            simulator,
            tenant,
            app,
            now,
            params,
            request.query,
            request.body,
            entry,
            origin,
            request.headers,
            frozenset(granted),
        )
        return operation.handler(call)
    except ApiError as error:
        return api.refuse(error, target, now)


def _denied(api: Api, reason: tokens.Reason, entry: Entry, now: float) -> Reply:
    reply = api.refuse(api.denied(reason), operations.error_target(entry.sequence), now)
    reply.headers["WWW-Authenticate"] = "Bearer"
    return reply


def _forbidden(tenant: Tenant, operation: Operation, granted: list[str]) -> ApiError:
    if tenant.settings.forbidden_form == 1:
        text = (
            f"Missing application roles. API required roles: {','.join(operation.roles)}, "
            f"application roles: {','.join(granted)}."
        )
    else:
        text = (
            "The application does not have any of the required application permissions "
            f"({', '.join(operation.roles)}) to access the resource."
        )
    return ApiError(403, "Forbidden", text)


def _fault_reply(api: Api, fault: Fault, entry: Entry, now: float) -> Reply:
    headers = dict(fault.headers)
    if fault.retry_after_date is not None:
        headers["Retry-After"] = operations.http_date(now + fault.retry_after_date)
    status = fault.next_status()
    if fault.body is not None:
        return Reply(status, distortions.raw(fault.body), JSON_TYPE, headers)
    if status == 429:
        error = api.throttled(headers.get("Retry-After"), _ORDERED)
    elif status >= 500:
        error = ApiError(status, "InternalServerError", "")
    else:
        error = ApiError(status, "BadRequest" if status == 400 else "", "")
    reply = api.refuse(error, entry.tenant_id or operations.error_target(entry.sequence), now)
    reply.headers |= headers
    return reply


async def _read(scope: Scope, receive: Receive) -> Request:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= _LARGEST_BODY:
            chunks.append(chunk)
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            break
    raw_path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
    return Request(
        scope["method"],
        raw_path,
        operations.split_path(raw_path),
        scope["query_string"].decode("latin-1"),
        headers,
        b"".join(chunks),
        scope.get("scheme", "http"),
    )
