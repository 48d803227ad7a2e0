"""Machines: find, read, tag and value them, and what is installed on them."""

import ipaddress
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Literal

from ringfence.defender.documents.exposure import MissingUpdate, Recommendation, Software, Vulnerability
from ringfence.defender.errors import InvalidArgument, NotFound, WrongAddress
from ringfence.defender.odata import moment
from ringfence.defender.operations.base import Operations, batch, given, required
from ringfence.defender.session import segment
from ringfence.defender.wire import Alert, Machine, User

TagAction = Literal["Add", "Remove"]
DeviceValue = Literal["Normal", "Low", "High"]
MOST_TAGGED = 500


class MachineOperations(Operations):
    """What can be done with machines, except for actions on them."""

    async def list_machines(
        self,
        *,
        filter: str = "",  # noqa: A002 - the query option's own name
        top: int = 1000,
        limit: int | None = None,
    ) -> AsyncIterator[Machine]:
        """Yield machines in pages of `top` (1 to 10,000), at most `limit`.

        Needs Machine.Read.All or Machine.ReadWrite.All; page get-machines.
        """
        started = False
        try:
            async for machine in self._list("list_machines", Machine, query={"$filter": filter}, top=top, limit=limit):
                started = True
                yield machine
        except NotFound as error:
            # get-machines.md promises a 404, not an empty list, to a tenant without recent machines.
            if started or isinstance(error, WrongAddress):
                raise

    async def get_machine(self, machine: str) -> Machine:
        """Read one machine by its id or its DNS name.

        Needs Machine.Read.All or Machine.ReadWrite.All; page get-machine-by-id.
        """
        return await self._entity("get_machine", Machine, segment(machine, "a machine id or name"))

    async def get_machine_logon_users(self, machine_id: str) -> list[User]:
        """Read the users who were seen to log on to a machine.

        Needs User.Read.All; page get-machine-log-on-users.
        """
        return await self._collect("get_machine_logon_users", User, machine_segment(machine_id))

    async def get_machine_alerts(self, machine_id: str) -> list[Alert]:
        """Read a machine's alerts.

        Needs Alert.Read.All or Alert.ReadWrite.All; page get-machine-related-alerts.
        """
        return await self._collect("get_machine_alerts", Alert, machine_segment(machine_id))

    async def count_machine_alerts(self, machine_id: str, *, filter: str = "") -> int:  # noqa: A002
        """Count a machine's alerts.

        Needs Alert.Read.All or Alert.ReadWrite.All; page exposed-apis-odata-samples.
        """
        return await self._count("count_machine_alerts", machine_segment(machine_id), query={"$filter": filter})

    async def find_machines_by_ip(self, ip: str, timestamp: datetime) -> list[Machine]:
        """Find the machines that used an internal address within 15 minutes either side of a time in the past 30 days.

        Needs Machine.Read.All or Machine.ReadWrite.All; page find-machines-by-ip.
        """
        return await self._collect("find_machines_by_ip", Machine, address_segment(ip), moment(timestamp))

    async def find_machine_info_by_ip_legacy(self, ip: str, timestamp: datetime) -> list[Machine]:
        """Find the machines that used an internal address within 16 minutes either side of a time: the older way.

        Needs Machine.Read.All or Machine.ReadWrite.All; page find-machine-info-by-ip. No machine is a NotFound here.
        """
        return await self._collect(
            "find_machine_info_by_ip_legacy", Machine, moment(timestamp), f"'{address_segment(ip)}'"
        )

    async def find_machines_by_tag(self, tag: str, *, starts_with: bool = False) -> list[Machine]:
        """Find the machines that carry a tag, or a tag that starts so.

        Needs Machine.Read.All or Machine.ReadWrite.All; page find-machines-by-tag.
        """
        query = {"tag": required(tag, "tag"), "useStartsWithFilter": "true" if starts_with else "false"}
        return await self._collect("find_machines_by_tag", Machine, query=query)

    async def add_or_remove_machine_tag(self, machine_id: str, tag: str, *, action: TagAction = "Add") -> Machine:
        """Add a tag to a machine, or remove it; doing so twice changes nothing more.

        Needs Machine.ReadWrite.All; page add-or-remove-machine-tags.
        """
        body = {"Value": required(tag, "tag"), "Action": action}
        return await self._entity("add_or_remove_machine_tag", Machine, machine_segment(machine_id), body=body)

    async def add_or_remove_tag_multiple_machines(
        self, machine_ids: Sequence[str], tag: str, *, action: TagAction = "Add"
    ) -> list[Machine]:
        """Add a tag to up to 500 machines, or remove it.

        Needs Machine.ReadWrite.All; page add-or-remove-multiple-machine-tags.
        """
        body = {
            "Value": required(tag, "tag"),
            "Action": action,
            "MachineIds": batch(list(machine_ids), "machine ids", MOST_TAGGED),
        }
        return await self._value("add_or_remove_tag_multiple_machines", Machine, body=body)

    async def set_device_value(self, machine_id: str, value: DeviceValue) -> Machine:
        """Say how much a machine matters.

        Needs Machine.ReadWrite.All; page set-device-value.
        """
        return await self._entity("set_device_value", Machine, machine_segment(machine_id), body={"DeviceValue": value})

    async def update_machine(
        self,
        machine_id: str,
        *,
        machine_tags: Sequence[str] | None = None,
        device_value: DeviceValue | None = None,
    ) -> Machine:
        """Set a machine's tags or value; what is None stays as it is.

        Needs Machine.ReadWrite.All; page update-machine-method. The page says both that tags are added and that they are
        replaced: read them, merge, and send all. For one tag use add_or_remove_machine_tag.
        """
        tags = None if machine_tags is None else list(machine_tags)
        body = given({"machineTags": tags, "deviceValue": device_value})
        return await self._entity("update_machine", Machine, machine_segment(machine_id), body=body)

    async def get_installed_software(self, machine_id: str) -> list[Software]:
        """Read what is installed on a machine.

        Needs Software.Read.All; page get-installed-software.
        """
        return await self._collect("get_installed_software", Software, machine_segment(machine_id))

    async def get_discovered_vulnerabilities(self, machine_id: str) -> list[Vulnerability]:
        """Read the vulnerabilities of a machine.

        Needs Vulnerability.Read.All; page get-discovered-vulnerabilities.
        """
        return await self._collect("get_discovered_vulnerabilities", Vulnerability, machine_segment(machine_id))

    async def get_security_recommendations(self, machine_id: str) -> list[Recommendation]:
        """Read what would make a machine safer.

        Needs SecurityRecommendation.Read.All; page get-security-recommendations.
        """
        return await self._collect("get_security_recommendations", Recommendation, machine_segment(machine_id))

    async def get_missing_kbs_machine(self, machine_id: str) -> list[MissingUpdate]:
        """Read the Windows updates that a machine lacks.

        Needs Software.Read.All; page get-missing-kbs-machine.
        """
        return await self._collect("get_missing_kbs_machine", MissingUpdate, machine_segment(machine_id))


def machine_segment(machine_id: str) -> str:
    """Return a machine id as a part of a path."""
    return segment(machine_id, "a machine id")


def address_segment(ip: str) -> str:
    """Return an IP address, plainly written, as a part of a path; InvalidArgument if it is none."""
    try:
        address = str(ipaddress.ip_address(ip.strip()))
    except ValueError:
        raise InvalidArgument(f"{ip[:80]!r} is not an IP address.", advice="Pass an IPv4 or IPv6 address.") from None
    return segment(address, "an address")
