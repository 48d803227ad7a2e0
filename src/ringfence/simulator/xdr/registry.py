"""The operations of Defender XDR; its paths lie beside those of Defender for Endpoint, on the same hosts."""

from ringfence.simulator.operations import Registry
from ringfence.simulator.tokens import XDR_RESOURCES

REGISTRY = Registry(("/api", "/api/v1.0"))
operation = REGISTRY.operation

AUDIENCES = XDR_RESOURCES
"""Audiences whose tokens the API takes: a token for Defender for Endpoint gets 401."""
