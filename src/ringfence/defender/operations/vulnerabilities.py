"""Vulnerabilities, and the machines that they expose."""

from collections.abc import AsyncIterator

from ringfence.defender.documents.exposure import ExposedMachine, Vulnerability
from ringfence.defender.operations.base import Operations
from ringfence.defender.session import segment


class VulnerabilityOperations(Operations):
    """What can be asked of vulnerabilities."""

    def list_vulnerabilities(
        self,
        *,
        filter: str = "",  # noqa: A002 - the query option's own name
        top: int = 1000,
        limit: int | None = None,
    ) -> AsyncIterator[Vulnerability]:
        """Yield all vulnerabilities that the service knows in pages of `top` (1 to 8,000), at most `limit`.

        Needs Vulnerability.Read.All; page get-all-vulnerabilities. There are hundreds of thousands: give a filter.
        """
        return self._list("list_vulnerabilities", Vulnerability, query={"$filter": filter}, top=top, limit=limit)

    def get_machines_by_vulnerability(self, cve_id: str, *, limit: int | None = None) -> AsyncIterator[ExposedMachine]:
        """Yield the machines that a vulnerability exposes, at most `limit`.

        Needs Vulnerability.Read.All; page get-machines-by-vulnerability.
        """
        part = segment(cve_id, "a CVE id")
        return self._list("get_machines_by_vulnerability", ExposedMachine, part, limit=limit)
