"""Automated investigations."""

from collections.abc import AsyncIterator

from ringfence.defender.documents.threats import Investigation
from ringfence.defender.operations.base import Operations, reason
from ringfence.defender.operations.machines import machine_segment
from ringfence.defender.session import segment


class InvestigationOperations(Operations):
    """What can be done with automated investigations."""

    async def start_investigation(self, machine_id: str, *, comment: str) -> Investigation:
        """Start an automated investigation on a machine; ReplyLost when it may have been accepted.

        Needs Alert.ReadWrite.All; page initiate-autoir-investigation. The start raises an informational alert of its own.
        """
        body = {"Comment": reason(comment)}
        return await self._entity(
            "start_investigation", Investigation, machine_segment(machine_id), body=body, effect=True
        )

    def list_investigations(
        self,
        *,
        filter: str = "",  # noqa: A002 - the query option's own name
        top: int = 1000,
        limit: int | None = None,
    ) -> AsyncIterator[Investigation]:
        """Yield investigations in pages of `top` (1 to 10,000), at most `limit`.

        Needs Alert.Read.All or Alert.ReadWrite.All; page get-investigation-collection.
        """
        return self._list("list_investigations", Investigation, query={"$filter": filter}, top=top, limit=limit)

    async def get_investigation(self, investigation_id: str) -> Investigation:
        """Read one investigation by its id, or by the id of the alert that started it.

        Needs Alert.Read.All or Alert.ReadWrite.All; page get-investigation-object.
        """
        return await self._entity("get_investigation", Investigation, segment(investigation_id, "an investigation id"))
