"""`ringfence filter`."""

from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.documents import form, put
from ringfence.cli.invocation import Json, invocation
from ringfence.cli.terminal import Column, hint, say, table
from ringfence.errors import Forbidden, Invalid, NotFound
from ringfence.organizations import members
from ringfence.security import people
from ringfence.security.rbac import Actor, command_line
from ringfence.storage import Transaction
from ringfence.views import columns, saved
from ringfence.views.lists import List, by_name

if TYPE_CHECKING:
    from ringfence.organizations.model import Organization

app = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The filter's name.")]
Of = Annotated[str, typer.Option("--of", help="The name by which the person signs in whose it is.", metavar="PERSON")]
ListName = Annotated[str, typer.Option("--list", help="The list: alerts, incidents, executions …", metavar="LIST")]


@app.callback()
def filter_() -> None:
    """Keep filters of lists for people, and the columns that they see."""


@app.command("list")
def list_(
    context: typer.Context,
    of: Annotated[
        str | None, typer.Option("--of", help="Whose, beside those that are shared; else only these.", metavar="PERSON")
    ] = None,
    list_name: Annotated[str | None, typer.Option("--list", help="Of one list only.", metavar="LIST")] = None,
    json_: Json = False,
) -> None:
    """List the saved filters that somebody may use."""
    called = invocation(context)

    def look(tx: Transaction) -> list[saved.Filter]:
        asker = _person(tx, of, organization) if of is not None else command_line("", organization.id)
        return saved.visible(tx, asker, None if list_name is None else by_name(list_name).name)

    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(look)
    if json_:
        put({"items": [form(each) | {"address": each.address} for each in found], "next": None})
    elif not found:
        hint("No filter is shared." if of is None else "There is no filter yet: `ringfence filter save`.")
    else:
        shown = [Column("list"), Column("name"), Column("filter", flexible=True), Column("of"), Column("shared")]
        table(shown, [[each.list, each.name, each.query, each.owner, "yes" if each.shared else ""] for each in found])


@app.command()
def save(
    context: typer.Context,
    name: Name,
    list_name: ListName,
    query: Annotated[
        str, typer.Option(help="What the address of the page says after the question mark: severity=High&status=New.")
    ],
    of: Of,
    shared: Annotated[bool, typer.Option("--shared", help="Everybody in the organization sees it.")] = False,
    default: Annotated[bool, typer.Option("--default", help="The list opens with it for this person.")] = False,
    json_: Json = False,
) -> None:
    """Save a filter of a list for somebody; one of theirs that has this name is replaced."""
    called = invocation(context)

    def work(tx: Transaction) -> saved.Filter:
        kind = by_name(list_name)
        if strange := kind.unknown(query):
            raise Invalid(
                f"{kind.title} have no filter {strange[0][:60]!r}.", advice=f"There are: {', '.join(kind.fields)}."
            )
        asker = _person(tx, of, organization)
        return saved.save(tx, asker, kind.name, name, query, shared=shared, as_default=default)

    with called.opened() as installation:
        organization = called.organization(installation)
        made = installation.database.run_now(work)
    if json_:
        put({"filter": form(made) | {"address": made.address}})
    else:
        say(f"{made.name} is saved: {made.address}")


@app.command()
def remove(context: typer.Context, name: Name, list_name: ListName, of: Of, json_: Json = False) -> None:
    """Remove a filter of somebody's own."""
    called = invocation(context)

    def work(tx: Transaction) -> saved.Filter:
        asker = _person(tx, of, organization)
        mine = [each for each in saved.visible(tx, asker, by_name(list_name).name) if each.mine]
        found = next((each for each in mine if each.name == name), None)
        if found is None:
            there = ", ".join(each.name for each in mine) or "none"
            raise NotFound(f"{of} has no filter of this list named {name!r}.", advice=f"There are: {there}.")
        return saved.remove(tx, asker, found.id)

    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.run_now(work)
    if json_:
        put({"filter": form(found) | {"address": found.address}})
    else:
        say(f"{found.name} is removed.")


@app.command("columns")
def columns_(
    context: typer.Context,
    list_name: Annotated[str, typer.Argument(help="The list.", metavar="LIST")],
    of: Of,
    wanted: Annotated[
        list[str] | None, typer.Argument(help="The columns to show from now on, in this order.", metavar="[COLUMN]...")
    ] = None,
    usual: Annotated[bool, typer.Option("--usual", help="Show the usual ones again.")] = False,
    json_: Json = False,
) -> None:
    """Show the columns that somebody sees of a list, or choose them."""
    called = invocation(context)
    if wanted and usual:
        raise Invalid("Columns were named, and the usual ones are wanted.", advice="Say one of both.")

    def work(tx: Transaction) -> tuple[List, columns.Choice]:
        kind, asker = by_name(list_name), _person(tx, of, organization)
        if wanted or usual:
            return kind, columns.choose(tx, asker, kind, None if usual else wanted)
        return kind, columns.shown(tx, asker, kind)

    with called.opened() as installation:
        organization = called.organization(installation)
        kind, choice = installation.database.run_now(work)
    if json_:
        shown = [each.key for each in choice.columns]
        others = [each.key for each in kind.columns if each.key not in shown]
        put({"list": kind.name, "columns": shown, "others": others, "own": choice.own})
        return
    shown_columns = [Column("column"), Column("title", flexible=True), Column("shown")]
    rest = [each for each in kind.columns if each not in choice.columns]
    rows = [[each.key, each.title, "yes"] for each in choice.columns] + [[each.key, each.title, "no"] for each in rest]
    table(shown_columns, rows)


def _person(tx: Transaction, name: str, organization: "Organization") -> Actor:
    user = people.by_name(tx, name)
    found = members.actor(tx, user.id, organization.id, label=name, how="cli")
    if found is None or found.organization_id != organization.id:
        raise Forbidden(f"{user.name} does not work in {organization.name}.", advice="Name somebody who does.")
    return found
