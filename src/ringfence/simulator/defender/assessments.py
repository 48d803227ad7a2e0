"""What is weak about all machines at once, as programs that watch over vulnerabilities fetch it.

The fact book does not have this operation: a client that knows nothing of us (check-msdefender) was seen to call it.
Path, parameters, permission and the order of properties are those of Microsoft's page "Export software vulnerabilities
assessment per device"; `cvssScore`, which the page's example leaves out and its table calls a text, is a number, since
that client adds it up as one. A product without a vulnerability is left out: the page's example shows some with a null
`cveId`, which that client, long in use, could not survive.
"""

import base64
import binascii
from collections.abc import Iterator
from urllib.parse import parse_qsl

from ringfence.simulator import inventory
from ringfence.simulator.defender.registry import operation, refresh
from ringfence.simulator.inventory import Product
from ringfence.simulator.operations import CONTEXT, ApiError, Call, QueryOptionError, Reply
from ringfence.simulator.record import Document, compact
from ringfence.simulator.tenant import Machine

_PATH = "machines/SoftwareVulnerabilitiesByMachine"
_PAGE = 50_000
_LARGEST_PAGE = 200_000


@operation("export_software_vulnerabilities", "GET", _PATH, "Vulnerability.Read.All")
def export_software_vulnerabilities(call: Call) -> Reply:
    """List every vulnerability of every product of every machine."""
    options = {name.lower(): value for name, value in parse_qsl(call.query, keep_blank_values=True)}
    size = _whole(options, "pagesize", _PAGE, _LARGEST_PAGE)
    top = _whole(options, "$top", _LARGEST_PAGE, _LARGEST_PAGE) if "$top" in options else None
    start = _start(options.get("$skiptoken"))
    refresh(call)
    end = start + (size if top is None else top)
    page: list[Document] = []
    more = False
    for place, row in enumerate(_rows(call)):
        if place >= end:
            more = True
            break
        if place >= start:
            page.append(row)
    body: Document = {
        "@odata.context": f"{CONTEXT}#Collection(microsoft.windowsDefenderATP.api.AssetVulnerability)",
        "value": page,
    }
    if more and top is None:
        token = base64.urlsafe_b64encode(str(end).encode()).decode()
        body["@odata.nextLink"] = (
            f"https://api.securitycenter.microsoft.com/api/{_PATH}?pagesize={size}&$skiptoken={token}"
        )
    return Reply(200, compact(body))


def _whole(options: dict[str, str], name: str, default: int, largest: int) -> int:
    text = options.get(name, str(default))
    if not (text.isascii() and text.isdigit()) or not 0 < int(text[:9]) <= largest:
        raise ApiError(400, "InvalidInput", f"{name} must be a whole number from 1 to {largest}")
    return int(text)


def _start(token: str | None) -> int:
    if token is None:
        return 0
    try:
        return int(base64.b64decode(token, altchars=b"-_", validate=True)[:12])
    except (binascii.Error, ValueError):
        raise QueryOptionError("The $skiptoken is not one that was issued.") from None


def _rows(call: Call) -> Iterator[Document]:
    for machine in call.tenant.machines.values():
        for product, behind, weaknesses in inventory.weak_points(call.tenant, machine):
            head = _head(machine, product, behind)
            for weakness in weaknesses:
                yield _row(head, machine, product, behind, weakness)


def _head(machine: Machine, product: Product, behind: int) -> Document:
    source = machine.record.document
    return {
        "deviceId": machine.id,
        "rbacGroupName": source.get("rbacGroupName") or "Unassigned",
        "deviceName": machine.name,
        "osPlatform": source.get("osPlatform"),
        "osVersion": source.get("osVersion") or source.get("version"),
        "osArchitecture": source.get("osArchitecture"),
        "softwareVendor": product.vendor,
        "softwareName": product.name,
        "softwareVersion": product.version(behind),
    }


def _row(head: Document, machine: Machine, product: Product, behind: int, weakness: Document) -> Document:
    windows = str(head["osPlatform"]).startswith("Windows")
    program = f"{product.title}\\{product.name}.exe"
    return {
        "id": f"{machine.id}_{product.name}_{product.version(behind)}_{weakness['id']}_",
        **head,
        "cveId": weakness["id"],
        "vulnerabilitySeverityLevel": weakness["severity"],
        "cvssScore": weakness["cvssV3"],
        "recommendedSecurityUpdate": None,
        "recommendedSecurityUpdateId": None,
        "recommendedSecurityUpdateUrl": None,
        "diskPaths": [f"C:\\Program Files\\{program}" if windows else f"/opt/{product.vendor}/{product.name}"],
        "registryPaths": [f"HKEY_LOCAL_MACHINE\\SOFTWARE\\{product.vendor}\\{product.name}"] if windows else [],
        "lastSeenTimestamp": _moment(machine.record.document.get("lastSeen")),
        "firstSeenTimestamp": _moment(machine.record.document.get("firstSeen")),
        "exploitabilityLevel": "ExploitIsPublic" if weakness["publicExploit"] else "NoExploit",
        "recommendationReference": f"va-_-{product.id}",
        "securityUpdateAvailable": True,
    }


def _moment(text: object) -> str | None:
    return text[:19].replace("T", " ") if isinstance(text, str) else None
