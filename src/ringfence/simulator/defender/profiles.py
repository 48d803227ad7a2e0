"""What is told of a file, an address or a domain: from the evidence of the tenant, and from the world outside."""

from ringfence.simulator import ids, sightings, timestamps
from ringfence.simulator.record import Document
from ringfence.simulator.sightings import Sighting
from ringfence.simulator.tenant import Tenant

_WORLD_BEGAN = 1_500_000_000


def file(tenant: Tenant, *, sha1: str | None = None, sha256: str | None = None) -> Document | None:
    """Return the profile of a file that the tenant has met, by one of its hashes; None for any other."""
    found = sightings.find(tenant, sightings.has_file(sha1=sha1, sha256=sha256))
    if not found:
        return None
    one = _lowered(found, "sha1") or ids.hex40("sha1", sha256)
    two = _lowered(found, "sha256") or ids.hex64("sha256", one)
    threats = [str(name) for sighting in found if (name := sighting.alert.document.get("threatName"))]
    name = _lowered(found, "fileName") or ""
    first = timestamps.to_ticks(_WORLD_BEGAN + ids.number(0, 200_000_000, "world", one))
    return {
        "sha1": one,
        "sha256": two,
        "md5": ids.hex40("md5", one)[:32],
        "globalPrevalence": prevalence(tenant, one, found),
        "globalFirstObserved": timestamps.write(min(first, min(item.first for item in found))),
        "globalLastObserved": timestamps.write(max(item.last for item in found)),
        "size": ids.number(68, 9_000_000, "size", one),
        "fileType": None,
        "isPeFile": name.endswith((".exe", ".dll", ".sys")),
        "filePublisher": None,
        "fileProductName": None,
        "signer": None,
        "issuer": None,
        "signerHash": None,
        "isValidCertificate": None,
        "determinationType": "Malware" if threats else "Unknown",
        "determinationValue": threats[0] if threats else None,
    }


def prevalence(tenant: Tenant, sha1: str, found: list[Sighting]) -> int:
    """Return on how many machines of the world a file is: at least on those of the tenant."""
    return len(sightings.machines(tenant, found)) + ids.number(0, 400, "prevalence", sha1)


def recent(found: list[Sighting], now: float, hours: float) -> list[Sighting]:
    """Return the sightings of the last hours."""
    earliest = timestamps.to_ticks(now - 3_600 * hours)
    return [sighting for sighting in found if sighting.last >= earliest]


def _lowered(found: list[Sighting], name: str) -> str | None:
    values = (sighting.evidence.get(name) for sighting in found)
    return next((value.lower() for value in values if isinstance(value, str)), None)
