"""Every operation as one row: address, permissions, limits, documentation page. Facts, no behaviour.

Clients, budgets, generated documentation and the coverage table read it, so that a fact stands in one place. The method of
`DefenderClient` has the operation's id as its name.
"""

import re
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import partial
from typing import Final

_HOLE: Final = re.compile(r"\{[^}]+\}")


class Priority(IntEnum):
    """What a call is made for, the most important first; see `budget`."""

    RELEASE = 0
    CONTAIN = 1
    CONFIRM = 2
    INGEST = 3
    ENRICH = 4


class Api(StrEnum):
    """Microsoft's APIs, each with its own audience and its own quota."""

    MDE = "mde"
    XDR = "xdr"
    GRAPH = "graph"


_BASES: Final = {
    Api.MDE: "https://learn.microsoft.com/defender-endpoint/api/",
    Api.XDR: "https://learn.microsoft.com/",
    Api.GRAPH: "https://learn.microsoft.com/graph/api/",
}
SHARED_LIMITS: Final[dict[Api, tuple[int, int | None]]] = {
    Api.MDE: (100, 1500),
    Api.XDR: (50, 1500),
    Api.GRAPH: (150, None),
}
"""Calls per minute and per hour of one application in one tenant, over all operations of an API."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation; any one of `permissions` (application roles) is enough.

    `per_minute` and `per_hour` are as documented, None where nothing is; `per_tenant` marks limits that all applications
    of the tenant share. `max_page` is the largest $top, None where $top is not documented or unlimited. `priority` is
    what the operation is usually called for.
    """

    id: str
    api: Api
    group: str
    method: str
    path: str
    permissions: tuple[str, ...]
    page: str
    per_minute: int | None
    per_hour: int | None
    per_tenant: bool
    max_page: int | None
    priority: Priority

    @property
    def doc_url(self) -> str:
        """Return the address of Microsoft's page."""
        return _BASES[self.api] + self.page

    @property
    def changes(self) -> bool:
        """Say whether the operation changes anything; hunting posts, and only reads."""
        return self.method != "GET" and not self.page.endswith(("hunting", "huntingquery", "query-api"))

    @property
    def own_limits(self) -> tuple[tuple[int, int], ...]:
        """Return (calls, seconds) for each limit that is tighter than what the whole API grants."""
        minute, hour = SHARED_LIMITS[self.api]
        own = ((self.per_minute, 60, minute), (self.per_hour, 3600, hour))
        return tuple(
            (calls, seconds) for calls, seconds, shared in own if calls is not None and calls < (shared or calls + 1)
        )

    def address(self, *parts: str) -> str:
        """Return the path with its holes filled, in order, by parts that are percent-encoded already."""
        rest = iter(parts)
        return _HOLE.sub(lambda _: next(rest), self.path)


def _row(
    api: Api,
    id_: str,
    group: str,
    address: str,
    permissions: tuple[str, ...],
    page: str,
    *,
    limits: tuple[int | None, int | None] | None = None,
    per_tenant: bool = False,
    max_page: int | None = None,
    priority: Priority = Priority.ENRICH,
) -> Operation:
    method, path = address.split(" ", 1)
    per_minute, per_hour = SHARED_LIMITS[api] if limits is None else limits
    return Operation(
        id=id_,
        api=api,
        group=group,
        method=method,
        path=path,
        permissions=permissions,
        page=page,
        per_minute=per_minute,
        per_hour=per_hour,
        per_tenant=per_tenant,
        max_page=max_page,
        priority=priority,
    )


_mde, _xdr, _graph = partial(_row, Api.MDE), partial(_row, Api.XDR), partial(_row, Api.GRAPH)

_ALERT_READ: Final = ("Alert.Read.All", "Alert.ReadWrite.All")
_ALERT_WRITE: Final = ("Alert.ReadWrite.All",)
_MACHINE_READ: Final = ("Machine.Read.All", "Machine.ReadWrite.All")
_MACHINE_WRITE: Final = ("Machine.ReadWrite.All",)
_INDICATORS: Final = ("Ti.ReadWrite", "Ti.ReadWrite.All")
_INCIDENT_READ: Final = ("Incident.Read.All", "Incident.ReadWrite.All")
_GRAPH_ALERT_READ: Final = ("SecurityAlert.Read.All", "SecurityAlert.ReadWrite.All")
_GRAPH_INCIDENT_READ: Final = ("SecurityIncident.Read.All", "SecurityIncident.ReadWrite.All")

