"""A client for the control routes, for tests and demonstrations."""

from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from ringfence.simulator.specs import PortalActionType

Json = dict[str, Any]


class SimulatorControlError(Exception):
    """The simulator refused a control request."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class SimulatorControl:
    """Talk to /_sim of a simulator. `base_url` is its origin; with or without /_sim."""

    def __init__(self, base_url: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        origin = base_url.rstrip("/").removesuffix("/_sim")
        self._http = httpx.AsyncClient(base_url=f"{origin}/_sim/", transport=transport, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def journal(
        self,
        *,
        operation: str | None = None,
        tenant: str | None = None,
        machine: str | None = None,
        after: int = 0,
    ) -> list[Json]:
        """Return the recorded requests that fit."""
        wanted = {"operation": operation, "tenant": tenant, "machine": machine, "after": str(after)}
        params = {key: value for key, value in wanted.items() if value is not None}
        answer = await self._send("GET", "journal", params=params)
        entries: list[Json] = answer["entries"]
        return entries

    async def summary(self, tenant: str | None = None) -> Json:
        """Return the summary of a tenant (by id or name), by default of the first."""
        for item in (await self._send("GET", "summary"))["tenants"]:
            if tenant is None or tenant in (item["tenant_id"], item["name"]):
                found: Json = item
                return found
        raise SimulatorControlError(404, "unknown_tenant", f"There is no tenant {tenant!r}.")

    async def state(self) -> Json:
        """Return the whole world: tenants, apps, machines, actions."""
        return await self._send("GET", "state")

    async def inject_alerts(self, machine: str, *, tenant: str | None = None, **fields: Any) -> list[str]:
        """Raise alerts (fields: severity, category, title, status, at, age, last_update_time, count, ...)."""
        answer = await self._send("POST", "alerts", {"machine": machine, "tenant": tenant, **fields})
        return list(answer["ids"])

    async def inject_document(self, document: Json, *, tenant: str | None = None) -> str:
        """Have an alert document served exactly as it is."""
        answer = await self._send("POST", "alerts", {"document": document, "tenant": tenant})
        return str(answer["ids"][0])

    async def edit_alert(self, alert_id: str, **changes: Any) -> Json:
        """Change an alert as somebody in the portal (status, assigned_to, classification, comment, by, ...)."""
        return await self._send("PATCH", f"alerts/{quote(alert_id, safe='')}", changes)

    async def add_machine(self, name: str, *, tenant: str | None = None, **fields: Any) -> list[str]:
        """Add a machine, or with `count` a numbered fleet."""
        return list((await self._send("POST", "machines", {"name": name, "tenant": tenant, **fields}))["ids"])

    async def edit_machine(self, id_or_name: str, **changes: Any) -> Json:
        """Change a machine (online, tags, next_outcome, fields)."""
        return await self._send("PATCH", f"machines/{quote(id_or_name, safe='')}", changes)

    async def portal_action(
        self, machine: str, kind: PortalActionType, *, tenant: str | None = None, **fields: Any
    ) -> Json:
        """Take a response action as an analyst does in the portal, or Defender itself (source, comment, by, scope)."""
        return await self._send("POST", "portal-action", {"machine": machine, "type": kind, "tenant": tenant, **fields})

    async def add_fault(self, kind: str, **fields: Any) -> int:
        """Order a fault (operation or path, times, status, headers, body, seconds, ...); return its id."""
        return int((await self._send("POST", "faults", {"kind": kind, **fields}))["id"])

    async def faults(self) -> list[Json]:
        """List the faults."""
        return list((await self._send("GET", "faults"))["faults"])

    async def clear_faults(self, fault_id: int | None = None) -> None:
        """Remove one fault, or all."""
        await self._send("DELETE", "faults" if fault_id is None else f"faults/{fault_id}")

    async def clock(self) -> Json:
        """Tell the simulated time."""
        return await self._send("GET", "clock")

    async def advance(self, seconds: float) -> None:
        """Move the simulated time forward."""
        await self._send("POST", "clock", {"advance": seconds})

    async def freeze(self, frozen: bool = True) -> None:
        """Hold the simulated time still, or let it run again."""
        await self._send("POST", "clock", {"freeze": frozen})

    async def speed(self, speed: float) -> None:
        """Change by how much durations are shortened."""
        await self._send("POST", "clock", {"speed": speed})

    async def reset(self, scenario: str | None = None) -> None:
        """Begin the scenario anew, or another one."""
        await self._send("POST", "reset", {"scenario": scenario})

    async def configure(self, tenant: str, **settings: Any) -> Json:
        """Change settings of a tenant (durations, duplicates, keep_external_id, ...)."""
        return await self._send("PATCH", f"tenants/{quote(tenant, safe='')}", settings)

    async def add_app(self, name: str, *, tenant: str | None = None, **fields: Any) -> Json:
        """Register an app and return it with its secret."""
        return await self._send("POST", "apps", {"name": name, "tenant": tenant, **fields})

    async def edit_app(self, client_id: str, **changes: Any) -> Json:
        """Change an app (roles, disabled, certificates)."""
        return await self._send("PATCH", f"apps/{quote(client_id, safe='')}", changes)

    async def add_secret(self, client_id: str, **fields: Any) -> Json:
        """Give an app another secret (value, expires_in_seconds) and return it."""
        return await self._send("POST", f"apps/{quote(client_id, safe='')}/secrets", fields)

    async def expire_secret(self, client_id: str, secret_id: str, in_seconds: float = 0.0) -> None:
        """Let a secret expire."""
        body = {"expires_in_seconds": in_seconds}
        await self._send("PATCH", f"apps/{quote(client_id, safe='')}/secrets/{quote(secret_id, safe='')}", body)

    async def remove_secret(self, client_id: str, secret_id: str) -> None:
        """Remove a secret."""
        await self._send("DELETE", f"apps/{quote(client_id, safe='')}/secrets/{quote(secret_id, safe='')}")

    async def _send(
        self, method: str, path: str, body: Json | None = None, *, params: dict[str, str] | None = None
    ) -> Json:
        reply = await self._http.request(method, path, json=body, params=params)
        answer: Json = reply.json()
        if reply.is_error:
            raise SimulatorControlError(reply.status_code, answer["error"]["code"], answer["error"]["message"])
        return answer
