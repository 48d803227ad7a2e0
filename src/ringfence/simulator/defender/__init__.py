"""The Defender for Endpoint API: one module per noun. A new noun's module is named in NOUNS, and is served."""

from ringfence.simulator.defender import alerts, machine_actions, machines
from ringfence.simulator.defender.registry import AUDIENCES, REGISTRY

NOUNS = (alerts, machines, machine_actions)

__all__ = ["AUDIENCES", "NOUNS", "REGISTRY"]
