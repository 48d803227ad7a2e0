"""The control routes under /_sim: look into the simulated world and change it. For the same machine only."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ringfence.simulator import aims, control_state, portal, summary, timestamps, tokens
from ringfence.simulator import control_specs as specs
from ringfence.simulator import journal as journals
from ringfence.simulator import scenario as scenarios
from ringfence.simulator.control_requests import ControlError, Json, read_json, refuse, require_local, valid
from ringfence.simulator.faults import Fault
from ringfence.simulator.record import compact
from ringfence.simulator.specs import SecretSpec
from ringfence.simulator.tenant import App, Tenant
from ringfence.simulator.world import Simulator

_VERBS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class Control:
    """Hold the control routes of one simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator

    def routes(self) -> list[Route]:
        """Return the routes."""
        table: list[tuple[str, str, Callable[[Request, bytes], Any]]] = [
            ("GET", "/journal", self.read_journal),
            ("PATCH", "/journal", self.set_journal),
            ("GET", "/summary", self.read_summary),
            ("GET", "/state", self.read_state),
            ("POST", "/alerts", self.inject_alerts),
            ("PATCH", "/alerts/{id}", self.edit_alert),
            ("POST", "/machines", self.add_machines),
            ("PATCH", "/machines/{id}", self.edit_machine),
            ("POST", "/portal-action", self.portal_action),
            ("GET", "/faults", self.list_faults),
            ("POST", "/faults", self.add_fault),
            ("DELETE", "/faults", self.clear_faults),
            ("DELETE", "/faults/{id:int}", self.clear_faults),
            ("GET", "/clock", self.read_clock),
            ("POST", "/clock", self.set_clock),
            ("POST", "/reset", self.reset),
            ("POST", "/apps", self.add_app),
            ("PATCH", "/apps/{id}", self.edit_app),
            ("POST", "/apps/{id}/secrets", self.add_secret),
            ("PATCH", "/apps/{id}/secrets/{secret}", self.edit_secret),
            ("DELETE", "/apps/{id}/secrets/{secret}", self.remove_secret),
            ("PATCH", "/tenants/{id}", self.edit_tenant),
        ]
        routes = [Route(f"/_sim{path}", self._endpoint(handler), methods=[verb]) for verb, path, handler in table]
        rest = [Route(path, self._endpoint(_unknown), methods=_VERBS) for path in ("/_sim", "/_sim/{rest:path}")]
        return [*routes, *rest]

    def _endpoint(self, handler: Callable[[Request, bytes], Any]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                require_local(request)
                body = await request.body()
                self.simulator.settle()
                answer = handler(request, body)
                self.simulator.settle()
            except ControlError as error:
                return refuse(error)
            except portal.UnknownMachine as error:
                return refuse(ControlError(404, "unknown_machine", str(error)))
            self.simulator.save()
            return Response(compact(answer), media_type="application/json")

        return endpoint

    def read_journal(self, request: Request, body: bytes) -> Json:
        """List requests; operation, tenant, machine and after narrow the list."""
        query = request.query_params
        tenant = self._tenant(query["tenant"]).id if "tenant" in query else None
        machine = query.get("machine")
        after = query.get("after", "0")
        if not after.isascii() or not after.isdigit():
            raise ControlError(400, "bad_after", "'after' is the sequence number of an entry, a whole number.")
        if machine is not None:
            known = [hit.id for item in self.simulator.tenants.values() if (hit := item.find_machine(machine))]
            machine = known[0] if known else machine
        journal = self.simulator.journal
        found = journal.find(
            operation=query.get("operation"), tenant_id=tenant, machine_id=machine, after=int(after[:18])
        )
        entries = [journals.as_document(entry) for entry in found]
        return {"entries": entries, "last": journal.sequence, "cap": journal.cap, "dropped": journal.dropped}

    def set_journal(self, request: Request, body: bytes) -> Json:
        """Limit how many requests are kept."""
        journal = self.simulator.journal
        journal.set_cap(valid(specs.SetJournal, read_json(body)).cap)
        return {"last": journal.sequence, "cap": journal.cap, "dropped": journal.dropped}

    def read_summary(self, request: Request, body: bytes) -> Json:
        """Tell what was achieved, per tenant."""
        return summary.of_world(self.simulator)

    def read_state(self, request: Request, body: bytes) -> Json:
        """Show the world: tenants, apps with their secrets, machines with their true state, actions."""
        return {
            "scenario": self.simulator.scenario.name,
            "clock": self.read_clock(request, body),
            "tenants": [control_state.of_tenant(tenant) for tenant in self.simulator.tenants.values()],
        }

    def inject_alerts(self, request: Request, body: bytes) -> Json:
        """Raise alerts, or take a document verbatim."""
        now = self.simulator.clock.now()
        data = read_json(body)
        if "document" in data:
            raw = valid(specs.RawAlert, data)
            return {"ids": [portal.raise_verbatim(self._tenant(raw.tenant), raw.document, now)]}
        wanted = valid(specs.InjectAlerts, data)
        tenant = self._tenant(wanted.tenant)
        at = now - wanted.age if wanted.at is None else timestamps.read_seconds(wanted.at)
        spec = wanted.alert()
        shown = portal.shown_at(spec, self.simulator.clock, now)
        keys = [
            portal.raise_alert(tenant, spec, at, wanted.last_update_time, visible_at=shown) for _ in range(wanted.count)
        ]
        return {"ids": keys}

    def edit_alert(self, request: Request, body: bytes) -> Json:
        """Change an alert as a person in the portal does."""
        key = request.path_params["id"]
        change = valid(specs.EditAlert, read_json(body))
        for tenant in self._tenants(change.tenant):
            if key in tenant.alerts:
                portal.edit_alert(tenant, tenant.alerts[key], change, self.simulator.clock.now())
                return tenant.alerts[key].document
        raise ControlError(404, "unknown_alert", f"There is no alert {key!r}.")

    def add_machines(self, request: Request, body: bytes) -> Json:
        """Add a machine, or a numbered fleet."""
        wanted = valid(specs.AddMachine, read_json(body))
        machines = self._tenant(wanted.tenant).add_machine(wanted, self.simulator.clock.now())
        return {"ids": [machine.id for machine in machines]}

    def edit_machine(self, request: Request, body: bytes) -> Json:
        """Change a machine, named by id or DNS name."""
        change = valid(specs.EditMachine, read_json(body))
        key = request.path_params["id"]
        for tenant in self._tenants(change.tenant):
            machine = tenant.find_machine(key)
            if machine is not None:
                portal.edit_machine(tenant, machine, change, self.simulator.clock, self.simulator.clock.now())
                return control_state.of_machine(machine) | {"document": machine.record.document}
        raise ControlError(404, "unknown_machine", f"There is no machine {key!r}; GET /_sim/state lists them.")

    def portal_action(self, request: Request, body: bytes) -> Json:
        """Isolate or release a machine as an analyst does in the portal."""
        wanted = valid(specs.TakePortalAction, read_json(body))
        action = portal.act(self._tenant(wanted.tenant), wanted, self.simulator.clock, self.simulator.clock.now())
        return action.record.document

    def list_faults(self, request: Request, body: bytes) -> Json:
        """List the faults, spent ones too, and those that the scenario will bring."""
        faults = self.simulator.faults
        waiting = [fault.model_dump() for fault in faults.waiting]
        return {"faults": [fault.model_dump() for fault in faults.items], "waiting": waiting}

    def add_fault(self, request: Request, body: bytes) -> Json:
        """Add a fault, at once or `at` a scenario second that is still to come."""
        fault = valid(Fault, read_json(body))
        mistake = aims.mistake(fault.operation)
        if mistake is not None:
            raise ControlError(400, "unknown_operation", mistake)
        clock = self.simulator.clock
        if fault.at > clock.scenario_elapsed():
            return self.simulator.faults.plan([fault])[0].model_dump()
        fault.ends_at = None if fault.lasting is None else clock.now() + clock.duration(fault.lasting)
        return self.simulator.faults.add(fault).model_dump()

    def clear_faults(self, request: Request, body: bytes) -> Json:
        """Remove one fault or all."""
        return {"cleared": self.simulator.faults.clear(request.path_params.get("id"))}

    def read_clock(self, request: Request, body: bytes) -> Json:
        """Tell the simulated time."""
        clock = self.simulator.clock
        now = clock.now()
        return {"now": timestamps.stamp(now), "epoch": now, "frozen": clock.frozen, "speed": clock.speed}

    def set_clock(self, request: Request, body: bytes) -> Json:
        """Freeze or thaw, change the speed, move forward; in this order."""
        wanted = valid(specs.SetClock, read_json(body))
        clock = self.simulator.clock
        if wanted.freeze is not None:
            (clock.freeze if wanted.freeze else clock.thaw)()
        if wanted.speed is not None:
            clock.set_speed(wanted.speed)
        if wanted.advance is not None:
            try:
                clock.advance(wanted.advance)
            except ValueError as error:
                raise ControlError(400, "bad_advance", str(error)) from error
        return self.read_clock(request, body)

    def reset(self, request: Request, body: bytes) -> Json:
        """Begin the scenario anew, or another one."""
        wanted = valid(specs.Reset, read_json(body))
        try:
            scenario = scenarios.load(wanted.scenario) if wanted.scenario else None
        except scenarios.ScenarioError as error:
            raise ControlError(400, "bad_scenario", str(error)) from error
        self.simulator.reset(scenario)
        return {"scenario": self.simulator.scenario.name}

    def add_app(self, request: Request, body: bytes) -> Json:
        """Register an app."""
        wanted = valid(specs.AddApp, read_json(body))
        return control_state.of_app(self._tenant(wanted.tenant).add_app(wanted, self.simulator.clock.now()))

    def edit_app(self, request: Request, body: bytes) -> Json:
        """Change the roles of an app, disable it, or register certificates."""
        tenant, app = self._app(request)
        change = valid(specs.EditApp, read_json(body))
        for pem in change.certificates or []:
            try:
                tokens.public_key(pem)
            except ValueError as error:
                raise ControlError(400, "bad_certificate", f"A certificate cannot be read: {error}") from error
        app.roles = app.roles if change.roles is None else change.roles
        app.disabled = app.disabled if change.disabled is None else change.disabled
        app.certificates = app.certificates if change.certificates is None else change.certificates
        tenant.touch()
        return control_state.of_app(app)

    def add_secret(self, request: Request, body: bytes) -> Json:
        """Give an app another secret."""
        tenant, app = self._app(request)
        secret = tenant.add_secret(app, valid(SecretSpec, read_json(body)), self.simulator.clock.now())
        return {"id": secret.id, "value": secret.value, "expires_at": secret.expires_at}

    def edit_secret(self, request: Request, body: bytes) -> Json:
        """Let a secret expire so many seconds from now; 0 is at once, null is never."""
        tenant, app = self._app(request)
        change = valid(specs.EditSecret, read_json(body))
        now = self.simulator.clock.now()
        for secret in app.secrets:
            if secret.id == request.path_params["secret"]:
                secret.expires_at = None if change.expires_in_seconds is None else now + change.expires_in_seconds
                tenant.touch()
                return control_state.of_app(app)
        raise ControlError(404, "unknown_secret", f"App {app.name} has no such secret; GET /_sim/state lists them.")

    def remove_secret(self, request: Request, body: bytes) -> Json:
        """Remove a secret of an app."""
        tenant, app = self._app(request)
        kept = [secret for secret in app.secrets if secret.id != request.path_params["secret"]]
        if len(kept) == len(app.secrets):
            raise ControlError(404, "unknown_secret", f"App {app.name} has no such secret; GET /_sim/state lists them.")
        app.secrets = kept
        tenant.touch()
        return control_state.of_app(app)

    def edit_tenant(self, request: Request, body: bytes) -> Json:
        """Change settings of a tenant; those left out stay."""
        tenant = self._tenant(request.path_params["id"])
        change = tenant.settings.model_dump() | read_json(body)
        tenant.settings = valid(type(tenant.settings), change)
        tenant.touch()
        return tenant.settings.model_dump()

    def _tenant(self, text: str | None) -> Tenant:
        tenants = self._tenants(text)
        if len(tenants) > 1:
            names = ", ".join(tenant.name for tenant in tenants)
            raise ControlError(400, "tenant_missing", f"Say which tenant is meant: {names}.")
        return tenants[0]

    def _tenants(self, text: str | None) -> list[Tenant]:
        if text is None:
            return list(self.simulator.tenants.values())
        tenant = self.simulator.find_tenant(text)
        if tenant is None:
            names = ", ".join(item.name for item in self.simulator.tenants.values())
            raise ControlError(404, "unknown_tenant", f"There is no tenant {text!r}; there are: {names}.")
        return [tenant]

    def _app(self, request: Request) -> tuple[Tenant, App]:
        found = self.simulator.find_app(request.path_params["id"])
        if found is None:
            raise ControlError(404, "unknown_app", "There is no app of that client id; GET /_sim/state lists them.")
        return found


def _unknown(request: Request, body: bytes) -> Json:
    raise ControlError(404, "unknown_route", f"There is no control route {request.method} {request.url.path}.")
