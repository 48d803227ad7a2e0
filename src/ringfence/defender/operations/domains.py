"""Domains: where they were seen."""

from ringfence.defender.documents.threats import DomainStats
from ringfence.defender.operations.base import Operations, look_back
from ringfence.defender.session import segment
from ringfence.defender.wire import Alert, Machine


class DomainOperations(Operations):
    """What can be asked of domains; one that is not known gives empty answers."""

    async def get_domain_alerts(self, domain: str) -> list[Alert]:
        """Read the alerts that a domain is part of.

        Needs Alert.ReadWrite.All; page get-domain-related-alerts.
        """
        return await self._collect("get_domain_alerts", Alert, _domain(domain))

    async def get_domain_machines(self, domain: str) -> list[Machine]:
        """Read the machines that talked to a domain, 500 at most.

        Needs Machine.Read.All or Machine.ReadWrite.All; page get-domain-related-machines.
        """
        return await self._collect("get_domain_machines", Machine, _domain(domain))

    async def get_domain_stats(self, domain: str, *, look_back_hours: int | None = None) -> DomainStats:
        """Read how widespread a domain is; `look_back_hours` is 1 to 720, 30 days if left out.

        Needs URL.Read.All; page get-domain-statistics.
        """
        query = look_back(look_back_hours)
        return await self._entity("get_domain_stats", DomainStats, _domain(domain), query=query)


def _domain(domain: str) -> str:
    return segment(domain, "a domain")
