"""What `ringfence containment` says of hosts that others isolated, and of those that nobody comes back to."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

import typer

from ringfence.cli.documents import form, put
from ringfence.cli.invocation import Json, invocation
from ringfence.cli.moments import age
from ringfence.cli.terminal import Column, heading, hint, say, styled, table
from ringfence.containment.isolations import Isolation, Reading
from ringfence.containment.orphans import OLDER_THAN, orphans
from ringfence.playbooks.durations import Duration

COLUMNS = [
    Column("host", flexible=True),
    Column("in Defender"),
    Column("by", flexible=True),
    Column("since"),
    Column("reason", flexible=True, optional=True),
]


def described(row: Isolation) -> dict[str, Any]:
    """Return how a machine stands as JSON."""
    document: dict[str, Any] = form(row)
    said = {"origin": row.origin.value, "owner": row.owner, "foreign": row.foreign, "problem": row.problem}
    return document | said


def show(rows: Sequence[Isolation], title: str) -> None:
    """Print how machines stand, under a heading; nothing where there are none."""
    if not rows:
        return
    heading(title)
    table(
        COLUMNS,
        [[row.name, styled(row.state), row.open_by or row.owner, age(row.since), row.comment or ""] for row in rows],
    )
    for row in rows:
        if row.problem:
            say(f"{row.name}: {row.problem}")


def warn(readings: Sequence[Reading]) -> None:
    """Say for which accounts Defender could not be looked at."""
    for each in readings:
        if each.error:
            seen = f"seen {age(each.read_at)}" if each.read_at else "never seen"
            say(f"{each.account_name}: what others do is not looked at ({seen}). {each.error}")


def list_orphans(
    context: typer.Context,
    older_than: Annotated[
        str | None, typer.Option(help="Isolated for longer than this, such as `24 h`.", metavar="DURATION")
    ] = None,
    json_: Json = False,
) -> None:
    """List hosts that are isolated for long with nobody bound to come back: no open incident, no run, no timer."""
    called = invocation(context)
    older = OLDER_THAN
    if older_than is not None:
        try:
            older = timedelta(seconds=Duration.parse(older_than).seconds)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--older-than") from None
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: orphans(tx, organization.id, older_than=older))
    if json_:
        items = [form(each) | {"isolation": described(each.isolation)} for each in found]
        put({"items": items, "next": None})
        return
    if not found:
        hint("Somebody comes back to every host that is isolated for so long.")
        return
    columns = [
        Column("host", flexible=True),
        Column("isolated"),
        Column("ask", flexible=True),
        Column("because", flexible=True),
    ]
    table(columns, [[each.isolation.name, age(each.since), each.ask, each.why] for each in found])
