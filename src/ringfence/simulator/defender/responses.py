"""Response actions beside isolation: restriction, scan, quarantine, forensic package, offboarding."""

from ringfence.simulator.defender import bodies
from ringfence.simulator.defender.machine_actions import respond
from ringfence.simulator.defender.registry import operation
from ringfence.simulator.operations import Call, Reply


@operation("restrict_code_execution", "POST", "machines/{id}/restrictCodeExecution", "Machine.RestrictExecution")
def restrict_code_execution(call: Call) -> Reply:
    """Let a machine run only what Microsoft signed."""
    return respond(call, "RestrictCodeExecution", {}, call.json_body())


@operation("unrestrict_code_execution", "POST", "machines/{id}/unrestrictCodeExecution", "Machine.RestrictExecution")
def unrestrict_code_execution(call: Call) -> Reply:
    """Let a machine run everything again."""
    return respond(call, "UnrestrictCodeExecution", {}, call.json_body())


@operation("run_av_scan", "POST", "machines/{id}/runAntiVirusScan", "Machine.Scan")
def run_av_scan(call: Call) -> Reply:
    """Scan a machine for malware."""
    body = call.json_body()
    scope = bodies.choice(body, "ScanType", ("Quick", "Full"))
    return respond(call, "RunAntiVirusScan", {"scope": scope}, body)


@operation("offboard_machine", "POST", "machines/{id}/offboard", "Machine.Offboard")
def offboard_machine(call: Call) -> Reply:
    """Take a machine out of the service: it stops reporting. Answered with 200, unlike the other actions."""
    return respond(call, "Offboard", {}, call.json_body(), status=200)


@operation(
    "stop_and_quarantine_file",
    "POST",
    "machines/{id}/StopAndQuarantineFile",
    "Machine.StopAndQuarantine",
    "Machine.Read.All",
    "Machine.ReadWrite.All",
)
def stop_and_quarantine_file(call: Call) -> Reply:
    """Stop a file that runs and quarantine it."""
    body = call.json_body()
    sha1 = bodies.hash_of(bodies.text(body, "Sha1"), "sha1")
    file = {"fileIdentifier": sha1, "fileIdentifierType": "Sha1"}
    return respond(call, "StopAndQuarantineFile", {"relatedFileInfo": file}, body)


@operation(
    "collect_investigation_package",
    "POST",
    "machines/{id}/collectInvestigationPackage",
    "Machine.CollectForensics",
)
def collect_investigation_package(call: Call) -> Reply:
    """Collect what a forensic examination needs."""
    return respond(call, "CollectInvestigationPackage", {}, call.json_body())
