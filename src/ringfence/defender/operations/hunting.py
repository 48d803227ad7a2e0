"""Advanced hunting, in its three addresses; all reach the same tables of the past 30 days."""

from ringfence.defender.documents.incidents import HuntingResult
from ringfence.defender.operations.base import Operations, required


class HuntingOperations(Operations):
    """What can be hunted for.

    A query may run for minutes and give 100,000 rows: bound it (`| take 100`). The tenant's quotas of calls and of CPU time
    are shared by all who hunt in it; a query that cannot be read is a BadRequest with the engine's own words.
    """

    async def run_advanced_query(self, query: str) -> HuntingResult:
        """Run a KQL query on Defender for Endpoint's tables.

        Needs AdvancedQuery.Read.All; page run-advanced-query-api. Microsoft advises graph_run_hunting_query instead.
        """
        return await self._entity("run_advanced_query", HuntingResult, body={"Query": required(query, "query")})

    async def run_advanced_hunting_xdr(self, query: str) -> HuntingResult:
        """Run a KQL query on the tables of all Defender products, with statistics.

        Needs AdvancedHunting.Read.All; page api-advanced-hunting. Microsoft advises graph_run_hunting_query instead.
        """
        return await self._entity("run_advanced_hunting_xdr", HuntingResult, body={"Query": required(query, "query")})

    async def graph_run_hunting_query(self, query: str, *, timespan: str | None = None) -> HuntingResult:
        """Run a KQL query by Microsoft Graph; `timespan` is an ISO 8601 duration or interval, 30 days if left out.

        Needs ThreatHunting.Read.All; page security-security-runhuntingquery. The shorter of timespan and the query's own
        time filter counts.
        """
        body = {"Query": required(query, "query")} | ({"Timespan": timespan} if timespan else {})
        return await self._entity("graph_run_hunting_query", HuntingResult, body=body)
