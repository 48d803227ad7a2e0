"""The Defender for Endpoint API as methods: one per operation, with tokens, retries, throttling and paging inside."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import httpx

from ringfence.defender.auth import Credential, TokenSource
from ringfence.defender.clouds import Cloud
from ringfence.defender.errors import InvalidArgument, MalformedReply, NotFound, WrongAddress
from ringfence.defender.odata import moment
from ringfence.defender.retry import RetryPolicy
from ringfence.defender.session import Observer, Session, segment
from ringfence.defender.wire import Alert, Document, Machine, MachineAction, User

TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0, pool=10.0)
"""Seconds to connect, to wait for a free connection, and between two pieces of a reply."""

D = TypeVar("D", bound=Document)


class DefenderClient:
    """The API of one tenant in one cloud; an async context manager, to be used on the event loop that entered it.

    `timeout` bounds the parts of one request in seconds (`retry.deadline` bounds a call with its retries); `api_base` picks
    another of the cloud's own hosts, such as a regional one; `observer` is told of each finished request. `transport`
    replaces the network, for login and API alike. Every failure is a DefenderError.
    """

    def __init__(
        self,
        cloud: Cloud,
        tenant_id: str,
        credential: Credential,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float | httpx.Timeout = TIMEOUT,
        retry: RetryPolicy | None = None,
        api_base: str | None = None,
        user_agent: str = "ringfence-defender",
        observer: Observer | None = None,
    ) -> None:
        base = (api_base or cloud.mde_host).rstrip("/")
        if base not in cloud.mde_hosts or (cloud.is_local and base != cloud.mde_host):
            raise InvalidArgument(
                f"{base!r} is not a Defender host of the cloud {cloud.title!r}.",
                advice="A token is sent to its own cloud only; choose one of the cloud's hosts.",
            )
        self._cloud = cloud
        self._base = base
        self._tenant_id = tenant_id
        self._credential = credential
        self._transport = transport
        self._timeout = timeout if isinstance(timeout, httpx.Timeout) else httpx.Timeout(timeout)
        self._retry = retry or RetryPolicy()
        self._user_agent = user_agent
        self._observer = observer
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._http = httpx.AsyncClient(
            transport=self._transport,
            timeout=self._timeout,
            follow_redirects=False,
            headers={"User-Agent": self._user_agent},
            # A company proxy is honoured, but it could not reach a simulator on this computer.
            trust_env=not self._cloud.is_local,
        )
        # Between two pieces of a reply the timeout starts afresh; this bounds the whole of one request.
        seconds = 3 * max(self._timeout.read or 60.0, 1.0)
        self._tokens = TokenSource(
            self._cloud, self._tenant_id, self._credential, self._http, retry=self._retry, seconds=seconds
        )
        self._mde = Session(
            self._http,
            self._tokens,
            cloud=self._cloud,
            base=self._base,
            scope=self._cloud.mde_scope,
            retry=self._retry,
            seconds=seconds,
            observer=self._observer,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._tokens.close()
        await self._http.aclose()
        self._loop = None

    @property
    def _session(self) -> Session:
        if self._loop is not asyncio.get_running_loop():
            raise RuntimeError("Use a DefenderClient inside its `async with`, on the event loop that entered it.")
        return self._mde

    # --- the account -------------------------------------------------------------------------------------------------

    async def roles(self) -> tuple[str, ...] | None:
        """Return the application roles that the current token claims, None if it cannot be read.

        A hint only: Microsoft asks clients not to read tokens of its APIs, and may encrypt them. Use it to warn about
        permissions that seem to be missing, never to decide; the API's 403 is the truth.
        """
        _ = self._session
        return (await self._tokens.token(self._cloud.mde_scope)).roles()

    # --- alerts ------------------------------------------------------------------------------------------------------

    async def alert_pages(
        self,
        *,
        filter: str = "",  # noqa: A002 - the query option's own name
        order_by: str = "",
        top: int = 1000,
        skip: int = 0,
        expand: Sequence[str] = (),
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """Yield pages of raw alert documents, `top` (1 to 10,000) each: the fast way, nothing is validated.

        Continues by @odata.nextLink, or by $skip where the service sends none. Alerts that change while pages are read
        move within the order and can be missed at a page border: order by lastUpdateTime and read with an overlap.
        """
        query = {"$filter": filter, "$orderby": order_by, "$expand": ",".join(expand)}
        async for page in self._session.pages("list_alerts", "/api/alerts", query=query, top=top, skip=skip):
            yield page

    async def list_alerts(
        self,
        *,
        filter: str = "",  # noqa: A002
        order_by: str = "",
        top: int = 1000,
        expand: Sequence[str] = (),
        limit: int | None = None,
    ) -> AsyncIterator[Alert]:
        """Yield alerts, at most `limit`; see alert_pages for how pages go on.

        An alert that cannot be read does not cost the others: MalformedReply is raised after the last good one.
        """
        top = top if limit is None else max(1, min(top, limit))
        pages = self.alert_pages(filter=filter, order_by=order_by, top=top, expand=expand)
        async for alert in _each(Alert, pages, limit):
            yield alert

    async def get_alert(self, alert_id: str) -> Alert:
        """Read one alert with its evidence."""
        path = f"/api/alerts/{segment(alert_id, 'an alert id')}"
        return await self._session.call("get_alert", "GET", path, read=Alert.parse)

    async def update_alert(
        self,
        alert_id: str,
        *,
        status: str | None = None,
        assigned_to: str | None = None,
        classification: str | None = None,
        determination: str | None = None,
        comment: str | None = None,
    ) -> Alert:
        """Change an alert and return it; what is None stays as it is.

        Without a comment the change may be repeated safely, so it is retried like a read; with one, a lost reply is raised
        as ReplyLost, because the comment would be added twice.
        """
        values = {
            "status": status,
            "assignedTo": assigned_to,
            "classification": classification,
            "determination": determination,
            "comment": comment,
        }
        body = {name: value for name, value in values.items() if value is not None}
        if not body:
            raise InvalidArgument(
                "Nothing to change was given.", advice="Pass a status, an owner, a comment or the like."
            )
        path = f"/api/alerts/{segment(alert_id, 'an alert id')}"
        return await self._session.call(
            "update_alert", "PATCH", path, read=Alert.parse, body=body, effect=comment is not None
        )

    async def get_alert_machine(self, alert_id: str) -> Machine:
        """Read the machine of an alert."""
        path = f"/api/alerts/{segment(alert_id, 'an alert id')}/machine"
        return await self._session.call("get_alert_machine", "GET", path, read=Machine.parse)

    # --- machines ----------------------------------------------------------------------------------------------------

    async def list_machines(
        self,
        *,
        filter: str = "",  # noqa: A002
        top: int = 1000,
        limit: int | None = None,
    ) -> AsyncIterator[Machine]:
        """Yield machines in pages of `top` (1 to 10,000), at most `limit`."""
        top = top if limit is None else max(1, min(top, limit))
        pages = self._session.pages("list_machines", "/api/machines", query={"$filter": filter}, top=top)
        started = False
        try:
            async for machine in _each(Machine, pages, limit):
                started = True
                yield machine
        except NotFound as error:
            # get-machines.md promises a 404, not an empty list, to a tenant without recent machines.
            if started or isinstance(error, WrongAddress):
                raise

    async def get_machine(self, machine: str) -> Machine:
        """Read one machine by its id or its DNS name."""
        path = f"/api/machines/{segment(machine, 'a machine id or name')}"
        return await self._session.call("get_machine", "GET", path, read=Machine.parse)

    async def find_machines_by_ip(self, ip: str, timestamp: datetime) -> list[Machine]:
        """Find the machines that used an internal address within 15 minutes either side of a time in the past 30 days."""
        try:
            address = str(ipaddress.ip_address(ip.strip()))
        except ValueError:
            raise InvalidArgument(
                f"{ip[:80]!r} is not an IP address.", advice="Pass an IPv4 or IPv6 address."
            ) from None
        path = f"/api/machines/findbyip(ip='{segment(address, 'an address')}',timestamp={moment(timestamp)})"
        return await self._collect("find_machines_by_ip", path, Machine)

    async def get_machine_logon_users(self, machine_id: str) -> list[User]:
        """Read the users who were seen to log on to a machine."""
        path = f"/api/machines/{segment(machine_id, 'a machine id')}/logonusers"
        return await self._collect("get_machine_logon_users", path, User)

    async def get_machine_alerts(self, machine_id: str) -> list[Alert]:
        """Read a machine's alerts."""
        path = f"/api/machines/{segment(machine_id, 'a machine id')}/alerts"
        return await self._collect("get_machine_alerts", path, Alert)

    # --- actions on machines -----------------------------------------------------------------------------------------

    async def isolate_machine(
        self, machine_id: str, *, comment: str, isolation_type: str = "Full", external_id: str | None = None
    ) -> MachineAction:
        """Cut a machine off the network, except for Defender; returns the action, which has only begun.

        `external_id` comes back as the action's external_id, to find it again. Raises ActiveRequestAlreadyExists when one is
        pending (or returns that one: the service does either), and ReplyLost when it may have been accepted.
        """
        return await self._act(
            "isolate", machine_id, {"Comment": comment, "IsolationType": isolation_type, "ExternalId": external_id}
        )

    async def unisolate_machine(
        self, machine_id: str, *, comment: str, external_id: str | None = None
    ) -> MachineAction:
        """Release a machine from isolation; the same rules as for isolate_machine."""
        return await self._act("unisolate", machine_id, {"Comment": comment, "ExternalId": external_id})

    async def list_machine_actions(
        self,
        *,
        filter: str = "",  # noqa: A002
        order_by: str = "",
        top: int = 1000,
        limit: int | None = None,
    ) -> AsyncIterator[MachineAction]:
        """Yield machine actions in pages of `top` (1 to 10,000), at most `limit`."""
        top = top if limit is None else max(1, min(top, limit))
        query = {"$filter": filter, "$orderby": order_by}
        pages = self._session.pages("list_machine_actions", "/api/machineactions", query=query, top=top)
        async for action in _each(MachineAction, pages, limit):
            yield action

    async def get_machine_action(self, action_id: str) -> MachineAction:
        """Read one machine action."""
        path = f"/api/machineactions/{segment(action_id, 'a machine action id')}"
        return await self._session.call("get_machine_action", "GET", path, read=MachineAction.parse)

    async def cancel_machine_action(self, action_id: str, *, comment: str) -> MachineAction:
        """Cancel a machine action that is not final; ReplyLost when it may have been accepted."""
        path = f"/api/machineactions/{segment(action_id, 'a machine action id')}/cancel"
        body = {"Comment": _comment(comment)}
        return await self._session.call(
            "cancel_machine_action", "POST", path, read=MachineAction.parse, body=body, effect=True
        )

    async def _act(self, verb: str, machine_id: str, values: dict[str, str | None]) -> MachineAction:
        _comment(values["Comment"] or "")
        path = f"/api/machines/{segment(machine_id, 'a machine id')}/{verb}"
        body = {name: value for name, value in values.items() if value is not None}
        return await self._session.call(
            f"{verb}_machine", "POST", path, read=MachineAction.parse, body=body, effect=True
        )

    async def _collect(self, operation: str, path: str, model: type[D]) -> list[D]:
        """Read a whole collection; one document that cannot be read fails it, since a list must not lie by omission."""
        return [model.parse(item) async for page in self._session.pages(operation, path) for item in page]


def _comment(comment: str) -> str:
    if not comment.strip():
        raise InvalidArgument("The comment is empty.", advice="Say why: the service demands a comment and keeps it.")
    return comment


async def _each(model: type[D], pages: AsyncIterator[list[dict[str, Any]]], limit: int | None) -> AsyncIterator[D]:
    """Yield parsed documents; those that cannot be read do not cost the others, but are reported at the end.

    Raises MalformedReply after the last good one, unless the limit was reached before.
    """
    faults: list[MalformedReply] = []
    left = limit
    async for page in pages:
        for item in page:
            if left is not None and left <= 0:
                return
            try:
                document = model.parse(item)
            except MalformedReply as fault:
                faults.append(fault)
                continue
            if left is not None:
                left -= 1
            yield document
        if left is not None and left <= 0:
            return
    if faults:
        raise MalformedReply(f"{len(faults)} of the documents could not be read; the first: {faults[0].message}")
