"""`ringfence db`."""

import typer

from ringfence.cli.documents import put
from ringfence.cli.invocation import Json, invocation
from ringfence.cli.terminal import say
from ringfence.storage import Database, schema
from ringfence.storage.database import make_url

app = typer.Typer(no_args_is_help=True)


@app.callback()
def database() -> None:
    """Care for the database."""


@app.command()
def upgrade(context: typer.Context, json_: Json = False) -> None:
    """Bring the tables to what this release needs; back the database up first."""
    called = invocation(context)
    called.set_logging(serving=False)
    opened = Database(make_url(called.settings), threads=1)
    try:
        before, after = schema.upgrade(opened)
    finally:
        opened.close()
    if json_:
        put({"before": before, "after": after})
    elif before == after:
        say(f"The database is at revision {after} already.")
    else:
        say(f"The database was at revision {before or 'none'} and is at {after} now.")
