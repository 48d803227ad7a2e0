"""`ringfence playbook`. Checking needs no database, and imports none."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.actions.catalogue import discover
from ringfence.cli import playbook_tests
from ringfence.cli.documents import form, put
from ringfence.cli.invocation import By, Json, invocation, who
from ringfence.cli.playbook_files import read as _read
from ringfence.cli.playbook_starters import new, starters
from ringfence.cli.terminal import Column, hint, say, styled, table
from ringfence.cli.visible import visible
from ringfence.errors import Invalid
from ringfence.playbooks.checks import check_text
from ringfence.playbooks.problems import Problem, Severity, has_errors

if TYPE_CHECKING:
    from ringfence.playbooks.library import StoredPlaybook
    from ringfence.storage import Transaction

app = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The playbook's name or id.")]


app.command("test")(playbook_tests.run_tests)


@app.callback()
def playbook() -> None:
    """Check, publish, start, pause and resume playbooks."""


@app.command()
def check(
    context: typer.Context,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Playbooks; - reads one from stdin.")],
    json_: Json = False,
) -> None:
    """Say what is wrong with playbooks, a line for each problem; status 1 if any is an error.

    Each line is `file:line:column severity code: what is wrong and what to do`, which editors can jump to.
    """
    catalogue = discover()
    found: list[tuple[str, list[Problem]]] = []
    for file in files:
        text = _read(file)
        found.append((file, [text] if isinstance(text, Problem) else check_text(text, catalogue)))
    count = {severity: sum(each.severity is severity for _, some in found for each in some) for severity in Severity}
    if json_:
        described = [{"path": path, "problems": [each.to_json() for each in problems]} for path, problems in found]
        put({"files": described, **{f"{severity}s": number for severity, number in count.items()}})
    else:
        for path, problems in found:
            for problem in problems:
                say(problem.render(path))
        said = [_many(number, severity) for severity, number in count.items() if number]
        hint(f"{_many(len(files), 'playbook')}: {', '.join(said) or 'no problems'}.")
    if any(has_errors(problems) for _, problems in found):
        raise typer.Exit(1)


@app.command()
def publish(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="The playbook; - reads it from stdin.")],
    by: By = None,
    json_: Json = False,
) -> None:
    """Publish a playbook as its newest version, which starts runs from now on."""
    from ringfence.playbooks import library

    text = _read(file)
    if isinstance(text, Problem):
        raise Invalid("The playbook cannot be read.", advice=text.advice, problems=(text.render(file),))
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        done = installation.database.run_now(
            lambda tx: library.publish(tx, organization.id, text, who(by), catalogue=installation.catalogue, path=file)
        )
    if json_:
        problems = [each.to_json() for each in done.problems]
        put({"playbook": described(done.playbook), "changed": done.changed, "problems": problems})
        return
    for problem in done.problems:
        say(problem.render(file))
    name, version = done.playbook.name, done.playbook.version
    if done.changed:
        say(f"{name} is published as version {version} and starts runs from now on.")
    else:
        say(f"{name} is at version {version} already: nothing in it has changed.")


app.command()(starters)
app.command()(new)


@app.command("list")
def list_(context: typer.Context, json_: Json = False) -> None:
    """List the playbooks."""
    from ringfence.cli.moments import age
    from ringfence.playbooks import library

    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: library.every(tx, organization.id))
    if json_:
        put({"items": [described(each) for each in found], "next": None})
        return
    if not found:
        hint("No playbook is published yet: `ringfence playbook publish FILE`.")
        return
    columns = [
        Column("name", flexible=True),
        Column("state"),
        Column("version", right=True),
        Column("published"),
        Column("by", optional=True),
        Column("id", optional=True),
    ]
    rows: list[list[Any]] = [
        [each.name, styled(each.state), each.version, age(each.published_at), each.published_by, each.id]
        for each in found
    ]
    table(columns, rows)


@app.command()
def run(
    context: typer.Context,
    name: Name,
    alert: Annotated[str | None, typer.Option(help="Start it on an alert: our id or Defender's.")] = None,
    machine: Annotated[str | None, typer.Option(help="Start it on a machine: Defender's id of it.")] = None,
    incident: Annotated[str | None, typer.Option(help="Start it on an incident: its number.")] = None,
    account: Annotated[str | None, typer.Option(help="The account to use, where it is not clear by itself.")] = None,
    inputs: Annotated[
        list[str] | None, typer.Option("--input", metavar="NAME=VALUE", help="What the playbook asks for; repeatable.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Asked again with the same key, it starts no second run.")] = None,
    by: By = None,
    json_: Json = False,
) -> None:
    """Start a playbook by hand; a worker carries the run."""
    from ringfence.listeners.people import Starter, Wish

    wish = Wish(name, who(by), alert, machine, account, _inputs(inputs or []), key, incident)
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        begun = installation.database.run_now(lambda tx: Starter().begin(tx, organization.id, wish))
    if json_:
        put({"run_id": begun.run_id, "playbook": described(begun.playbook), "repeated": begun.repeated})
        return
    say(f"{begun.playbook.name} {'was started before' if begun.repeated else 'is started'}: run {begun.run_id}")
    hint(f"See it: `ringfence run show {begun.run_id}`.")


def _inputs(given: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or name in found:
            raise Invalid(
                f"The input {visible(each[:60])!r} is given twice or has no value.", advice="Write --input NAME=VALUE."
            )
        found[name] = value
    return found


@app.command()
def pause(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Let a playbook start no more runs; those that run go on."""
    from ringfence.playbooks import library

    changed = _change(context, library.pause, name)
    if json_:
        put({"playbook": described(changed)})
    else:
        say(f"{changed.name} is paused and starts no more runs. Those that run go on.")


@app.command()
def resume(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Let a paused playbook start runs again."""
    from ringfence.playbooks import library

    changed = _change(context, library.resume, name)
    if json_:
        put({"playbook": described(changed)})
    else:
        say(f"{changed.name} is active and starts runs again.")


def _change(
    context: typer.Context, change: "Callable[[Transaction, str, str], StoredPlaybook]", name: str
) -> "StoredPlaybook":
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        return installation.database.run_now(lambda tx: change(tx, organization.id, name))


def described(playbook: "StoredPlaybook") -> dict[str, object]:
    """Return a playbook as JSON."""
    return {**form(playbook), "version": playbook.version}


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
