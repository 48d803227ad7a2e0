"""Microsoft Graph v1.0, security: alerts_v2 and incidents; hunting is declared by the hunting package."""

from ringfence.simulator.graph import alerts, incidents
from ringfence.simulator.graph.errors import denied, refuse, throttled
from ringfence.simulator.graph.registry import AUDIENCES, REGISTRY

NOUNS = (alerts, incidents)

__all__ = ["AUDIENCES", "NOUNS", "REGISTRY", "denied", "refuse", "throttled"]
