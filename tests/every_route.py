"""Every address of the pages and the API as data: what it needs, and a request to it that names things of an organization."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.routing import Mount

from ringfence.organizations import places
from ringfence.security import sessions
from ringfence.security.rbac import Permission
from ringfence.storage import Database, Transaction, tables
from ringfence.web.holding import declared
from webfixtures import ORIGIN

API = "/api/v1"


PUBLIC = frozenset(
    {
        # How one comes in, and goes.
        "GET /sign-in",
        "POST /sign-in",
        "GET /sign-in/link",
        "POST /sign-in/link",
        "GET /sign-in/code",
        "POST /sign-in/code",
        "GET /sign-in/app",
        "POST /sign-in/app",
        "GET /sign-in/confirm",
        "POST /sign-in/confirm",
        "POST /sign-out",
        "GET /sign-in/first",
        "POST /sign-in/first",
        "GET /sign-in/forgotten",
        "POST /sign-in/forgotten",
        "GET /sign-in/reset",
        "POST /sign-in/reset",
        "GET /sign-in/provider/{name}",
        "GET /sign-in/provider/{name}/callback",
        "GET /sign-in/provider/{name}/sign-out",
        # For who is signed in, before they are in an organization.
        "GET /organizations/choose",
        "POST /organizations/choose",
        # By one-time links that answer a question.
        "GET /answer",
        "POST /answer",
        # For load balancers; and for monitoring, by a token of its own.
        "GET /healthz",
        "GET /metrics",
        "POST /theme",
    }
)
"""What asks for no permission. Hooks, which are proven by signatures, and static files are no routes of ours."""


STREAMS = frozenset({"/events", f"{API}/changes/stream"})
"""What goes on until somebody leaves."""
CATALOGUES = frozenset(
    {"/playbooks/{playbook_id}/design/actions", "/playbooks/{playbook_id}/design/actions/{action_id}"}
)
"""What says the same for every playbook, and reads none."""


@dataclass(frozen=True)
class Address:
    """One method of one route, and what it needs, in the order in which it is asked; those of the API begin with `/api/v1`."""

    method: str
    path: str
    route: APIRoute
    permissions: tuple[Permission, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters of its path."""
        return tuple(re.findall(r"{(\w+)", self.path))

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def addresses(web: FastAPI) -> list[Address]:
    """Return every address, mounted ones too, in a fixed order."""
    found = []
    for prefix, routes in (
        ("", web.routes),
        *((each.path, each.routes) for each in web.routes if isinstance(each, Mount)),
    ):
        for route, permissions in declared(routes):
            found += [Address(method, prefix + route.path, route, permissions) for method in route.methods or ()]
    return sorted((each for each in found if each.method != "HEAD"), key=str)


_BY: Final[Mapping[str, sa.Column[Any]]] = {
    "alert_id": tables.alerts.c.id,
    "run_id": tables.runs.c.id,
    "containment_id": tables.containments.c.id,
    "response_id": tables.responses.c.id,
    "approval_id": tables.approvals.c.id,
    "playbook_id": tables.playbooks.c.id,
    "playbook": tables.playbooks.c.id,
    "account_id": tables.accounts.c.id,
    "service_id": tables.trigger_services.c.id,
    "channel_id": tables.channels.c.id,
    "drill_id": tables.drills.c.id,
    "schedule_id": tables.drill_schedules.c.id,
    "machine_id": tables.drill_devices.c.machine_id,
    "table": tables.lookup_tables.c.id,
    "account": tables.http_accounts.c.id,
    "destination": tables.destinations.c.id,
    "user_id": tables.memberships.c.user_id,
    "name": tables.drill_devices.c.machine_id,
}
_FIXED: Final[Mapping[str, str]] = {
    "scope": "organization",
    "version": "1.3",
    "number": "1",
    "task": "1",
    "revision": "1",
}


