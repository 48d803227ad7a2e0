"""Advanced hunting: a small honest part of KQL over the simulated tenant, served by three APIs."""

from ringfence.simulator.hunting.requests import (
    graph_run_hunting_query,
    run_advanced_hunting_xdr,
    run_advanced_query,
)

OPERATIONS = (run_advanced_query.__name__, run_advanced_hunting_xdr.__name__, graph_run_hunting_query.__name__)
"""Ids of the operations: Defender for Endpoint's, Defender XDR's, Graph's."""

__all__ = ["OPERATIONS"]
