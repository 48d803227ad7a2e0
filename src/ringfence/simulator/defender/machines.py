"""Machines of Defender for Endpoint."""

import ipaddress
from urllib.parse import quote

from ringfence.simulator import odata, timestamps
from ringfence.simulator.defender import bodies
from ringfence.simulator.defender.alerts import SCHEMA as ALERT_SCHEMA
from ringfence.simulator.defender.registry import machine_of, operation, refresh
from ringfence.simulator.filters import Schema
from ringfence.simulator.operations import ApiError, Call, Reply, entity, not_found
from ringfence.simulator.record import Record

SCHEMA = Schema(
    "Machine",
    (
        ("computerDnsName", "text"),
        ("id", "text"),
        ("version", "text"),
        ("deviceValue", "text"),
        ("aadDeviceId", "text"),
        ("machineTags", "texts"),
        ("lastSeen", "time"),
        ("exposureLevel", "text"),
        ("onboardingStatus", "text"),
        ("lastIpAddress", "text"),
        ("healthStatus", "text"),
        ("osPlatform", "text"),
        ("riskScore", "text"),
        ("rbacGroupId", "number"),
    ),
)
USER_SCHEMA = Schema("User", (("id", "text"), ("accountName", "text")))
_READ = ("Machine.Read.All", "Machine.ReadWrite.All")
_QUARTER = 15 * 60 * timestamps.TICKS
_MONTH = 30 * 86_400 * timestamps.TICKS


@operation("list_machines", "GET", "machines", *_READ)
def list_machines(call: Call) -> Reply:
    """List machines; a nextLink appears only without $top, once more than a page match."""
    options = odata.parse(call.query)
    refresh(call)
    page = odata.apply(options, call.tenant.machine_order, SCHEMA, call.tenant.settings.page_size)
    link = None
    if page.more:
        kept = "" if options.filter is None else f"&$filter={quote(options.filter)}"
        skip = options.skip + call.tenant.settings.page_size
        link = f"https://api.securitycenter.microsoft.com/api/machines?$skip={skip}{kept}"
    return odata.collection("Machines", page, options, next_link=link)


@operation("find_machines_by_ip", "GET", "machines/findbyip(ip='{ip}',timestamp={timestamp})", *_READ)
def find_machines_by_ip(call: Call) -> Reply:
    """List machines that held an internal address within 15 minutes either side of a time of the past 30 days."""
    found = _who_held(call, call.params["ip"], call.params["timestamp"], _QUARTER)
    return odata.collection("Machines", odata.Page(found, False), odata.Options())


@operation("find_machine_info_by_ip_legacy", "GET", "machines/find(timestamp={timestamp},key={ip})", *_READ)
def find_machine_info_by_ip_legacy(call: Call) -> Reply:
    """List machines that held an internal address within 16 minutes either side; none is a 404 here."""
    address = call.params["ip"].strip("'")
    found = _who_held(call, address, call.params["timestamp"], _QUARTER // 15 * 16)
    if not found:
        raise not_found(f"Machine with IP address {address}")
    return odata.collection("Machines", odata.Page(found, False), odata.Options())


@operation("find_machines_by_tag", "GET", "machines/findbytag", *_READ)
def find_machines_by_tag(call: Call) -> Reply:
    """List machines that carry a tag, or one that begins with it."""
    (tag,) = odata.plain(call.query, "tag")[-1:] or [""]
    if not tag:
        raise bodies.missing("tag")
    (prefix,) = odata.plain(call.query, "useStartsWithFilter")[-1:] or ["false"]
    if prefix.lower() not in ("true", "false"):
        raise ApiError(400, "InvalidInput", f"Invalid input useStartsWithFilter: {prefix}. It is true or false.")
    options = odata.parse(call.query)
    refresh(call)

    def carries(record: Record) -> bool:
        tags = record.document.get("machineTags")
        own = [str(item) for item in tags] if isinstance(tags, list) else []
        return any(item.startswith(tag) for item in own) if prefix.lower() == "true" else tag in own

    found = [record for record in call.tenant.machine_order if carries(record)]
    page = odata.apply(options, found, SCHEMA, call.tenant.settings.page_size)
    return odata.collection("Machines", page, options)


def _who_held(call: Call, address: str, timestamp: str, tolerance: int) -> list[Record]:
    wanted = ipaddress.ip_address(bodies.address(address))
    present = timestamps.to_ticks(call.now)
    try:
        moment = timestamps.read(timestamp)
    except ValueError:
        raise ApiError(400, "InvalidInput", f"Invalid input {timestamp}.") from None
    if not present - _MONTH <= moment <= present + _QUARTER:
        raise ApiError(400, "InvalidInput", "Invalid input timestamp: it must be within the past 30 days.")
    refresh(call)
    return [record for record in call.tenant.machine_order if _held(record, wanted, moment, tolerance)]


def _held(record: Record, wanted: ipaddress.IPv4Address | ipaddress.IPv6Address, moment: int, tolerance: int) -> bool:
    if record.ticks["lastSeen"] + tolerance < moment and record.document.get("healthStatus") != "Active":
        return False
    for item in record.document.get("ipAddresses") or ():
        try:
            if ipaddress.ip_address(item["ipAddress"]) == wanted and item.get("type") != "SoftwareLoopback":
                return True
        except (KeyError, TypeError, ValueError):
            continue
    return False


@operation("get_machine", "GET", "machines/{id}", *_READ)
def get_machine(call: Call) -> Reply:
    """Read one machine by its id or its DNS name."""
    named = call.tenant.find_machine(call.params["id"])
    return entity("Machines", machine_of(call, named.id if named else call.params["id"]).record.full())


@operation("get_machine_logon_users", "GET", "machines/{id}/logonusers", "User.Read.All")
def get_machine_logon_users(call: Call) -> Reply:
    """List the users seen logging on to a machine."""
    options = odata.parse(call.query)
    machine = machine_of(call, call.params["id"])
    users = [call.tenant.user(account, machine.id, call.now) for account in machine.users]
    page = odata.apply(
        options, [Record(user["id"], user, {}) for user in users], USER_SCHEMA, call.tenant.settings.page_size
    )
    return odata.collection("Users", page, options)


@operation("get_machine_alerts", "GET", "machines/{id}/alerts", "Alert.Read.All", "Alert.ReadWrite.All")
def get_machine_alerts(call: Call) -> Reply:
    """List the alerts of a machine; this list carries evidence without being asked (recorded)."""
    options = odata.parse(call.query, expandable=True)
    mine = _alerts_of_machine(call)
    page = odata.apply(options, mine, ALERT_SCHEMA, call.tenant.settings.page_size)
    call.tenant.deliver(record.key for record in page.records)
    shown = odata.Options(select=options.select, count=options.count, evidence=True)
    return odata.collection("Alerts", page, shown)


def _alerts_of_machine(call: Call) -> list[Record]:
    machine = machine_of(call, call.params["id"])
    return [record for record in call.tenant.alert_order if record.document.get("machineId") == machine.id]


@operation("count_machine_alerts", "GET", "machines/{id}/alerts/$count", "Alert.Read.All", "Alert.ReadWrite.All")
def count_machine_alerts(call: Call) -> Reply:
    """Count the alerts of a machine that pass a filter: a bare number."""
    options = odata.parse(call.query)
    mine = _alerts_of_machine(call)
    if options.filter is not None:
        test = odata.predicate(options.filter, ALERT_SCHEMA)
        mine = [record for record in mine if test(record)]
    return Reply(200, str(len(mine)).encode(), "text/plain")
