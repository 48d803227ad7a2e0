"""`ringfence account budget`."""

from typing import Annotated

import typer
from rich.text import Text

from ringfence.accounts import budgets
from ringfence.accounts.budgets import Budget
from ringfence.app import only_account
from ringfence.cli.documents import form, put
from ringfence.cli.invocation import Json, invocation
from ringfence.cli.terminal import Column, say, styled, table
from ringfence.clock import iso
from ringfence.storage import Transaction

Name = Annotated[str | None, typer.Argument(help="Which account, if there are several.")]
_PURPOSES = ("release", "contain", "confirm", "ingest", "enrich")


def budget(context: typer.Context, name: Name = None, json_: Json = False) -> None:
    """Show what is left of the calls that Microsoft grants an account, by what they are made for."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)

        def look(tx: Transaction) -> tuple[str, list[Budget]]:
            found = only_account(tx, organization.id, name)
            return found.name, budgets.left(tx, found, limits=installation.limits)

        account, found = installation.database.read_now(look)
    if json_:
        put({"account": account, "items": [form(each) for each in found]})
        return
    table(
        [Column("calls"), Column("within"), Column("spent"), *(Column(each, right=True) for each in _PURPOSES)],
        rows(found),
    )
    for each in found:
        if each.closed_until is not None:
            say(
                f"Microsoft asked to wait: {each.operation or each.api} is called again from {iso(each.closed_until)} on."
            )


def rows(found: list[Budget]) -> list[list[str | Text]]:
    """Return the lines of the table."""
    return [
        [
            each.operation or each.api,
            "a minute" if each.seconds == 60 else "an hour",
            f"{each.spent} of {each.calls}",
            *(str(each.left[purpose]) if each.left[purpose] else styled("none") for purpose in _PURPOSES),
        ]
        for each in found
    ]
