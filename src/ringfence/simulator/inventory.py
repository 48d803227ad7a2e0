"""What is installed on the machines of a tenant, what is weak about it, and the scores that follow.

Which release a machine has follows from the seed. The vulnerabilities are inventions: no such CVE exists.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass

from ringfence.simulator import ids, timestamps
from ringfence.simulator.record import Document, Record
from ringfence.simulator.tenant import Machine, Tenant

MOMENTS = ("publishedOn", "updatedOn")
_SYSTEM = "windows"
_EVERYWHERE = ("Windows", "Ubuntu", "RedHat", "CentOS", "Debian", "SUSE", "Linux", "macOS")
_OLDEST = 3
_TIED = 10
_EPOCH = 1_704_067_200  # 2024-01-01
_SEVERITIES = (("Critical", 9.0, 9.9), ("High", 7.0, 8.9), ("Medium", 4.0, 6.9), ("Low", 1.0, 3.9))
_WEIGHTS = {"Critical": 10.0, "High": 5.0, "Medium": 2.0, "Low": 1.0}


@dataclass(frozen=True)
class Product:
    """A product, on which platforms it is found, and its releases: the latest is the last."""

    vendor: str
    name: str
    platforms: tuple[str, ...]
    major: int

    @property
    def id(self) -> str:
        return f"{self.vendor}-_-{self.name}"

    @property
    def title(self) -> str:
        return self.name.replace("_", " ").title()

    def version(self, behind: int) -> str:
        """Return the version that is so many releases behind the latest."""
        return f"{self.major}.{_OLDEST - behind}.{1_000 - 37 * behind}.0"


PRODUCTS = (
    Product("contoso", "browser", _EVERYWHERE, 121),
    Product("contoso", "office_suite", ("Windows1", "macOS"), 16),
    Product("contoso", "vpn_client", ("Windows1", "macOS"), 5),
    Product("contoso", "database_server", ("WindowsServer",), 15),
    Product("fabrikam", "archiver", ("Windows",), 24),
    Product("fabrikam", "pdf_reader", ("Windows1", "macOS"), 23),
    Product("fabrikam", "web_server", _EVERYWHERE[1:7], 2),
    Product("microsoft", _SYSTEM, ("Windows",), 10),
)


@dataclass(frozen=True)
class Weakness:
    """A vulnerability that a release of a product closed: who is `behind` by at least so many releases has it."""

    product: Product
    behind: int


def installed(tenant: Tenant, machine: Machine) -> dict[Product, int]:
    """Return the products of a machine, and how many releases each is behind."""
    platform = str(machine.record.document.get("osPlatform"))
    found = (product for product in PRODUCTS if platform.startswith(product.platforms))
    return {product: _behind(tenant.seed, machine.id, product.id) for product in found}


@functools.lru_cache(maxsize=100_000)
def _behind(seed: int, machine_id: str, product_id: str) -> int:
    return max(0, ids.number(-2, _OLDEST, "release", seed, machine_id, product_id))


def _weaknesses(count: int) -> list[Weakness]:
    """Return what the first of the known vulnerabilities are about; the rest concern products that are nowhere."""
    return [
        Weakness(PRODUCTS[number % len(PRODUCTS)], 1 + number // len(PRODUCTS) % _OLDEST)
        for number in range(min(count, _TIED * len(PRODUCTS)))
    ]


@functools.lru_cache(maxsize=4)
def _catalogue(seed: int, count: int) -> tuple[Document, ...]:
    weaknesses = _weaknesses(count)
    return tuple(_vulnerability(seed, number, weaknesses) for number in range(count))


def _vulnerability(seed: int, number: int, weaknesses: list[Weakness]) -> Document:
    severity, low, high = _SEVERITIES[ids.number(0, 3, "severity", seed, number)]
    score = round(low + (high - low) * ids.number(0, 100, "score", seed, number) / 100, 1)
    published = (_EPOCH + 3_600 * number) * timestamps.TICKS
    exploited = severity in ("Critical", "High") and ids.number(1, 4, "exploit", seed, number) == 1
    name = f"CVE-2024-9{number:05d}"
    about = weaknesses[number].product.title if number < len(weaknesses) else "A product that no machine has"
    return {
        "id": name,
        "name": name,
        "description": f"{about} lets somebody run code with the rights of the user who is signed in.",
        "severity": severity,
        "cvssV3": score,
        "cvssVector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H",
        "exposedMachines": 0,
        "publishedOn": timestamps.write(published),
        "updatedOn": timestamps.write(published + 86_400 * timestamps.TICKS),
        "firstDetected": None,
        "publicExploit": exploited,
        "exploitVerified": False,
        "exploitInKit": False,
        "exploitTypes": ["Remote"] if exploited else [],
        "exploitUris": [],
        "cveSupportability": "Supported" if number < len(weaknesses) else "NotSupported",
        "tags": [],
        "epss": ids.number(1, 9_999, "epss", seed, number) / 10_000,
    }


def vulnerabilities(tenant: Tenant) -> list[Record]:
    """Return the known vulnerabilities by id, with the number of machines that each is found on."""
    catalogue = _catalogue(tenant.seed, tenant.settings.known_vulnerabilities)
    exposed = _exposed(tenant)
    records = []
    for number, document in enumerate(catalogue):
        machines = exposed[number] if number < len(exposed) else []
        if machines:
            document = document | {"exposedMachines": len(machines), "firstDetected": document["updatedOn"]}
        ticks = {name: timestamps.read(document[name]) for name in MOMENTS}
        records.append(Record(document["id"], document, ticks))
    return records


def _exposed(tenant: Tenant) -> list[list[Machine]]:
    by_product: dict[Product, list[tuple[int, Machine]]] = {product: [] for product in PRODUCTS}
    for machine in tenant.machines.values():
        for product, behind in installed(tenant, machine).items():
            by_product[product].append((behind, machine))
    return [
        [machine for behind, machine in by_product[weakness.product] if behind >= weakness.behind]
        for weakness in _weaknesses(tenant.settings.known_vulnerabilities)
    ]


def of_machine(tenant: Tenant, machine: Machine) -> list[Record]:
    """Return the vulnerabilities of a machine."""
    has = installed(tenant, machine)
    weaknesses = _weaknesses(tenant.settings.known_vulnerabilities)
    return [
        record
        for weakness, record in zip(weaknesses, vulnerabilities(tenant), strict=False)
        if has.get(weakness.product, 0) >= weakness.behind
    ]


def weak_points(tenant: Tenant, machine: Machine) -> Iterator[tuple[Product, int, list[Document]]]:
    """Give each product of a machine, how many releases it is behind, and the vulnerabilities that follow."""
    count = tenant.settings.known_vulnerabilities
    known = list(zip(_weaknesses(count), _catalogue(tenant.seed, count), strict=False))
    for product, behind in installed(tenant, machine).items():
        found = [one for weakness, one in known if weakness.product == product and behind >= weakness.behind]
        yield product, behind, found


def exposed_to(tenant: Tenant, cve: str) -> list[Machine] | None:
    """Return the machines that have a vulnerability; None if no such vulnerability is known."""
    names = [document["id"] for document in _catalogue(tenant.seed, tenant.settings.known_vulnerabilities)]
    if cve.upper() not in names:
        return None
    number, exposed = names.index(cve.upper()), _exposed(tenant)
    return exposed[number] if number < len(exposed) else []


def software(tenant: Tenant, machine: Machine) -> list[Document]:
    """Return the software inventory of a machine."""
    return [
        {
            "id": product.id,
            "name": product.name,
            "vendor": product.vendor,
            "weaknesses": _open(tenant, product, behind),
            "publicExploit": False,
            "activeAlert": False,
            "exposedMachines": _exposed_by(tenant, product),
            "impactScore": float(_open(tenant, product, behind)),
        }
        for product, behind in installed(tenant, machine).items()
        if product.name != _SYSTEM
    ]


def recommendations(tenant: Tenant, machine: Machine) -> list[Document]:
    """Return what to update on a machine."""
    return [
        {
            "id": f"va-_-{product.id}",
            "productName": product.name,
            "recommendationName": f"Update {product.title} to version {product.version(0)}",
            "weaknesses": _open(tenant, product, behind),
            "vendor": product.vendor,
            "recommendedVersion": product.version(0),
            "recommendationCategory": "Application",
            "subCategory": "",
            "severityScore": float(_open(tenant, product, behind)),
            "publicExploit": False,
            "activeAlert": False,
            "associatedThreats": [],
            "remediationType": "Update",
            "status": "Active",
            "configScoreImpact": 0.0,
            "exposureImpact": round(_open(tenant, product, behind) / 10, 2),
            "totalMachineCount": len(tenant.machines),
            "exposedMachinesCount": _exposed_by(tenant, product),
            "nonProductivityImpactedAssets": 0,
            "relatedComponent": product.title,
        }
        for product, behind in installed(tenant, machine).items()
        if product.name != _SYSTEM and behind
    ]


def missing_updates(tenant: Tenant, machine: Machine) -> list[Document]:
    """Return the Windows updates that a machine lacks, the newest first."""
    system = PRODUCTS[-1]
    behind = installed(tenant, machine).get(system, 0)
    others = [installed(tenant, other).get(system, 0) for other in tenant.machines.values()]
    return [
        {
            "id": str(9_000_000 + _OLDEST - step),
            "name": f"Security updates of release {system.version(step - 1)}",
            "productsNames": [str(machine.record.document["osPlatform"]).lower()],
            "url": f"https://catalog.update.microsoft.com/v7/site/Search.aspx?q=KB{9_000_000 + _OLDEST - step}",
            "machineMissedOn": sum(other >= step for other in others),
            "cveAddressed": sum(
                weakness == Weakness(system, step) for weakness in _weaknesses(tenant.settings.known_vulnerabilities)
            ),
        }
        for step in range(1, behind + 1)
    ]


def _open(tenant: Tenant, product: Product, behind: int) -> int:
    weaknesses = _weaknesses(tenant.settings.known_vulnerabilities)
    return sum(weakness.product == product and behind >= weakness.behind for weakness in weaknesses)


def _exposed_by(tenant: Tenant, product: Product) -> int:
    return sum(installed(tenant, machine).get(product, 0) > 0 for machine in tenant.machines.values())


def exposure_score(tenant: Tenant) -> float:
    """Return how exposed the tenant is, from 0 (not at all) to 100."""
    catalogue = _catalogue(tenant.seed, tenant.settings.known_vulnerabilities)
    weight: float = sum(
        _WEIGHTS[document["severity"]] * len(machines)
        for document, machines in zip(catalogue, _exposed(tenant), strict=False)
    )
    return min(100.0, weight / max(1, len(tenant.machines)))


def secure_score(tenant: Tenant) -> float:
    """Return how well the machines are configured: up to 10 points for each of three controls, over all machines."""
    controls = (("defenderAvStatus", "Updated"), ("onboardingStatus", "Onboarded"), ("healthStatus", "Active"))
    kept = sum(
        machine.record.document.get(name) == value for machine in tenant.machines.values() for name, value in controls
    )
    return round(10.0 * int(kept) / max(1, len(tenant.machines)), 2)
