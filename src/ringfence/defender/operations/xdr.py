"""Incidents of the Defender XDR API."""

from collections.abc import AsyncIterator, Sequence
from typing import Literal

from ringfence.defender.documents.incidents import Incident
from ringfence.defender.operations.base import Operations, given
from ringfence.defender.session import segment

IncidentStatus = Literal["Active", "Resolved", "InProgress", "Redirected"]
IncidentClassification = Literal["TruePositive", "InformationalExpectedActivity", "FalsePositive"]


class XdrOperations(Operations):
    """What can be done with incidents."""

    def list_incidents_xdr(
        self,
        *,
        filter: str = "",  # noqa: A002 - the query option's own name
        top: int = 100,
        limit: int | None = None,
    ) -> AsyncIterator[Incident]:
        """Yield incidents, the last updated first, in pages of `top` (1 to 100), at most `limit`.

        Needs Incident.Read.All or Incident.ReadWrite.All; page api-list-incidents. Many may have the status Redirected:
        they were merged into the incident that redirect_incident_id names.
        """
        return self._list("list_incidents_xdr", Incident, query={"$filter": filter}, top=top, limit=limit)

    async def get_incident_xdr(self, incident_id: int | str) -> Incident:
        """Read one incident with its alerts.

        Needs Incident.Read.All or Incident.ReadWrite.All; page api-get-incident.
        """
        return await self._entity("get_incident_xdr", Incident, segment(str(incident_id), "an incident id"))

    async def update_incident_xdr(
        self,
        incident_id: int | str,
        *,
        status: IncidentStatus | None = None,
        assigned_to: str | None = None,
        classification: IncidentClassification | None = None,
        determination: str | None = None,
        tags: Sequence[str] | None = None,
        comment: str | None = None,
    ) -> Incident:
        """Change an incident and return it; what is None stays as it is.

        Needs Incident.ReadWrite.All; page api-update-incidents. `determination` is an open text. With a comment a lost reply is
        raised as ReplyLost, because the comment would be added twice.
        """
        body = given(
            {
                "status": status,
                "assignedTo": assigned_to,
                "classification": classification,
                "determination": determination,
                "tags": None if tags is None else list(tags),
                "comment": comment,
            }
        )
        part = segment(str(incident_id), "an incident id")
        return await self._entity("update_incident_xdr", Incident, part, body=body, effect=comment is not None)
