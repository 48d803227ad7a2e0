"""Hunting by Defender for Endpoint's own address; Microsoft advises Graph security's for what is new."""

from ringfence.actions import Context, Effect, Json, Query, Rows, found_rows
from ringfence.connectors.defender import connector


@connector.action(effect=Effect.READ, operations=("run_advanced_query",), permissions=("AdvancedQuery.Read.All",))
async def hunt(context: Context, query: Query, rows: Rows = 1000) -> Json:
    """Hunt with a KQL query over Defender for Endpoint's tables and the past 30 days.

    `columns` are the names in their order, `rows` one object each, `found` how many there were; `more` says that some were
    left out here. All who hunt in a tenant share its allowance of calls and of computing time.

    Example:
        processes:
          action: defender.hunt
          with:
            query: |
              DeviceProcessEvents
              | where DeviceId == "${trigger.alert.machineId}"
              | take 100
    """
    return found_rows(await context.defender.read("run_advanced_query", query=query), rows)
