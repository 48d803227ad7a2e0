"""Alerts: read, change, raise, and what they name."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Literal

from ringfence.defender.documents.threats import DomainReference, File, IpReference
from ringfence.defender.odata import moment
from ringfence.defender.operations.base import Operations, Pages, batch, given, required
from ringfence.defender.session import segment
from ringfence.defender.wire import Alert, Machine, User

WritableStatus = Literal["New", "InProgress", "Resolved"]
AlertClassification = Literal["TruePositive", "InformationalExpectedActivity", "FalsePositive"]
CreatedSeverity = Literal["Low", "Medium", "High"]
CreatedCategory = Literal[
    "General",
    "CommandAndControl",
    "Collection",
    "CredentialAccess",
    "DefenseEvasion",
    "Discovery",
    "Exfiltration",
    "Exploit",
    "Execution",
    "InitialAccess",
    "LateralMovement",
    "Malware",
    "Persistence",
    "PrivilegeEscalation",
    "Ransomware",
    "SuspiciousActivity",
]


class AlertOperations(Operations):
    """What can be done with alerts."""

    async def alert_pages(
        self,
        *,
        filter: str = "",  # noqa: A002 - the query option's own name
        order_by: str = "",
        top: int = 1000,
        skip: int = 0,
        expand: Sequence[str] = (),
    ) -> Pages:
        """Yield pages of raw alert documents, `top` (1 to 10,000) each: the fast way, nothing is validated.

        Continues by @odata.nextLink, or by $skip where the service sends none. Alerts that change while pages are read
        move within the order and can be missed at a page border: order by lastUpdateTime and read with an overlap.
        """
        query = {"$filter": filter, "$orderby": order_by, "$expand": ",".join(expand)}
        async for page in self._pages("list_alerts", query=query, top=top, skip=skip):
            yield page

    def list_alerts(
        self,
        *,
        filter: str = "",  # noqa: A002
        order_by: str = "",
        top: int = 1000,
        expand: Sequence[str] = (),
        limit: int | None = None,
    ) -> AsyncIterator[Alert]:
        """Yield alerts, at most `limit`; see alert_pages for how pages go on. `expand` may name evidence.

        Needs Alert.Read.All or Alert.ReadWrite.All; page get-alerts. An alert that cannot be read does not cost the
        others: MalformedReply is raised after the last good one.
        """
        query = {"$filter": filter, "$orderby": order_by, "$expand": ",".join(expand)}
        return self._list("list_alerts", Alert, query=query, top=top, limit=limit)

    async def get_alert(self, alert_id: str) -> Alert:
        """Read one alert with its evidence.

        Needs Alert.Read.All or Alert.ReadWrite.All; page get-alert-info-by-id.
        """
        return await self._entity("get_alert", Alert, _alert(alert_id))

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

        Needs Alert.ReadWrite.All; page update-alert. Without a comment the change may be repeated safely, so it is retried
        like a read; with one, a lost reply is raised as ReplyLost, because the comment would be added twice. The values
        are open texts: Microsoft's pages disagree on the determinations.
        """
        body = _changes(status, assigned_to, classification, determination, comment)
        return await self._entity("update_alert", Alert, _alert(alert_id), body=body, effect=comment is not None)

    async def batch_update_alerts(
        self,
        alert_ids: Sequence[str],
        *,
        status: WritableStatus | None = None,
        assigned_to: str | None = None,
        classification: AlertClassification | None = None,
        determination: str | None = None,
        comment: str | None = None,
    ) -> None:
        """Change several alerts in the same way; the service does not say what became of each.

        Needs Alert.ReadWrite.All; page batch-update-alerts. The rule on comments is update_alert's.
        """
        changes = _changes(status, assigned_to, classification, determination, comment)
        body = {"alertIds": batch(list(alert_ids), "alert ids"), **changes}
        await self._nothing("batch_update_alerts", body=body, effect=comment is not None)

    async def create_alert_by_reference(
        self,
        *,
        machine_id: str,
        report_id: str,
        event_time: datetime | str,
        severity: CreatedSeverity,
        title: str,
        description: str,
        recommended_action: str,
        category: CreatedCategory,
    ) -> Alert:
        """Raise an alert from an event that hunting found; its time must be the event's own to the last digit.

        Needs Alert.ReadWrite.All; page create-alert-by-reference. An open alert with the same title on the same machine
        takes it in; an automated investigation starts by itself. Pass the hunting result's own text as `event_time`
        where it has more than six digits of a second.
        """
        body = {
            "machineId": required(machine_id, "machine id"),
            "reportId": required(report_id, "report id"),
            "eventTime": event_time if isinstance(event_time, str) else moment(event_time),
            "severity": severity,
            "title": required(title, "title"),
            "description": required(description, "description"),
            "recommendedAction": required(recommended_action, "recommended action"),
            "category": category,
        }
        return await self._entity("create_alert_by_reference", Alert, body=body, effect=True)

    async def list_alert_domains(self, alert_id: str) -> list[DomainReference]:
        """Read the domains that an alert names.

        Needs URL.Read.All; page get-alert-related-domain-info.
        """
        return await self._collect("list_alert_domains", DomainReference, _alert(alert_id))

    async def list_alert_files(self, alert_id: str) -> list[File]:
        """Read the files that an alert names.

        Needs File.Read.All; page get-alert-related-files-info.
        """
        return await self._collect("list_alert_files", File, _alert(alert_id))

    async def list_alert_ips(self, alert_id: str) -> list[IpReference]:
        """Read the addresses that an alert names.

        Needs Ip.Read.All; page get-alert-related-ip-info.
        """
        return await self._collect("list_alert_ips", IpReference, _alert(alert_id))

    async def get_alert_machine(self, alert_id: str) -> Machine:
        """Read the machine of an alert.

        Needs Machine.Read.All or Machine.ReadWrite.All; page get-alert-related-machine-info.
        """
        return await self._entity("get_alert_machine", Machine, _alert(alert_id))

    async def get_alert_user(self, alert_id: str) -> User:
        """Read the user of an alert; NotFound if it has none.

        Needs User.Read.All; page get-alert-related-user-info.
        """
        return await self._entity("get_alert_user", User, _alert(alert_id))


def _alert(alert_id: str) -> str:
    return segment(alert_id, "an alert id")


def _changes(
    status: str | None,
    assigned_to: str | None,
    classification: str | None,
    determination: str | None,
    comment: str | None,
) -> dict[str, Any]:
    return given(
        {
            "status": status,
            "assignedTo": assigned_to,
            "classification": classification,
            "determination": determination,
            "comment": comment,
        }
    )
