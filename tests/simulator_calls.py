"""One request for each operation of the fact book, against a simulated tenant that holds one of everything."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from ringfence.simulator import Simulator, SimulatorControl, create_app

ORIGIN: Final = "http://127.0.0.1:8900"
SHA1: Final = "a" * 40
_EVIDENCE: Final = [
    {"entityType": "File", "fileName": "a.exe", "sha1": SHA1, "sha256": "b" * 64},
    {"entityType": "Process", "fileName": "b.exe", "processId": 5, "accountName": "asmith"},
    {"entityType": "Url", "url": "http://www.fabrikam.com/x"},
    {"entityType": "Ip", "ipAddress": "203.0.113.9"},
    {"entityType": "User", "accountName": "asmith", "domainName": "CONTOSO"},
]
_SCOPES: Final = {
    "mde": "https://api.securitycenter.microsoft.com/.default",
    "xdr": "https://api.security.microsoft.com/.default",
    "graph": "https://graph.microsoft.com/.default",
}
_INDICATOR: Final = {
    "indicatorValue": "c" * 40,
    "indicatorType": "FileSha1",
    "action": "Block",
    "title": "t",
    "description": "d",
}
_COMMENT: Final = {"Comment": "x"}
_LIVE: Final = {
    "Comment": "x",
    "Commands": [{"type": "GetFile", "params": [{"key": "Path", "value": "C:\\Windows\\TEMP\\a.zip"}]}],
}
_REMARK: Final = {"@odata.type": "microsoft.graph.security.alertComment", "comment": "Demo"}
_TAG: Final = {"Value": "Tag", "Action": "Add"}
_KQL: Final = "AlertInfo | project Timestamp, Title | take 1"


@dataclass(frozen=True)
class Request:
    """What an operation is asked: its path with the names of what the tenant holds, its query, its body."""

    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: object = None
    files: bool = False


REQUESTS: Final[Mapping[str, Request]] = {
    "list_alerts": Request("/api/alerts", {"$expand": "evidence"}),
    "get_alert": Request("/api/alerts/{alert}"),
    "update_alert": Request("/api/alerts/{alert}", body={"status": "InProgress", "comment": "Seen"}),
    "batch_update_alerts": Request("/api/alerts/batchUpdate", body={"alertIds": ["{alert}"], "status": "Resolved"}),
    "create_alert_by_reference": Request(
        "/api/alerts/CreateAlertByReference",
        body={
            "machineId": "{machine}",
            "severity": "Low",
            "title": "example",
            "description": "example alert",
            "recommendedAction": "nothing",
            "eventTime": "{event_time}",
            "reportId": "{report}",
            "category": "Exploit",
        },
    ),
    "list_alert_domains": Request("/api/alerts/{alert}/domains"),
    "list_alert_files": Request("/api/alerts/{alert}/files"),
    "list_alert_ips": Request("/api/alerts/{alert}/ips"),
    "get_alert_machine": Request("/api/alerts/{alert}/machine"),
    "get_alert_user": Request("/api/alerts/{alert}/user"),
    "list_machines": Request("/api/machines"),
    "get_machine": Request("/api/machines/{machine}"),
    "get_machine_logon_users": Request("/api/machines/{machine}/logonusers"),
    "get_machine_alerts": Request("/api/machines/{machine}/alerts"),
    "count_machine_alerts": Request("/api/machines/{machine}/alerts/$count"),
    "find_machines_by_ip": Request("/api/machines/findbyip(ip='10.20.0.11',timestamp=2026-03-01T12:00:00Z)"),
    "find_machine_info_by_ip_legacy": Request("/api/machines/find(timestamp=2026-03-01T12:00:00Z,key=10.20.0.11)"),
    "find_machines_by_tag": Request("/api/machines/findbytag", {"tag": "Tagged"}),
    "add_or_remove_machine_tag": Request("/api/machines/{machine}/tags", body=_TAG),
    "add_or_remove_tag_multiple_machines": Request(
        "/api/machines/AddOrRemoveTagForMultipleMachines", body={**_TAG, "MachineIds": ["{machine}", "{other}"]}
    ),
    "set_device_value": Request("/api/machines/{machine}/setDeviceValue", body={"DeviceValue": "High"}),
    "update_machine": Request("/api/machines/{machine}", body={"deviceValue": "Low", "machineTags": ["a", "b"]}),
    "get_installed_software": Request("/api/machines/{machine}/software"),
    "get_discovered_vulnerabilities": Request("/api/machines/{machine}/vulnerabilities"),
    "get_security_recommendations": Request("/api/machines/{machine}/recommendations"),
    "get_missing_kbs_machine": Request("/api/machines/{machine}/getmissingkbs"),
    "list_vulnerabilities": Request("/api/vulnerabilities"),
    "get_machines_by_vulnerability": Request("/api/vulnerabilities/{cve}/machineReferences"),
    "get_exposure_score": Request("/api/exposureScore"),
    "get_device_secure_score": Request("/api/configurationScore"),
    "isolate_machine": Request("/api/machines/{other}/isolate", body={**_COMMENT, "IsolationType": "Full"}),
    "unisolate_machine": Request("/api/machines/{isolated}/unisolate", body=_COMMENT),
    "restrict_code_execution": Request("/api/machines/{machine}/restrictCodeExecution", body=_COMMENT),
    "unrestrict_code_execution": Request("/api/machines/{isolated}/unrestrictCodeExecution", body=_COMMENT),
    "run_av_scan": Request("/api/machines/{other}/runAntiVirusScan", body={**_COMMENT, "ScanType": "Quick"}),
    "offboard_machine": Request("/api/machines/{other}/offboard", body=_COMMENT),
    "stop_and_quarantine_file": Request(
        "/api/machines/{machine}/StopAndQuarantineFile", body={**_COMMENT, "Sha1": SHA1}
    ),
    "collect_investigation_package": Request("/api/machines/{other}/collectInvestigationPackage", body=_COMMENT),
    "run_live_response": Request("/api/machines/{other}/runliveresponse", body=_LIVE),
    "get_live_response_result": Request("/api/machineactions/{session}/GetLiveResponseResultDownloadLink(index=0)"),
    "get_package_sas_uri": Request("/api/machineactions/{package}/getPackageUri"),
    "list_machine_actions": Request("/api/machineactions"),
    "get_machine_action": Request("/api/machineactions/{package}"),
    "cancel_machine_action": Request("/api/machineactions/{scan}/cancel", body=_COMMENT),
    "start_investigation": Request("/api/machines/{other}/startInvestigation", body=_COMMENT),
    "list_investigations": Request("/api/investigations"),
    "get_investigation": Request("/api/investigations/{investigation}"),
    "list_indicators": Request("/api/indicators"),
    "submit_indicator": Request("/api/indicators", body=_INDICATOR),
    "import_indicators": Request("/api/indicators/import", body={"Indicators": [_INDICATOR]}),
    "delete_indicator": Request("/api/indicators/{indicator}"),
    "batch_delete_indicators": Request("/api/indicators/BatchDelete", body={"IndicatorIds": ["{indicator}"]}),
    "get_file": Request("/api/files/{sha1}"),
    "get_file_stats": Request("/api/files/{sha1}/stats"),
    "get_file_alerts": Request("/api/files/{sha1}/alerts"),
    "get_file_machines": Request("/api/files/{sha1}/machines"),
    "get_domain_alerts": Request("/api/domains/www.fabrikam.com/alerts"),
    "get_domain_machines": Request("/api/domains/www.fabrikam.com/machines"),
    "get_domain_stats": Request("/api/domains/www.fabrikam.com/stats"),
    "get_ip_alerts": Request("/api/ips/203.0.113.9/alerts"),
    "get_ip_stats": Request("/api/ips/203.0.113.9/stats"),
    "get_user_alerts": Request("/api/users/asmith/alerts"),
    "get_user_machines": Request("/api/users/asmith/machines"),
    "list_library_files": Request("/api/libraryfiles"),
    "upload_library_file": Request("/api/libraryfiles", files=True),
    "delete_library_file": Request("/api/libraryfiles/a.ps1"),
    "run_advanced_query": Request("/api/advancedqueries/run", body={"Query": _KQL}),
    "list_incidents_xdr": Request("/api/incidents"),
    "get_incident_xdr": Request("/api/incidents/{incident}"),
    "update_incident_xdr": Request("/api/incidents/{incident}", body={"status": "InProgress", "comment": "Seen"}),
    "run_advanced_hunting_xdr": Request("/api/advancedhunting/run", body={"Query": _KQL}),
    "graph_list_alerts": Request("/v1.0/security/alerts_v2"),
    "graph_get_alert": Request("/v1.0/security/alerts_v2/{alert}"),
    "graph_update_alert": Request(
        "/v1.0/security/alerts_v2/{alert}", body={"status": "inProgress", "assignedTo": "secAdmin@contoso.com"}
    ),
    "graph_create_alert_comment": Request("/v1.0/security/alerts_v2/{alert}/comments", body=_REMARK),
    "graph_list_incidents": Request("/v1.0/security/incidents"),
    "graph_get_incident": Request("/v1.0/security/incidents/{incident}"),
    "graph_update_incident": Request("/v1.0/security/incidents/{incident}", body={"status": "resolved"}),
    "graph_create_incident_comment": Request("/v1.0/security/incidents/{incident}/comments", body=_REMARK),
    "graph_run_hunting_query": Request("/v1.0/security/runHuntingQuery", body={"Query": _KQL}),
}


@dataclass
class Tenant:
    """A tenant with one of everything; `names` are what paths and bodies call them."""

    clients: Mapping[str, httpx.AsyncClient]
    names: dict[str, str] = field(default_factory=dict)

    async def ask(self, operation: Mapping[str, Any]) -> httpx.Response:
        """Carry an operation of the fact book out."""
        request = REQUESTS[operation["id"]]
        sent: dict[str, Any] = {"params": dict(request.query)}
        if request.files:
            sent["files"] = {"File": ("b.ps1", b"x")}
        elif request.body is not None:
            sent["json"] = self._named(request.body)
        path = self._named(request.path)
        return await self.clients[operation["api"]].request(operation["method"], path, **sent)

    def _named(self, value: Any) -> Any:
        if isinstance(value, str):
            for name, known in self.names.items():
                value = value.replace(f"{{{name}}}", known)
        elif isinstance(value, list):
            return [self._named(each) for each in value]
        elif isinstance(value, dict):
            return {key: self._named(each) for key, each in value.items()}
        return value


@asynccontextmanager
async def a_tenant() -> AsyncIterator[Tenant]:
    """Set the tenant up, its clock frozen, and sign in to its three APIs."""
    simulator = Simulator.from_scenario("quiet", frozen=True, start=datetime(2026, 3, 1, 12, tzinfo=UTC))
    contoso = next(iter(simulator.tenants.values()))
    app = next(iter(contoso.apps.values()))
    transport = httpx.ASGITransport(create_app(simulator))
    async with AsyncExitStack() as stack:
        control = await stack.enter_async_context(SimulatorControl(ORIGIN, transport=transport))
        clients = {}
        for api, scope in _SCOPES.items():
            client = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url=ORIGIN))
            form = {"grant_type": "client_credentials", "client_id": app.client_id, "scope": scope}
            form["client_secret"] = app.secrets[0].value
            token = (await client.post(f"/{contoso.id}/oauth2/v2.0/token", data=form)).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            clients[api] = client
        tenant = Tenant(clients)
        await _fill(tenant, simulator, control)
        yield tenant


async def _fill(tenant: Tenant, simulator: Simulator, control: SimulatorControl) -> None:
    http, contoso = tenant.clients["mde"], next(iter(simulator.tenants.values()))
    machines = {machine.name: machine.id for machine in contoso.machines.values()}
    names = tenant.names
    names |= {"machine": machines["wks-001"], "other": machines["wks-002"], "isolated": machines["wks-0012"]}
    (names["alert"],) = await control.inject_alerts("wks-001", evidence=_EVIDENCE, user="asmith", incident=5)
    names |= {"incident": "5", "sha1": SHA1}

    async def made(path: str, body: object) -> str:
        reply = await http.post(path.format(**names), json=body)
        assert reply.is_success, reply.text
        return str(reply.json()["id"])

    await made("/api/machines/{machine}/tags", {"Value": "Tagged", "Action": "Add"})
    await made("/api/machines/{isolated}/isolate", {**_COMMENT, "IsolationType": "Full"})
    names["session"] = await made("/api/machines/{machine}/runliveresponse", _LIVE)
    await control.advance(1_500)
    await made("/api/machines/{isolated}/restrictCodeExecution", _COMMENT)
    names["package"] = await made("/api/machines/{machine}/collectInvestigationPackage", _COMMENT)
    names["investigation"] = await made("/api/machines/{machine}/startInvestigation", _COMMENT)
    await control.advance(1_500)
    names["scan"] = await made("/api/machines/{machine}/runAntiVirusScan", {**_COMMENT, "ScanType": "Full"})
    names["indicator"] = await made("/api/indicators", {**_INDICATOR, "indicatorValue": "d" * 40})
    await http.post("/api/libraryfiles", files={"File": ("a.ps1", b"x")})
    names["cve"] = (await http.get("/api/vulnerabilities")).json()["value"][0]["id"]
    query = f"DeviceProcessEvents | where DeviceId == '{names['machine']}' | project Timestamp, ReportId | take 1"
    rows = (await http.post("/api/advancedqueries/run", json={"Query": query})).json()["Results"]
    names |= {"event_time": rows[0]["Timestamp"], "report": str(rows[0]["ReportId"])}
