"""Advanced hunting: a small honest part of KQL over the simulated tenant, served by three APIs."""

OPERATIONS: tuple[str, ...] = ()