# One row, one operation: the formatter would make seven lines of each.
# fmt: off
_ROWS: Final = (
    _mde("list_alerts", "alerts", "GET /api/alerts", _ALERT_READ, "get-alerts", max_page=10_000,
         priority=Priority.INGEST),
    _mde("get_alert", "alerts", "GET /api/alerts/{id}", _ALERT_READ, "get-alert-info-by-id"),
    _mde("update_alert", "alerts", "PATCH /api/alerts/{id}", _ALERT_WRITE, "update-alert"),
    _mde("batch_update_alerts", "alerts", "POST /api/alerts/batchUpdate", _ALERT_WRITE, "batch-update-alerts",
         limits=(10, 500)),
    _mde("create_alert_by_reference", "alerts", "POST /api/alerts/CreateAlertByReference", _ALERT_WRITE,
         "create-alert-by-reference", limits=(15, None)),
    _mde("list_alert_domains", "alerts", "GET /api/alerts/{id}/domains", ("URL.Read.All",),
         "get-alert-related-domain-info"),
    _mde("list_alert_files", "alerts", "GET /api/alerts/{id}/files", ("File.Read.All",),
         "get-alert-related-files-info"),
    _mde("list_alert_ips", "alerts", "GET /api/alerts/{id}/ips", ("Ip.Read.All",), "get-alert-related-ip-info"),
    _mde("get_alert_machine", "alerts", "GET /api/alerts/{id}/machine", _MACHINE_READ,
         "get-alert-related-machine-info"),
    _mde("get_alert_user", "alerts", "GET /api/alerts/{id}/user", ("User.Read.All",), "get-alert-related-user-info"),
    _mde("list_machines", "machines", "GET /api/machines", _MACHINE_READ, "get-machines", max_page=10_000),
    _mde("get_machine", "machines", "GET /api/machines/{id}", _MACHINE_READ, "get-machine-by-id"),
    _mde("get_machine_logon_users", "machines", "GET /api/machines/{id}/logonusers", ("User.Read.All",),
         "get-machine-log-on-users"),
    _mde("get_machine_alerts", "machines", "GET /api/machines/{id}/alerts", _ALERT_READ, "get-machine-related-alerts"),
    _mde("count_machine_alerts", "machines", "GET /api/machines/{id}/alerts/$count", _ALERT_READ,
         "exposed-apis-odata-samples", limits=(None, None)),
    _mde("find_machines_by_ip", "machines", "GET /api/machines/findbyip(ip='{IP}',timestamp={TimeStamp})",
         _MACHINE_READ, "find-machines-by-ip"),
    _mde("find_machine_info_by_ip_legacy", "machines", "GET /api/machines/find(timestamp={time},key={IP})",
         _MACHINE_READ, "find-machine-info-by-ip", limits=(None, None)),
    _mde("find_machines_by_tag", "machines", "GET /api/machines/findbytag", _MACHINE_READ, "find-machines-by-tag"),
    _mde("add_or_remove_machine_tag", "machines", "POST /api/machines/{id}/tags", _MACHINE_WRITE,
         "add-or-remove-machine-tags"),
    _mde("add_or_remove_tag_multiple_machines", "machines", "POST /api/machines/AddOrRemoveTagForMultipleMachines",
         _MACHINE_WRITE, "add-or-remove-multiple-machine-tags"),
    _mde("set_device_value", "machines", "POST /api/machines/{machineId}/setDeviceValue", _MACHINE_WRITE,
         "set-device-value"),
    _mde("update_machine", "machines", "PATCH /api/machines/{machineId}", _MACHINE_WRITE, "update-machine-method"),
    _mde("get_installed_software", "machines", "GET /api/machines/{machineId}/software", ("Software.Read.All",),
         "get-installed-software", limits=(None, None)),
    _mde("get_discovered_vulnerabilities", "machines", "GET /api/machines/{machineId}/vulnerabilities",
         ("Vulnerability.Read.All",), "get-discovered-vulnerabilities", limits=(50, 1500)),
    _mde("get_security_recommendations", "machines", "GET /api/machines/{machineId}/recommendations",
         ("SecurityRecommendation.Read.All",), "get-security-recommendations", limits=(None, None)),
    _mde("get_missing_kbs_machine", "machines", "GET /api/machines/{machineId}/getmissingkbs", ("Software.Read.All",),
         "get-missing-kbs-machine", limits=(None, None)),
    _mde("list_vulnerabilities", "vulnerabilities", "GET /api/vulnerabilities", ("Vulnerability.Read.All",),
         "get-all-vulnerabilities", limits=(None, None), max_page=8_000),
    _mde("get_machines_by_vulnerability", "vulnerabilities", "GET /api/vulnerabilities/{cveId}/machineReferences",
         ("Vulnerability.Read.All",), "get-machines-by-vulnerability", limits=(None, None)),
    _mde("get_exposure_score", "vulnerabilities", "GET /api/exposureScore", ("Score.Read.All",), "get-exposure-score",
         limits=(None, None)),
    _mde("get_device_secure_score", "vulnerabilities", "GET /api/configurationScore", ("Score.Read.All",),
         "get-device-secure-score", limits=(None, None)),
    _mde("isolate_machine", "machine_actions", "POST /api/machines/{id}/isolate", ("Machine.Isolate",),
         "isolate-machine", priority=Priority.CONTAIN),
    _mde("unisolate_machine", "machine_actions", "POST /api/machines/{id}/unisolate", ("Machine.Isolate",),
         "unisolate-machine", priority=Priority.RELEASE),
    _mde("restrict_code_execution", "machine_actions", "POST /api/machines/{id}/restrictCodeExecution",
         ("Machine.RestrictExecution",), "restrict-code-execution", priority=Priority.CONTAIN),
    _mde("unrestrict_code_execution", "machine_actions", "POST /api/machines/{id}/unrestrictCodeExecution",
         ("Machine.RestrictExecution",), "unrestrict-code-execution", priority=Priority.RELEASE),
    _mde("run_av_scan", "machine_actions", "POST /api/machines/{id}/runAntiVirusScan", ("Machine.Scan",),
         "run-av-scan"),
    _mde("offboard_machine", "machine_actions", "POST /api/machines/{id}/offboard", ("Machine.Offboard",),
         "offboard-machine-api", priority=Priority.CONTAIN),
    _mde("stop_and_quarantine_file", "machine_actions", "POST /api/machines/{id}/StopAndQuarantineFile",
         ("Machine.StopAndQuarantine", "Machine.Read.All", "Machine.ReadWrite.All"),
         "stop-and-quarantine-file", priority=Priority.CONTAIN),
    _mde("collect_investigation_package", "machine_actions", "POST /api/machines/{id}/collectInvestigationPackage",
         ("Machine.CollectForensics",), "collect-investigation-package"),
    _mde("run_live_response", "machine_actions", "POST /api/machines/{id}/runliveresponse", ("Machine.LiveResponse",),
         "run-live-response", limits=(10, None)),
    _mde("get_live_response_result", "machine_actions",
         "GET /api/machineactions/{machineActionId}/GetLiveResponseResultDownloadLink(index={commandIndex})",
         _MACHINE_READ, "get-live-response-result"),
    _mde("get_package_sas_uri", "machine_actions", "GET /api/machineactions/{machineActionId}/getPackageUri",
         _MACHINE_READ, "get-package-sas-uri", limits=(2, 120)),
    _mde("list_machine_actions", "machine_actions", "GET /api/machineactions", _MACHINE_READ,
         "get-machineactions-collection", max_page=10_000, priority=Priority.CONFIRM),
    _mde("get_machine_action", "machine_actions", "GET /api/machineactions/{id}", _MACHINE_READ,
         "get-machineaction-object", priority=Priority.CONFIRM),
    _mde("cancel_machine_action", "machine_actions", "POST /api/machineactions/{id}/cancel",
         ("Machine.CollectForensics", "Machine.Isolate", "Machine.RestrictExecution", "Machine.Scan", "Machine.Offboard",
          "Machine.StopAndQuarantine", "Machine.LiveResponse"), "cancel-machine-action", priority=Priority.RELEASE),
    _mde("start_investigation", "investigations", "POST /api/machines/{id}/startInvestigation", _ALERT_WRITE,
         "initiate-autoir-investigation", limits=(None, 50)),
    _mde("list_investigations", "investigations", "GET /api/investigations", _ALERT_READ,
         "get-investigation-collection", max_page=10_000),
    _mde("get_investigation", "investigations", "GET /api/investigations/{id}", _ALERT_READ,
         "get-investigation-object"),
    _mde("list_indicators", "indicators", "GET /api/indicators", _INDICATORS, "get-ti-indicators-collection",
         max_page=10_000),
    _mde("submit_indicator", "indicators", "POST /api/indicators", _INDICATORS, "post-ti-indicator"),
    _mde("import_indicators", "indicators", "POST /api/indicators/import", _INDICATORS, "import-ti-indicators",
         limits=(30, None)),
    _mde("delete_indicator", "indicators", "DELETE /api/indicators/{id}", _INDICATORS, "delete-ti-indicator-by-id"),
    _mde("batch_delete_indicators", "indicators", "POST /api/indicators/BatchDelete", _INDICATORS,
         "batch-delete-ti-indicators", limits=(30, 1500)),
    _mde("get_file", "files_domains_ips_users", "GET /api/files/{id}", ("File.Read.All",), "get-file-information"),
    _mde("get_file_stats", "files_domains_ips_users", "GET /api/files/{id}/stats", ("File.Read.All",),
         "get-file-statistics"),
    _mde("get_file_alerts", "files_domains_ips_users", "GET /api/files/{sha1}/alerts", _ALERT_READ,
         "get-file-related-alerts"),
    _mde("get_file_machines", "files_domains_ips_users", "GET /api/files/{sha1}/machines", _MACHINE_READ,
         "get-file-related-machines"),
    _mde("get_domain_alerts", "files_domains_ips_users", "GET /api/domains/{domain}/alerts", _ALERT_WRITE,
         "get-domain-related-alerts"),
    _mde("get_domain_machines", "files_domains_ips_users", "GET /api/domains/{domain}/machines", _MACHINE_READ,
         "get-domain-related-machines"),
    _mde("get_domain_stats", "files_domains_ips_users", "GET /api/domains/{domain}/stats", ("URL.Read.All",),
         "get-domain-statistics"),
    _mde("get_ip_alerts", "files_domains_ips_users", "GET /api/ips/{ip}/alerts", _ALERT_READ, "get-ip-related-alerts"),
    _mde("get_ip_stats", "files_domains_ips_users", "GET /api/ips/{ip}/stats", ("Ip.Read.All",), "get-ip-statistics"),
    _mde("get_user_alerts", "files_domains_ips_users", "GET /api/users/{name}/alerts", _ALERT_READ,
         "get-user-related-alerts"),
    _mde("get_user_machines", "files_domains_ips_users", "GET /api/users/{name}/machines", _MACHINE_WRITE,
         "get-user-related-machines"),
    _mde("list_library_files", "library", "GET /api/libraryfiles", ("Library.Manage",), "list-library-files"),
    _mde("upload_library_file", "library", "POST /api/libraryfiles", ("Library.Manage",), "upload-library"),
    _mde("delete_library_file", "library", "DELETE /api/libraryfiles/{fileName}", ("Library.Manage",),
         "delete-library"),
    _mde("run_advanced_query", "advanced_hunting", "POST /api/advancedqueries/run", ("AdvancedQuery.Read.All",),
         "run-advanced-query-api", limits=(45, 1500), per_tenant=True),
    _xdr("list_incidents_xdr", "xdr_incidents", "GET /api/incidents", _INCIDENT_READ, "defender-xdr/api-list-incidents",
         max_page=100, priority=Priority.INGEST),
    _xdr("get_incident_xdr", "xdr_incidents", "GET /api/incidents/{id}", _INCIDENT_READ,
         "defender-xdr/api-get-incident"),
    _xdr("update_incident_xdr", "xdr_incidents", "PATCH /api/incidents/{id}", ("Incident.ReadWrite.All",),
         "defender-xdr/api-update-incidents"),
    _xdr("run_advanced_hunting_xdr", "xdr_incidents", "POST /api/advancedhunting/run", ("AdvancedHunting.Read.All",),
         "defender-xdr/api-advanced-hunting", limits=(45, None), per_tenant=True),
    _graph("graph_list_alerts", "graph_security", "GET /v1.0/security/alerts_v2", _GRAPH_ALERT_READ,
           "security-list-alerts_v2", priority=Priority.INGEST),
    _graph("graph_get_alert", "graph_security", "GET /v1.0/security/alerts_v2/{alertId}", _GRAPH_ALERT_READ,
           "security-alert-get"),
    _graph("graph_update_alert", "graph_security", "PATCH /v1.0/security/alerts_v2/{alertId}",
           ("SecurityAlert.ReadWrite.All",), "security-alert-update"),
    _graph("graph_create_alert_comment", "graph_security", "POST /v1.0/security/alerts_v2/{alertId}/comments",
           ("SecurityAlert.ReadWrite.All",), "security-alert-post-comments"),
    _graph("graph_list_incidents", "graph_security", "GET /v1.0/security/incidents", _GRAPH_INCIDENT_READ,
           "security-list-incidents", priority=Priority.INGEST),
    _graph("graph_get_incident", "graph_security", "GET /v1.0/security/incidents/{incidentId}", _GRAPH_INCIDENT_READ,
           "security-incident-get"),
    _graph("graph_update_incident", "graph_security", "PATCH /v1.0/security/incidents/{incidentId}",
           ("SecurityIncident.ReadWrite.All",), "security-incident-update"),
    _graph("graph_create_incident_comment", "graph_security", "POST /v1.0/security/incidents/{incidentId}/comments",
           ("SecurityIncident.ReadWrite.All",), "security-incident-post-comments"),
    _graph("graph_run_hunting_query", "graph_security", "POST /v1.0/security/runHuntingQuery",
           ("ThreatHunting.Read.All",), "security-security-runhuntingquery", limits=(45, None), per_tenant=True),
)
# fmt: on

OPERATIONS: Final[dict[str, Operation]] = {operation.id: operation for operation in _ROWS}
