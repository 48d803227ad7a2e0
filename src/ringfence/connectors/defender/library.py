"""The library: the files that live response can put on machines or run there."""

from typing import Annotated

from pydantic import Field

from ringfence.actions import Context, Effect, Json
from ringfence.connectors.defender import connector

_PERMISSIONS = ("Library.Manage",)

FileName = Annotated[str, Field(description="The name of the file, without a path.", min_length=1, max_length=255)]


@connector.action(effect=Effect.READ, operations=("list_library_files",), permissions=_PERMISSIONS)
async def list_library_files(context: Context) -> Json:
    """List the files of the live-response library.

    Example:
        library:
          action: defender.list_library_files
    """
    return await context.defender.read("list_library_files")


@connector.action(
    effect=Effect.WRITE,
    operations=("upload_library_file", "list_library_files"),
    permissions=_PERMISSIONS,
    undo="defender.delete_library_file",
    repeatable=True,
)
async def upload_library_file(
    context: Context,
    name: FileName,
    text: Annotated[
        str,
        Field(
            description="What is in the file, at most 1 MB, e.g. a PowerShell script.",
            min_length=1,
            max_length=1_000_000,
            json_schema_extra={"format": "multi-line"},
        ),
    ],
    description: Annotated[str | None, Field(description="What the file is for.")] = None,
    parameters: Annotated[
        str | None, Field(description="Which parameters the script takes; only if it takes some.")
    ] = None,
    replace: Annotated[
        bool, Field(description="Replace a file of this name; otherwise another file of this name is an error.")
    ] = False,
) -> Json:
    """Put a script or another text into the live-response library, and give its entry.

    Example:
        script:
          action: defender.upload_library_file
          with:
            name: list-services.ps1
            text: Get-Service | ConvertTo-Json
            description: Lists the services of a machine
    """
    return await context.defender.write(
        "upload_library_file",
        key=context.step_key,
        file_name=name,
        content=text.encode(),
        description=description,
        parameters_description=parameters,
        override_if_exists=replace,
    )


@connector.action(effect=Effect.WRITE, operations=("delete_library_file",), permissions=_PERMISSIONS, repeatable=True)
async def delete_library_file(context: Context, name: FileName) -> Json:
    """Delete a file of the live-response library; `deleted` is false if there was none.

    Example:
        cleanup:
          action: defender.delete_library_file
          with: {name: list-services.ps1}
    """
    return await context.defender.write("delete_library_file", key=context.step_key, file_name=name)
