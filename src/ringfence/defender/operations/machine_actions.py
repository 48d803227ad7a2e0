"""Actions on machines: they only begin here, and are followed until they are final."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, Literal

from ringfence.defender.operations.base import LARGEST_DOWNLOAD, Operations, reason, sha1
from ringfence.defender.operations.machines import machine_segment
from ringfence.defender.session import segment
from ringfence.defender.wire import MachineAction

ScanType = Literal["Quick", "Full"]


class MachineActionOperations(Operations):
    """What can be done to machines.

    Each action raises ActiveRequestAlreadyExists when one of its kind is pending (or returns that one: the service does
    either), and ReplyLost when it may have been accepted. `external_id` comes back as the action's external_id, to find
    it again.
    """

    async def isolate_machine(
        self, machine_id: str, *, comment: str, isolation_type: str = "Full", external_id: str | None = None
    ) -> MachineAction:
        """Cut a machine off the network, except for Defender; returns the action, which has only begun.

        Needs Machine.Isolate; page isolate-machine. `isolation_type` is an IsolationType.
        """
        values = {"Comment": comment, "IsolationType": isolation_type, "ExternalId": external_id}
        return await self._act("isolate_machine", machine_id, values)

    async def unisolate_machine(
        self, machine_id: str, *, comment: str, external_id: str | None = None
    ) -> MachineAction:
        """Release a machine from isolation.

        Needs Machine.Isolate; page unisolate-machine.
        """
        return await self._act("unisolate_machine", machine_id, {"Comment": comment, "ExternalId": external_id})

    async def restrict_code_execution(
        self, machine_id: str, *, comment: str, external_id: str | None = None
    ) -> MachineAction:
        """Let only programs signed by Microsoft run on a machine.

        Needs Machine.RestrictExecution; page restrict-code-execution.
        """
        return await self._act("restrict_code_execution", machine_id, {"Comment": comment, "ExternalId": external_id})

    async def unrestrict_code_execution(
        self, machine_id: str, *, comment: str, external_id: str | None = None
    ) -> MachineAction:
        """Let all programs run on a machine again.

        Needs Machine.RestrictExecution; page unrestrict-code-execution.
        """
        values = {"Comment": comment, "ExternalId": external_id}
        return await self._act("unrestrict_code_execution", machine_id, values)

    async def run_av_scan(
        self, machine_id: str, *, comment: str, scan_type: ScanType = "Quick", external_id: str | None = None
    ) -> MachineAction:
        """Scan a machine with Defender Antivirus.

        Needs Machine.Scan; page run-av-scan.
        """
        values = {"Comment": comment, "ScanType": scan_type, "ExternalId": external_id}
        return await self._act("run_av_scan", machine_id, values)

    async def offboard_machine(self, machine_id: str, *, comment: str, external_id: str | None = None) -> MachineAction:
        """Take a Windows machine out of Defender; it can only be onboarded again on the machine itself.

        Needs Machine.Offboard; page offboard-machine-api.
        """
        return await self._act("offboard_machine", machine_id, {"Comment": comment, "ExternalId": external_id})

    async def stop_and_quarantine_file(
        self, machine_id: str, file_sha1: str, *, comment: str, external_id: str | None = None
    ) -> MachineAction:
        """Stop a file that runs on a machine, and quarantine it.

        Needs Machine.StopAndQuarantine or Machine.Read.All or Machine.ReadWrite.All; page stop-and-quarantine-file. That a
        role for reading should do is what the page says; it is doubtful.
        """
        values = {"Comment": comment, "Sha1": sha1(file_sha1), "ExternalId": external_id}
        return await self._act("stop_and_quarantine_file", machine_id, values)

    async def collect_investigation_package(
        self, machine_id: str, *, comment: str, external_id: str | None = None
    ) -> MachineAction:
        """Collect a forensic package from a machine; get_package_sas_uri gives it when the action has succeeded.

        Needs Machine.CollectForensics; page collect-investigation-package.
        """
        values = {"Comment": comment, "ExternalId": external_id}
        return await self._act("collect_investigation_package", machine_id, values)

    async def get_package_sas_uri(self, action_id: str) -> str:
        """Return the short-lived address of a forensic package; NotFound while it is still being collected.

        Needs Machine.Read.All or Machine.ReadWrite.All; page get-package-sas-uri. Whoever has the address has the package.
        """
        return await self._link("get_package_sas_uri", action_segment(action_id))

    def package(self, action_id: str, *, largest: int = LARGEST_DOWNLOAD) -> AsyncGenerator[bytes, None]:
        """Yield a forensic package, a ZIP file of at most `largest` bytes, in pieces; the rules are get_package_sas_uri's."""
        return self._file("get_package_sas_uri", action_segment(action_id), largest=largest)

    async def download_package(self, action_id: str, *, largest: int = LARGEST_DOWNLOAD) -> bytes:
        """Fetch a whole forensic package into memory; `package` does without."""
        return b"".join([part async for part in self.package(action_id, largest=largest)])

    def list_machine_actions(
        self,
        *,
        filter: str = "",  # noqa: A002 - the query option's own name
        order_by: str = "",
        top: int = 1000,
        limit: int | None = None,
    ) -> AsyncIterator[MachineAction]:
        """Yield machine actions in pages of `top` (1 to 10,000), at most `limit`.

        Needs Machine.Read.All or Machine.ReadWrite.All; page get-machineactions-collection.
        """
        query = {"$filter": filter, "$orderby": order_by}
        return self._list("list_machine_actions", MachineAction, query=query, top=top, limit=limit)

    async def get_machine_action(self, action_id: str) -> MachineAction:
        """Read one machine action.

        Needs Machine.Read.All or Machine.ReadWrite.All; page get-machineaction-object.
        """
        return await self._entity("get_machine_action", MachineAction, action_segment(action_id))

    async def cancel_machine_action(self, action_id: str, *, comment: str) -> MachineAction:
        """Cancel a machine action that is not final; ReplyLost when it may have been accepted.

        Needs Machine.CollectForensics or Machine.Isolate or Machine.RestrictExecution or Machine.Scan or Machine.Offboard
        or Machine.StopAndQuarantine or Machine.LiveResponse; page cancel-machine-action.
        """
        body = {"Comment": reason(comment)}
        return await self._entity(
            "cancel_machine_action", MachineAction, action_segment(action_id), body=body, effect=True
        )

    async def _act(self, operation_id: str, machine_id: str, values: dict[str, Any]) -> MachineAction:
        reason(values["Comment"])
        body = {name: value for name, value in values.items() if value is not None}
        return await self._entity(operation_id, MachineAction, machine_segment(machine_id), body=body, effect=True)


def action_segment(action_id: str) -> str:
    """Return a machine action's id as a part of a path."""
    return segment(action_id, "a machine action id")
