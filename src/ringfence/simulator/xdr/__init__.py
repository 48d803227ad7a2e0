"""The Defender XDR API: incidents; advanced hunting is declared by the hunting package."""

from ringfence.simulator.xdr import incidents
from ringfence.simulator.xdr.registry import AUDIENCES, REGISTRY

NOUNS = (incidents,)

__all__ = ["AUDIENCES", "NOUNS", "REGISTRY"]
