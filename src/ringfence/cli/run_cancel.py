"""`ringfence run cancel`."""

from typing import Annotated

import typer

from ringfence.cli.documents import put
from ringfence.cli.invocation import By, Json, invocation, who
from ringfence.cli.terminal import hint, say
from ringfence.runs import cancelling
from ringfence.runs.model import RunStatus


def cancel(
    context: typer.Context,
    run_id: Annotated[str, typer.Argument(metavar="ID", help="The run's id.")],
    reason: Annotated[str, typer.Option(help="Why, in a few words; it is kept.")] = "",
    by: By = None,
    json_: Json = False,
) -> None:
    """End a run before its time: nothing more is begun, what is at work is waited for, what goes on is named."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        status = installation.database.run_now(
            lambda tx: cancelling.request(tx, organization.id, run_id, by=who(by), reason=reason)
        )
    if json_:
        put({"run_id": run_id, "status": status.value})
    elif status is RunStatus.CANCELLED:
        say("Cancelled; nothing of it had begun.")
    else:
        say("Asked for; a running worker ends it.")
        hint(f"See what became of it: `ringfence run show {run_id}`.")
