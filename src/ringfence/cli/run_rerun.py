"""`ringfence run rerun`."""

from typing import Annotated, Any

import typer

from ringfence.cli.documents import form, put
from ringfence.cli.invocation import By, Json, invocation, who
from ringfence.cli.terminal import hint, say
from ringfence.errors import Conflict
from ringfence.runs import rerun as reruns
from ringfence.runs.rerun import Part, Rerun


def rerun(
    context: typer.Context,
    run_id: Annotated[str, typer.Argument(metavar="ID", help="The run's id.")],
    step: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="STEP",
            help="Only from this step on, or one item of a loop (isolate[3]); may be given several times.",
        ),
    ] = None,
    newest: Annotated[bool, typer.Option("--newest", help="By the newest version instead of the run's own.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would do.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    by: By = None,
    json_: Json = False,
) -> None:
    """Do a run again with the same trigger, as a whole or from a step on; says first what would be done once more."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(
            lambda tx: reruns.look(tx, organization.id, run_id, installation.catalogue, steps=step or (), newest=newest)
        )
        if not json_:
            for sentence in found.sentences:
                say(sentence)
        if dry_run:
            if json_:
                put(_document(found))
            return
        if not yes and called.outside.confirm("Do it?") is not True:
            raise Conflict("Nothing was done.", advice="Say yes, or give --yes where nobody can be asked.")
        made = installation.database.run_now(
            lambda tx: reruns.begin(
                tx,
                organization.id,
                run_id,
                installation.catalogue,
                by=who(by),
                steps=step or (),
                newest=newest,
            )
        )
    if json_:
        put(_document(found) | {"id": made})
    else:
        say(f"Asked for: {made}. A running worker carries it out.")
        hint(f"See what became of it: `ringfence run show {made}`.")


def _document(found: Rerun) -> dict[str, Any]:
    def parts(of: tuple[Part, ...]) -> list[dict[str, Any]]:
        return [form(each) | {"outside": each.outside} for each in of]

    return {**form(found), "again": parts(found.again), "kept": parts(found.kept), "sentences": list(found.sentences)}
