"""Files, domains, addresses and users: profiles, prevalence, and the alerts and machines in which they play a part."""

from ringfence.simulator import odata, sightings
from ringfence.simulator.defender import bodies, profiles
from ringfence.simulator.defender.alerts import SCHEMA as ALERT_SCHEMA
from ringfence.simulator.defender.machines import SCHEMA as MACHINE_SCHEMA
from ringfence.simulator.defender.registry import operation, refresh
from ringfence.simulator.operations import CONTEXT, Call, Reply, entity, not_found
from ringfence.simulator.record import Document, Record, compact
from ringfence.simulator.sightings import Sighting
from ringfence.simulator.tenant import Machine

_ALERTS = ("Alert.Read.All", "Alert.ReadWrite.All")
_MACHINES = ("Machine.Read.All", "Machine.ReadWrite.All")
_MOST_MACHINES = 500


def _alerts(call: Call, records: list[Record], context: str = "Alerts") -> Reply:
    options = odata.parse(call.query, expandable=True)
    page = odata.apply(options, records, ALERT_SCHEMA, call.tenant.settings.page_size)
    call.tenant.deliver(record.key for record in page.records)
    return odata.collection(context, page, options)


def _machines(call: Call, machines: list[Machine]) -> Reply:
    options = odata.parse(call.query)
    refresh(call)
    page = odata.apply(
        options, [machine.record for machine in machines], MACHINE_SCHEMA, call.tenant.settings.page_size
    )
    return odata.collection("Machines", page, options)


def _statistics(kind: str, document: Document) -> Reply:
    return Reply(200, compact({"@odata.context": f"{CONTEXT}#microsoft.windowsDefenderATP.api.{kind}", **document}))


def _sha1_sightings(call: Call) -> list[Sighting]:
    return sightings.find(call.tenant, sightings.has_file(sha1=bodies.hash_of(call.params["sha1"], "sha1")))


@operation("get_file", "GET", "files/{id}", "File.Read.All")
def get_file(call: Call) -> Reply:
    """Read the profile of a file by its SHA-1 or SHA-256."""
    return entity("Files", compact(_file(call)))


def _file(call: Call) -> Document:
    key = bodies.hash_of(call.params["id"], "sha1", "sha256")
    found = profiles.file(call.tenant, **({"sha1": key} if len(key) == 40 else {"sha256": key}))
    if found is None:
        raise not_found(f"File {call.params['id']}")
    return found


@operation("get_file_stats", "GET", "files/{id}/stats", "File.Read.All")
def get_file_stats(call: Call) -> Reply:
    """Tell how common a file is, here and in the world."""
    hours = bodies.look_back(call.query)
    profile = _file(call)
    every = sightings.find(call.tenant, sightings.has_file(sha1=profile["sha1"]))
    found = profiles.recent(every, call.now, hours)
    first, last = sightings.span(found)
    names = (sighting.evidence.get("fileName") for sighting in found)
    count = len(sightings.machines(call.tenant, found))
    return _statistics(
        "InOrgFileStats",
        {
            "sha1": profile["sha1"],
            "orgPrevalence": str(count),
            "organizationPrevalence": count,
            "orgFirstSeen": first,
            "orgLastSeen": last,
            "globalPrevalence": str(profile["globalPrevalence"]),
            "globallyPrevalence": profile["globalPrevalence"],
            "globalFirstObserved": profile["globalFirstObserved"],
            "globalLastObserved": profile["globalLastObserved"],
            "topFileNames": list(dict.fromkeys(name for name in names if isinstance(name, str))),
        },
    )


@operation("get_file_alerts", "GET", "files/{sha1}/alerts", *_ALERTS)
def get_file_alerts(call: Call) -> Reply:
    """List the alerts in which a file plays a part."""
    return _alerts(call, sightings.alerts(_sha1_sightings(call)))


@operation("get_file_machines", "GET", "files/{sha1}/machines", *_MACHINES)
def get_file_machines(call: Call) -> Reply:
    """List the machines on which a file was seen."""
    return _machines(call, sightings.machines(call.tenant, _sha1_sightings(call)))


def _domain_sightings(call: Call) -> list[Sighting]:
    return sightings.find(call.tenant, sightings.has_domain(bodies.domain(call.params["domain"])))


@operation("get_domain_alerts", "GET", "domains/{domain}/alerts", "Alert.ReadWrite.All")
def get_domain_alerts(call: Call) -> Reply:
    """List the alerts in which a domain plays a part."""
    return _alerts(call, sightings.alerts(_domain_sightings(call)))


@operation("get_domain_machines", "GET", "domains/{domain}/machines", *_MACHINES)
def get_domain_machines(call: Call) -> Reply:
    """List up to 500 machines that spoke with a domain."""
    return _machines(call, sightings.machines(call.tenant, _domain_sightings(call))[:_MOST_MACHINES])


@operation("get_domain_stats", "GET", "domains/{domain}/stats", "URL.Read.All")
def get_domain_stats(call: Call) -> Reply:
    """Tell on how many machines a domain was seen; none for an unknown one."""
    hours = bodies.look_back(call.query)
    found = profiles.recent(_domain_sightings(call), call.now, hours)
    first, last = sightings.span(found)
    count = len(sightings.machines(call.tenant, found))
    return _statistics(
        "InOrgDomainStats",
        {
            "host": call.params["domain"],
            "orgPrevalence": str(count),
            "orgFirstSeen": first,
            "orgLastSeen": last,
            "organizationPrevalence": count,
        },
    )


def _ip_sightings(call: Call) -> list[Sighting]:
    return sightings.find(call.tenant, sightings.has_ip(bodies.address(call.params["ip"])))


@operation("get_ip_alerts", "GET", "ips/{ip}/alerts", *_ALERTS)
def get_ip_alerts(call: Call) -> Reply:
    """List the alerts in which an address plays a part."""
    return _alerts(call, sightings.alerts(_ip_sightings(call)), "AlertEntitySetName")


@operation("get_ip_stats", "GET", "ips/{ip}/stats", "Ip.Read.All")
def get_ip_stats(call: Call) -> Reply:
    """Tell on how many machines an address was seen."""
    hours = bodies.look_back(call.query)
    found = profiles.recent(_ip_sightings(call), call.now, hours)
    first, last = sightings.span(found)
    count = len(sightings.machines(call.tenant, found))
    return _statistics(
        "InOrgIPStats",
        {
            "ipAddress": call.params["ip"],
            "orgPrevalence": str(count),
            "organizationPrevalence": count,
            "orgFirstSeen": first,
            "orgLastSeen": last,
        },
    )


@operation("get_user_alerts", "GET", "users/{name}/alerts", *_ALERTS)
def get_user_alerts(call: Call) -> Reply:
    """List the alerts in which an account plays a part, named without its domain."""
    return _alerts(call, sightings.of_user(call.tenant, call.params["name"]))


@operation("get_user_machines", "GET", "users/{name}/machines", "Machine.ReadWrite.All")
def get_user_machines(call: Call) -> Reply:
    """List the machines on which an account logs on."""
    wanted = call.params["name"].lower()
    found = (call.tenant.machines[record.key] for record in call.tenant.machine_order)
    return _machines(call, [machine for machine in found if wanted in (user.lower() for user in machine.users)])
