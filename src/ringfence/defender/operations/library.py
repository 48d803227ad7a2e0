"""The library of files that live response can put on machines or run."""

from ringfence.defender.documents.threats import LibraryFile
from ringfence.defender.errors import InvalidArgument
from ringfence.defender.operations.base import Operations
from ringfence.defender.session import Upload, segment

LARGEST_LIBRARY_FILE = 20 * 1024 * 1024


class LibraryOperations(Operations):
    """What can be done with the library."""

    async def list_library_files(self) -> list[LibraryFile]:
        """Read what is in the library.

        Needs Library.Manage; page list-library-files.
        """
        return await self._collect("list_library_files", LibraryFile)

    async def upload_library_file(
        self,
        file_name: str,
        content: bytes,
        *,
        description: str | None = None,
        parameters_description: str | None = None,
        override_if_exists: bool = False,
    ) -> LibraryFile:
        """Put a file of up to 20 MB into the library.

        Needs Library.Manage; page upload-library. With `override_if_exists` it is safe to repeat and is retried; without, a
        lost reply is raised as ReplyLost.
        """
        if len(content) > LARGEST_LIBRARY_FILE:
            raise InvalidArgument(f"{len(content)} bytes are too many for the library.", advice="Send at most 20 MB.")
        name = file_name.strip()
        if not name or not name.isprintable() or any(character in name for character in '/\\"'):
            raise InvalidArgument(f"{file_name[:80]!r} cannot be a file's name.", advice="Pass a name without a path.")
        values = {
            "Description": description,
            "ParametersDescription": parameters_description,
            "HasParameters": "true" if parameters_description else "false",
            "OverrideIfExists": "true" if override_if_exists else "false",
        }
        fields = {key: value for key, value in values.items() if value is not None}
        upload = Upload(file_name=name, content=content, fields=fields)
        return await self._entity("upload_library_file", LibraryFile, body=upload, effect=not override_if_exists)

    async def delete_library_file(self, file_name: str) -> None:
        """Delete a file of the library; after a lost reply it is tried again, and NotFound then means that it is gone.

        Needs Library.Manage; page delete-library.
        """
        await self._nothing("delete_library_file", segment(file_name, "a file's name"))
