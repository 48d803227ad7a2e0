"""Files: what is known of them, and where they were seen."""

from ringfence.defender.documents.threats import File, FileStats
from ringfence.defender.operations.base import Operations, look_back, sha1
from ringfence.defender.session import segment
from ringfence.defender.wire import Alert, Machine


class FileOperations(Operations):
    """What can be asked of files."""

    async def get_file(self, file_hash: str) -> File:
        """Read what is known of a file by its SHA-1 or SHA-256.

        Needs File.Read.All; page get-file-information.
        """
        return await self._entity("get_file", File, segment(file_hash, "a file hash"))

    async def get_file_stats(self, file_hash: str, *, look_back_hours: int | None = None) -> FileStats:
        """Read how widespread a file is; `look_back_hours` is 1 to 720, 30 days if left out.

        Needs File.Read.All; page get-file-statistics.
        """
        part = segment(file_hash, "a file hash")
        return await self._entity("get_file_stats", FileStats, part, query=look_back(look_back_hours))

    async def get_file_alerts(self, file_sha1: str) -> list[Alert]:
        """Read the alerts that a file is part of; none for a file that is not known.

        Needs Alert.Read.All or Alert.ReadWrite.All; page get-file-related-alerts.
        """
        return await self._collect("get_file_alerts", Alert, sha1(file_sha1))

    async def get_file_machines(self, file_sha1: str) -> list[Machine]:
        """Read the machines that a file was seen on; none for a file that is not known.

        Needs Machine.Read.All or Machine.ReadWrite.All; page get-file-related-machines.
        """
        return await self._collect("get_file_machines", Machine, sha1(file_sha1))
