"""What is installed on machines, what is weak about it, and the scores of the tenant."""

from urllib.parse import quote

from ringfence.simulator import inventory, odata, timestamps
from ringfence.simulator.defender.alert_relations import bare
from ringfence.simulator.defender.registry import machine_of, operation
from ringfence.simulator.filters import Schema
from ringfence.simulator.operations import CONTEXT, Call, Reply, entity, not_found
from ringfence.simulator.record import compact

SCHEMA = Schema(
    "Vulnerability",
    (
        ("id", "text"),
        ("name", "text"),
        ("description", "text"),
        ("cvssV3", "number"),
        ("publishedOn", "time"),
        ("severity", "text"),
        ("updatedOn", "time"),
    ),
)
_LARGEST_PAGE = 8_000


@operation("get_installed_software", "GET", "machines/{id}/software", "Software.Read.All")
def get_installed_software(call: Call) -> Reply:
    """List the software of a machine."""
    return bare(inventory.software(call.tenant, machine_of(call, call.params["id"])), "Software")


@operation("get_discovered_vulnerabilities", "GET", "machines/{id}/vulnerabilities", "Vulnerability.Read.All")
def get_discovered_vulnerabilities(call: Call) -> Reply:
    """List the vulnerabilities of a machine."""
    options = odata.parse(call.query)
    found = inventory.of_machine(call.tenant, machine_of(call, call.params["id"]))
    page = odata.apply(options, found, SCHEMA, min(_LARGEST_PAGE, call.tenant.settings.page_size))
    return odata.collection("Vulnerabilities", page, options)


@operation("get_security_recommendations", "GET", "machines/{id}/recommendations", "SecurityRecommendation.Read.All")
def get_security_recommendations(call: Call) -> Reply:
    """List what to do about a machine."""
    return bare(inventory.recommendations(call.tenant, machine_of(call, call.params["id"])), "Recommendations")


@operation("get_missing_kbs_machine", "GET", "machines/{id}/getmissingkbs", "Software.Read.All")
def get_missing_kbs_machine(call: Call) -> Reply:
    """List the Windows updates that a machine lacks."""
    found = inventory.missing_updates(call.tenant, machine_of(call, call.params["id"]))
    return bare(found, "Collection(microsoft.windowsDefenderATP.api.PublicProductFixDto)")


@operation("list_vulnerabilities", "GET", "vulnerabilities", "Vulnerability.Read.All")
def list_vulnerabilities(call: Call) -> Reply:
    """List vulnerabilities, 8,000 a page with a nextLink; the count is that of the page (recorded)."""
    options = odata.parse(call.query)
    size = min(_LARGEST_PAGE, call.tenant.settings.page_size)
    page = odata.apply(options, inventory.vulnerabilities(call.tenant), SCHEMA, size)
    link = None
    if page.more:
        kept = "" if options.filter is None else f"&$filter={quote(options.filter)}"
        link = f"https://api.securitycenter.microsoft.com/api/vulnerabilities?$skip={options.skip + size}{kept}"
    counted = odata.Options(select=options.select, count=True)
    return odata.collection("Vulnerabilities", page, counted, next_link=link)


@operation("get_machines_by_vulnerability", "GET", "vulnerabilities/{cve}/machineReferences", "Vulnerability.Read.All")
def get_machines_by_vulnerability(call: Call) -> Reply:
    """List the machines that have a vulnerability; @odata.count is 0 whatever their number (recorded)."""
    machines = inventory.exposed_to(call.tenant, call.params["cve"])
    if machines is None:
        raise not_found(f"Vulnerability {call.params['cve']}")
    names = ("id", "computerDnsName", "osPlatform", "rbacGroupName")
    head = {
        "@odata.context": f"{CONTEXT}#Collection(microsoft.windowsDefenderATP.api.PublicAssetDto)",
        "@odata.count": 0,
        "value": [{name: machine.record.document.get(name) for name in names} for machine in machines],
    }
    return Reply(200, compact(head))


@operation("get_exposure_score", "GET", "exposureScore", "Score.Read.All")
def get_exposure_score(call: Call) -> Reply:
    """Tell how exposed the tenant is, from 0 to 100."""
    score = {"time": timestamps.stamp(call.now), "score": inventory.exposure_score(call.tenant)}
    return entity("ExposureScore", compact(score))


@operation("get_device_secure_score", "GET", "configurationScore", "Score.Read.All")
def get_device_secure_score(call: Call) -> Reply:
    """Tell how well the machines are configured."""
    score = {"time": timestamps.stamp(call.now), "score": inventory.secure_score(call.tenant)}
    return entity("ConfigurationScore", compact(score))
