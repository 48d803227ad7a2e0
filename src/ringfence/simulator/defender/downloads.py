"""Links to files, signed and short-lived, and the files behind them: the link is all that a download needs."""

import base64
import csv
import hmac
import io
import json
import zipfile
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlencode

from ringfence.simulator import ids, inventory, sightings, telemetry, timestamps
from ringfence.simulator.operations import Call, Reply
from ringfence.simulator.record import Document
from ringfence.simulator.tenant import Action, Tenant

if TYPE_CHECKING:
    from ringfence.simulator.world import Simulator

PACKAGE, RESULT = "download_package", "download_live_response_result"
_PACKAGE_PATH = ["safedownload", "WDATP_Investigation_Package.zip"]
_RESULT_FOLDER = "investigation-actions-data"
_OLDEST = (1980, 1, 1, 0, 0, 0)


def package_link(call: Call, action: Action) -> str:
    """Return a link to the forensic package of an action."""
    token = _token(call, action, "package")
    return f"{call.origin}/{'/'.join(_PACKAGE_PATH)}?{urlencode({'token': token})}"


def result_link(call: Call, action: Action, index: int) -> str:
    """Return a link to the result of a live-response command; each call makes another."""
    ends = timestamps.stamp(int(call.now + call.simulator.clock.duration(call.tenant.settings.link_seconds)))
    query = {"se": ends, "sp": "r", "sv": "2019-07-07", "sr": "b", "sig": _token(call, action, str(index))}
    name = ids.hex40(action.record.key, index)[:32]
    return f"{call.origin}/{_RESULT_FOLDER}/{action.record.key}/CustomPlaybookCommandOutput/{name}?{urlencode(query)}"


def operation_of(parts: list[str]) -> str | None:
    """Return what a path downloads, None if it is no download."""
    if parts == _PACKAGE_PATH:
        return PACKAGE
    return RESULT if len(parts) == 4 and parts[0] == _RESULT_FOLDER else None


def serve(simulator: "Simulator", operation: str, query: str, now: float) -> Reply:
    """Serve the file of a link: 403 in the shape of the blob storage for a link that is wrong or has ended."""
    values = parse_qs(query)
    token = (values.get("sig" if operation == RESULT else "token") or [""])[0]
    read = _read(simulator, token, now)
    if read is None:
        return Reply(403, _DENIED, "application/xml")
    tenant, action, what = read
    if (what == "package") != (operation == PACKAGE):
        return Reply(403, _DENIED, "application/xml")
    if what == "package":
        headers = {"Content-Disposition": f'attachment; filename="{_PACKAGE_PATH[1]}"'}
        return Reply(200, package(tenant, action), "application/zip", headers)
    result = action.results[int(what)] or {}
    if "transcript" in result:
        return Reply(200, json.dumps(result["transcript"], indent=2).encode(), "application/json")
    content = base64.b64decode(result["content"])
    name = f"attachment; filename*=UTF-8''{quote(result['file'].encode('utf-8', 'replace'), safe='')}.zip"
    zipped = _zip({result["file"]: content}, str(action.record.document["lastUpdateDateTimeUtc"]))
    return Reply(200, zipped, "application/zip", {"Content-Disposition": name})


_DENIED = (
    b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?><Error><Code>AuthenticationFailed</Code><Message>Server '
    b"failed to authenticate the request. Make sure the value of Authorization header is formed correctly including "
    b"the signature.</Message></Error>"
)


def _token(call: Call, action: Action, what: str) -> str:
    ends = int(call.now + call.simulator.clock.duration(call.tenant.settings.link_seconds))
    text = f"{call.tenant.id}.{action.record.key}.{what}.{ends}.{call.entry.sequence}"
    return f"{text}.{_sign(call.tenant, text)}"


def _sign(tenant: Tenant, text: str) -> str:
    return ids.hex64("download", tenant.seed, tenant.id, text)


def _read(simulator: "Simulator", token: str, now: float) -> tuple[Tenant, Action, str] | None:
    text, _, signature = token.rpartition(".")
    parts = text.split(".")
    tenant = simulator.tenants.get(parts[0].lower())
    if tenant is None or not hmac.compare_digest(signature.encode("utf-8", "replace"), _sign(tenant, text).encode()):
        return None
    action = tenant.actions.get(parts[1])
    return (tenant, action, parts[2]) if action is not None and now < int(parts[3]) else None


def package(tenant: Tenant, action: Action) -> bytes:
    """Build the forensic package of a machine: a ZIP of what the tenant knows of it."""
    machine = tenant.machines[action.machine_id]
    ended = str(action.record.document["lastUpdateDateTimeUtc"])
    events = [event for event in telemetry.events(tenant) if event.machine_id == machine.id]
    processes = [event.evidence for event in events if event.evidence.get("entityType") == "Process"]
    sources = (record for record in tenant.alert_order if record.document.get("machineId") == machine.id)
    addresses = [
        item for record in sources for item in sightings.evidence_of(record.document) if item.get("entityType") == "Ip"
    ]
    software = [
        {"Name": product.title, "Vendor": product.vendor, "Version": product.version(behind)}
        for product, behind in inventory.installed(tenant, machine).items()
    ]
    summary = {"DeviceName": machine.name, "DeviceId": machine.id, "CollectedAt": ended, "Events": len(events)}
    files = {
        "Forensics Collection Summary.csv": _table([summary]),
        "Installed programs/InstalledPrograms.csv": _table(software),
        "Processes/Processes.csv": _table(
            processes, ("processId", "fileName", "filePath", "processCommandLine", "sha1", "parentProcessFileName")
        ),
        "Network connections/ActiveNetConnections.csv": _table(addresses, ("ipAddress", "evidenceCreationTime")),
        "Users and groups/Users.csv": _table([{"Account": user} for user in machine.users]),
    }
    return _zip(files, ended)


def _table(rows: list[Document], columns: tuple[str, ...] | None = None) -> bytes:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns or (list(rows[0]) if rows else ["Empty"]), extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue().encode("utf-8", "replace")


def _zip(files: dict[str, bytes], moment: str) -> bytes:
    buffer = io.BytesIO()
    date = moment.replace("T", "-").replace(":", "-")[:19].split("-")
    stamp = tuple(int(part) for part in date)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(
                name.encode("utf-8", "replace").decode(), (stamp[0], stamp[1], stamp[2], stamp[3], stamp[4], stamp[5])
            )
            if stamp[0] < _OLDEST[0]:
                info.date_time = _OLDEST
            archive.writestr(info, content)
    return buffer.getvalue()
