"""What an alert is about: domains, files, addresses and a user."""

from ringfence.simulator import sightings
from ringfence.simulator.defender import profiles
from ringfence.simulator.defender.alerts import alert_of
from ringfence.simulator.defender.registry import operation
from ringfence.simulator.operations import CONTEXT, ENTITY_TYPE, ApiError, Call, Reply, entity
from ringfence.simulator.record import Document, compact


def bare(values: list[Document], context: str | None = None) -> Reply:
    """Reply with a list whose recordings and examples show no options; without a context where they show none."""
    head: Document = {} if context is None else {"@odata.context": f"{CONTEXT}#{context}"}
    return Reply(200, compact({**head, "value": values}), ENTITY_TYPE)


@operation("list_alert_domains", "GET", "alerts/{id}/domains", "URL.Read.All")
def list_alert_domains(call: Call) -> Reply:
    """List the hosts of an alert's URLs."""
    hosts = (sightings.host_of(item) for item in sightings.evidence_of(alert_of(call).document))
    return bare([{"host": host} for host in dict.fromkeys(hosts) if host])


@operation("list_alert_files", "GET", "alerts/{id}/files", "File.Read.All")
def list_alert_files(call: Call) -> Reply:
    """List the files of an alert, each by its profile."""
    record = alert_of(call)
    hashes = (item.get("sha1") for item in sightings.evidence_of(record.document))
    known = dict.fromkeys(value.lower() for value in hashes if isinstance(value, str))
    files = (profiles.file(call.tenant, sha1=sha1) for sha1 in known)
    return bare([document for document in files if document is not None], "Files")


@operation("list_alert_ips", "GET", "alerts/{id}/ips", "Ip.Read.All")
def list_alert_ips(call: Call) -> Reply:
    """List the addresses of an alert."""
    items = sightings.evidence_of(alert_of(call).document)
    found = (item.get("ipAddress") for item in items if item.get("entityType") == "Ip")
    return bare([{"id": address} for address in dict.fromkeys(found) if isinstance(address, str)])


@operation("get_alert_user", "GET", "alerts/{id}/user", "User.Read.All")
def get_alert_user(call: Call) -> Reply:
    """Read the user whom an alert is about."""
    record = alert_of(call)
    related = record.document.get("relatedUser")
    name = related.get("userName") if isinstance(related, dict) else None
    if not isinstance(name, str):
        raise ApiError(404, "ResourceNotFound", f"There is no User related to alert {record.key}")
    machine = record.document.get("machineId")
    user = call.tenant.user(name, machine if isinstance(machine, str) else None, call.now)
    return entity("Users", compact(user))