class Things:
    """One row of each kind that an organization has, by the names that paths have for their ids."""

    def __init__(self, tx: Transaction, organization_id: str) -> None:
        self._ids = {name: self._one(tx, column, organization_id) for name, column in _BY.items()}

    def _one(self, tx: Transaction, column: sa.Column[Any], organization_id: str) -> str:
        table = column.table
        query = sa.select(column).where(table.c.organization_id == organization_id).order_by(column).limit(1)
        return str(tx.scalar(query) or "none")

    def fill(self, path: str, names: tuple[str, ...]) -> str:
        """Put ids into a path."""
        return path.replace(":path}", "}").format_map(
            {each: self._ids.get(each, _FIXED.get(each, "none")) for each in names}
        )

    def known(self, names: tuple[str, ...], other: "Things") -> bool:
        """Whether a path names something that is this organization's and not another's too."""
        return any(self._ids.get(each, "none") not in ("none", other._ids.get(each)) for each in names)


def is_broken(answer: httpx.Response) -> bool:
    """Whether something went wrong that we know nothing of; what is set up wrongly, such as a key that is missing, is known."""
    return answer.status_code == 500 and ("Something went wrong on our side" in answer.text)


def body(address: Address) -> dict[str, Any]:
    """Return fields that a request has to bring, each with a value of its type that means little."""
    found: dict[str, Any] = {}
    for field in address.route.dependant.body_params:
        kind = field.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            schema = kind.model_json_schema()
            found |= _object(schema, schema.get("$defs", {}))
        elif field.field_info.is_required():
            found[field.alias] = "1"
    return found


def _object(schema: dict[str, Any], defined: dict[str, Any]) -> dict[str, Any]:
    wanted = schema.get("required", [])
    return {name: _value(schema["properties"][name], defined) for name in wanted}


def _value(schema: dict[str, Any], defined: dict[str, Any]) -> Any:
    if "$ref" in schema:
        return _value(defined[schema["$ref"].rsplit("/", 1)[1]], defined)
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return _value(schema[several][0], defined)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    match schema.get("type"):
        case "integer" | "number":
            return max(schema.get("minimum", 1), 1)
        case "boolean":
            return False
        case "array":
            return [_value(schema.get("items", {"type": "string"}), defined)] * schema.get("minItems", 0)
        case "object":
            return _object(schema, defined)
    return "x" * max(schema.get("minLength", 1), 1)


@dataclass
class Browser:
    """Somebody with a session, whoever signs them out."""

    database: Database
    user_id: str
    token: str = ""
    csrf: str = ""
    organization_id: str | None = None

    def enter(self) -> None:
        """Sign in anew."""
        self.token = self.database.run_now(lambda tx: sessions.start(tx, self.user_id, timedelta(hours=1)))
        if self.organization_id is not None:
            here = self.organization_id
            self.token, _ = self.database.run_now(lambda tx: places.choose(tx, self.token, here))
        found = self.database.read_now(lambda tx: sessions.find(tx, self.token))
        assert found is not None
        self.csrf = found.csrf

    async def ask(self, client: httpx.AsyncClient, address: Address, path: str) -> httpx.Response:
        """Send a request that brings what it has to."""
        if not self.token:
            self.enter()
        headers = {"Cookie": f"ringfence={self.token}", "Origin": ORIGIN}
        if address.method == "GET":
            return await client.get(path, headers=headers)
        if not path.startswith(API) and address.method == "POST":
            return await client.post(path, headers=headers, data={"csrf": self.csrf, **body(address)})
        fields = body(address) if address.route.dependant.body_params else None
        return await client.request(address.method, path, headers=headers | {"X-CSRF-Token": self.csrf}, json=fields)

    def still_here(self) -> bool:
        """Whether the last request left the session as it was."""
        found = self.database.read_now(lambda tx: sessions.find(tx, self.token))
        return found is not None and found.csrf == self.csrf
