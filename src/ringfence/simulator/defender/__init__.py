"""The Defender for Endpoint API: one module per noun. A new noun's module is named in NOUNS, and is served."""

from ringfence.simulator.defender import (
    alert_changes,
    alert_relations,
    alerts,
    assessments,
    exposure,
    indicators,
    investigations,
    library,
    live_response,
    machine_actions,
    machine_upkeep,
    machines,
    observables,
    responses,
)
from ringfence.simulator.defender.registry import AUDIENCES, REGISTRY

NOUNS = (
    alerts,
    alert_changes,
    alert_relations,
    machines,
    machine_upkeep,
    exposure,
    assessments,
    machine_actions,
    responses,
    live_response,
    investigations,
    indicators,
    observables,
    library,
)

__all__ = ["AUDIENCES", "NOUNS", "REGISTRY"]
