"""Microsoft Graph security: alerts and incidents of all Defender products, at Graph's host with Graph's audience."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Literal

from ringfence.defender.documents.graph import GraphAlert, GraphComment, GraphIncident
from ringfence.defender.operations.base import Operations, Pages, given, reason
from ringfence.defender.session import segment

GraphAlertStatus = Literal["new", "inProgress", "resolved"]
GraphIncidentStatus = Literal["active", "inProgress", "resolved", "redirected", "awaitingAction"]
GraphClassification = Literal["unknown", "falsePositive", "truePositive", "informationalExpectedActivity"]

_COMMENT_TYPE = "microsoft.graph.security.alertComment"


class GraphSecurity(Operations):
    """What Graph offers for security.

    Pages follow Graph's next links, never a $skip of our own: deep ones stop working. Determinations are open texts: Graph's
    pages and its metadata name four of them differently.
    """

    async def graph_alert_pages(
        self,
        *,
        filter: str = "",  # noqa: A002 - the query option's own name
        top: int | None = None,
    ) -> Pages:
        """Yield pages of raw alerts with their evidence, the most recently created first: nothing is validated.

        An order cannot be asked for, and a `top` above 1,000 is cut to that without a word; page security-list-alerts_v2.
        """
        async for page in self._pages("graph_list_alerts", query={"$filter": filter}, top=top):
            yield page

    def graph_list_alerts(
        self,
        *,
        filter: str = "",  # noqa: A002 - the query option's own name
        top: int | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[GraphAlert]:
        """Yield alerts, the newest first, at most `limit`; `top` is the size of a page, the service's own if None.

        Needs SecurityAlert.Read.All or SecurityAlert.ReadWrite.All; page security-list-alerts_v2.
        """
        return self._list("graph_list_alerts", GraphAlert, query={"$filter": filter}, top=top, limit=limit)

    async def graph_get_alert(self, alert_id: str) -> GraphAlert:
        """Read one alert.

        Needs SecurityAlert.Read.All or SecurityAlert.ReadWrite.All; page security-alert-get.
        """
        return await self._entity("graph_get_alert", GraphAlert, segment(alert_id, "an alert id"))

    async def graph_update_alert(
        self,
        alert_id: str,
        *,
        status: GraphAlertStatus | None = None,
        assigned_to: str | None = None,
        classification: GraphClassification | None = None,
        determination: str | None = None,
        custom_details: Mapping[str, str] | None = None,
    ) -> GraphAlert:
        """Change an alert and return it; what is None stays as it is, and an empty `assigned_to` takes the owner away.

        Needs SecurityAlert.ReadWrite.All; page security-alert-update.
        """
        body = given(
            {
                "status": status,
                "assignedTo": assigned_to,
                "classification": classification,
                "determination": determination,
                "customDetails": None if custom_details is None else dict(custom_details),
            }
        )
        return await self._entity("graph_update_alert", GraphAlert, segment(alert_id, "an alert id"), body=body)

    async def graph_create_alert_comment(self, alert_id: str, comment: str) -> list[GraphComment]:
        """Add a comment to an alert and return all its comments; ReplyLost when it may have been added.

        Needs SecurityAlert.ReadWrite.All; page security-alert-post-comments.
        """
        part = segment(alert_id, "an alert id")
        return await self._value("graph_create_alert_comment", GraphComment, part, body=_comment(comment), effect=True)

    def graph_list_incidents(
        self,
        *,
        filter: str = "",  # noqa: A002
        top: int | None = None,
        expand: Sequence[str] = (),
        limit: int | None = None,
    ) -> AsyncIterator[GraphIncident]:
        """Yield incidents, at most `limit`; `expand` may name alerts, which large tenants answer with a lasting 500.

        Needs SecurityIncident.Read.All or SecurityIncident.ReadWrite.All; page security-list-incidents.
        """
        query = {"$filter": filter, "$expand": ",".join(expand)}
        return self._list("graph_list_incidents", GraphIncident, query=query, top=top, limit=limit)

    async def graph_get_incident(self, incident_id: str) -> GraphIncident:
        """Read one incident.

        Needs SecurityIncident.Read.All or SecurityIncident.ReadWrite.All; page security-incident-get.
        """
        return await self._entity("graph_get_incident", GraphIncident, segment(incident_id, "an incident id"))

    async def graph_update_incident(
        self,
        incident_id: str,
        *,
        status: GraphIncidentStatus | None = None,
        assigned_to: str | None = None,
        classification: GraphClassification | None = None,
        determination: str | None = None,
        custom_tags: Sequence[str] | None = None,
    ) -> GraphIncident:
        """Change an incident and return it; what is None stays as it is. `custom_tags` replaces all tags.

        Needs SecurityIncident.ReadWrite.All; page security-incident-update. That inProgress, redirected and awaitingAction can
        be written is not documented.
        """
        body = given(
            {
                "status": status,
                "assignedTo": assigned_to,
                "classification": classification,
                "determination": determination,
                "customTags": None if custom_tags is None else list(custom_tags),
            }
        )
        part = segment(incident_id, "an incident id")
        return await self._entity("graph_update_incident", GraphIncident, part, body=body)

    async def graph_create_incident_comment(self, incident_id: str, comment: str) -> list[GraphComment]:
        """Add a comment to an incident and return all its comments; ReplyLost when it may have been added.

        Needs SecurityIncident.ReadWrite.All; page security-incident-post-comments.
        """
        part = segment(incident_id, "an incident id")
        return await self._value(
            "graph_create_incident_comment", GraphComment, part, body=_comment(comment), effect=True
        )


def _comment(comment: str) -> dict[str, str]:
    return {"@odata.type": _COMMENT_TYPE, "comment": reason(comment)}
