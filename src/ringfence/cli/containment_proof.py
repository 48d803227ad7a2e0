"""`ringfence containment proof`: everything that proves one containment, as one file."""

from pathlib import Path
from typing import Annotated

import typer

from ringfence.audit.heads import Signer
from ringfence.cli.documents import put
from ringfence.cli.invocation import By, Json, invocation, who
from ringfence.cli.terminal import say
from ringfence.containment import proof as proofs
from ringfence.containment import proof_package
from ringfence.errors import Invalid


def proof(
    context: typer.Context,
    containment_id: Annotated[str, typer.Argument(metavar="ID", help="The containment's id.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write the ZIP; `-` is stdout.")
    ] = None,
    by: By = None,
    json_: Json = False,
) -> None:
    """Write the proof of a containment as a ZIP: JSON, a page to read, its audit entries, and a manifest of hashes.

    With --json and no file, print the proof itself.
    """
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        database = installation.database
        if json_ and output is None:
            put(database.read_now(lambda tx: proofs.document(tx, organization.id, containment_id, by=who(by))))
            return
        signer = Signer(called.settings.data)
        made = database.run_now(lambda tx: proof_package.make(tx, organization.id, containment_id, signer, by=who(by)))
    if str(output) == "-":
        typer.get_binary_stream("stdout").write(made.content)
        return
    path = output or Path(made.name)
    try:
        path.write_bytes(made.content)
    except OSError as error:
        raise Invalid(f"{path} cannot be written: {error.strerror}.", advice="Choose another file with -o.") from error
    if json_:
        put({"file": str(path), "bytes": len(made.content)})
    else:
        say(f"Wrote {path}. Open proof.html in it to read; manifest.json holds the hashes.")
