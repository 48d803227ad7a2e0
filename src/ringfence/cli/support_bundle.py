"""`ringfence support-bundle`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from ringfence.cli.documents import put
from ringfence.cli.invocation import Json, invocation
from ringfence.cli.terminal import hint, say
from ringfence.diagnosis import bundle, doctor
from ringfence.errors import Invalid


def support_bundle(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="Where to write it; else a new file here.")] = None,
    json_: Json = False,
) -> None:
    """Write a zip for whoever helps: versions, settings without secrets, health, recent errors, tables and their counts."""
    called = invocation(context)
    with called.opened() as installation:
        settings, database = installation.settings, installation.database
        report = doctor.examine(settings, database, lambda: installation.vault)
        content = bundle.make(settings, database, installation.vault, report)
    path = file or bundle.name_of()
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as written:
            written.write(content)
    except OSError as error:
        raise Invalid(f"{path} cannot be written: {error.strerror}.", advice="Choose another file.") from error
    if json_:
        put({"file": str(path), "bytes": len(content)})
        return
    say(f"Wrote {path}.")
    hint(
        "There are no secrets in it, but names of organizations, accounts and playbooks: look at it before you send it."
    )
