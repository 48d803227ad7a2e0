"""`ringfence app`: the catalog of apps, what they brought, and who may use them."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from ringfence.apps import service
from ringfence.apps.model import Placed
from ringfence.apps.service import Use
from ringfence.apps.shelf import shelf
from ringfence.cli.documents import form, put
from ringfence.cli.invocation import By, Json, invocation, who
from ringfence.cli.terminal import Column, hint, say, table
from ringfence.errors import Invalid
from ringfence.organizations import service as organizations
from ringfence.storage import Transaction

app = typer.Typer(no_args_is_help=True)
Id = Annotated[str, typer.Argument(metavar="ID", help="The app's id, such as `defender`.")]


@app.callback()
def app_() -> None:
    """See which apps there are and what they brought, and say which organizations may use them."""


@app.command("list")
def list_(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Only those with this in their names or words.")] = "",
    json_: Json = False,
) -> None:
    """List the apps: installed, not installed, and broken with the reason."""
    called = invocation(context)
    with called.opened() as installation:
        known = shelf(installation.catalogue)
        found = installation.database.read_now(lambda tx: service.listing(tx, known))
    found = [each for each in found if matches(each, text)]
    if json_:
        put({"items": [described(each) for each in found], "next": None})
        return
    columns = [Column("id"), Column("title", flexible=True), Column("version"), Column("category"), Column("publisher")]
    rows = [
        [each.app.id, each.app.title, each.app.version, each.app.category.label, each.app.publisher, standing(each)]
        for each in found
    ]
    table([*columns, Column("state")], rows)
    for each in found:
        if each.app.problem:
            say(f"{each.app.title} ({each.app.module}): {each.app.problem}")
        elif each.upgraded:
            hint(f"{each.app.title} was upgraded; see what is new: `ringfence app show {each.app.id}`.")


@app.command()
def show(context: typer.Context, app_id: Id, json_: Json = False) -> None:
    """Show an app: its versions and what they brought, its actions and triggers, and which playbooks use it."""
    called = invocation(context)
    with called.opened() as installation:
        known = shelf(installation.catalogue)

        def look(tx: Transaction) -> tuple[Placed, list[Use], dict[str, str]]:
            found = service.get(tx, known, app_id)
            return found, service.uses(tx, found.app), {each.id: each.name for each in organizations.every(tx)}

        found, used, names = installation.database.read_now(look)
    if json_:
        put(described(found) | {"used_by": form(used)})
        return
    say(f"{found.app.title} {found.app.version}, by {found.app.publisher}: {standing(found)}")
    say(f"  {found.app.problem or found.app.description}")
    if found.organizations:
        say(f"  For: {', '.join(names.get(each, each) for each in found.organizations)}")
    if found.app.package:
        say(f"  Package: {found.app.package} {found.app.package_version}")
    news = {each.version for each in found.news}
    for release in found.app.releases:
        say(f"  {release.version} ({release.date}){' new' if release.version in news else ''}: {release.notes}")
    for trigger in found.app.triggers:
        say(f"  Trigger: {trigger}")
    for name, part in (found.app.parameters or {}).get("properties", {}).items():
        say(f"  Parameter {name}: {part['description']}")
    for action in found.app.actions:
        say(f"  {action.id} ({action.effect}): {action.title}")
    for use in used:
        say(f"  Used by the playbook {use.playbook} of {use.organization}")


@app.command()
def install(
    context: typer.Context,
    app_id: Id,
    names: Annotated[
        list[str] | None,
        typer.Option("--for", metavar="NAME", help="An organization that may use it; may be given again; else all."),
    ] = None,
    by: By = None,
    json_: Json = False,
) -> None:
    """Let all organizations use an app, or those that are named and no others."""
    called = invocation(context)
    with called.opened() as installation:
        known = shelf(installation.catalogue)
        found = installation.database.run_now(
            lambda tx: service.install(tx, known, app_id, names=names or None, by=who(by))
        )
    if json_:
        put(described(found))
    else:
        say(f"{found.app.title} {found.app.version} is installed for {', '.join(names) if names else 'all'}.")


@app.command()
def uninstall(context: typer.Context, app_id: Id, by: By = None, json_: Json = False) -> None:
    """Take an app away; playbooks that use it go on, and cannot be published anew."""
    called = invocation(context)
    with called.opened() as installation:
        known = shelf(installation.catalogue)
        used = installation.database.run_now(lambda tx: service.uninstall(tx, known, app_id, by=who(by)))
        found = installation.database.read_now(lambda tx: service.get(tx, known, app_id))
    if json_:
        put(described(found) | {"used_by": form(used)})
        return
    say(f"{found.app.title} is not installed any more.")
    for use in used:
        say(f"  The playbook {use.playbook} of {use.organization} uses it: it goes on, and cannot be published anew.")


@app.command()
def accept(context: typer.Context, app_id: Id, by: By = None, json_: Json = False) -> None:
    """Note that what an upgrade brought was looked at."""
    called = invocation(context)
    with called.opened() as installation:
        known = shelf(installation.catalogue)
        before = installation.database.read_now(lambda tx: service.get(tx, known, app_id))
        if not before.upgraded:
            raise Invalid(f"{before.app.title} was not upgraded since it was looked at.")
        found = installation.database.run_now(lambda tx: service.accept(tx, known, app_id, by=who(by)))
    if json_:
        put(described(found))
    else:
        say(f"{found.app.title} was looked at in version {found.app.version}.")


def standing(found: Placed) -> str:
    """Say in a word how an app stands."""
    if found.app.problem:
        return "broken"
    if not found.installed:
        return "not installed"
    return "upgraded" if found.upgraded else "installed" if found.everybody else "installed for some"


def matches(found: Placed, text: str) -> bool:
    """Say whether an app has a text in its names or words."""
    words: Sequence[str] = (found.app.id, found.app.title, found.app.description, found.app.publisher, found.app.kind)
    return text.strip().casefold() in "\n".join(words).casefold()


def described(found: Placed) -> dict[str, Any]:
    """Return an app as JSON."""
    document: dict[str, Any] = form(found.app)
    return document | {
        "state": standing(found).replace(" ", "_"),
        "everybody": found.everybody,
        "organizations": list(found.organizations),
        "news": form(list(found.news)),
    }
