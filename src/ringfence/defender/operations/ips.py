"""IP addresses: where they were seen."""

from ringfence.defender.documents.threats import IpStats
from ringfence.defender.operations.base import Operations, look_back
from ringfence.defender.operations.machines import address_segment
from ringfence.defender.wire import Alert


class IpOperations(Operations):
    """What can be asked of IP addresses; one that is not known gives empty answers."""

    async def get_ip_alerts(self, ip: str) -> list[Alert]:
        """Read the alerts that an address is part of.

        Needs Alert.Read.All or Alert.ReadWrite.All; page get-ip-related-alerts.
        """
        return await self._collect("get_ip_alerts", Alert, address_segment(ip))

    async def get_ip_stats(self, ip: str, *, look_back_hours: int | None = None) -> IpStats:
        """Read how widespread an address is; `look_back_hours` is 1 to 720, 30 days if left out.

        Needs Ip.Read.All; page get-ip-statistics.
        """
        query = look_back(look_back_hours)
        return await self._entity("get_ip_stats", IpStats, address_segment(ip), query=query)
