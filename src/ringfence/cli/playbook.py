"""`ringfence playbook`. Checking needs no database, and imports none."""

from typing import Annotated

import typer

from ringfence.actions.catalogue import discover
from ringfence.cli import (
    playbook_backtest,
    playbook_drafts,
    playbook_dry_run,
    playbook_life,
    playbook_profiles,
    playbook_prove,
    playbook_rules,
    playbook_sync,
    playbook_tests,
    playbook_transfer,
    playbook_versions,
)
from ringfence.cli.documents import put
from ringfence.cli.invocation import By, Json, invocation, who
from ringfence.cli.playbook_files import read as _read
from ringfence.cli.playbook_life import Name, described
from ringfence.cli.playbook_starters import new, starters
from ringfence.cli.terminal import hint, say
from ringfence.cli.visible import visible
from ringfence.errors import Invalid
from ringfence.playbooks.checks import check_text
from ringfence.playbooks.problems import Problem, Severity, has_errors
from ringfence.playbooks.schema import language

app = typer.Typer(no_args_is_help=True)


app.command("test")(playbook_tests.run_tests)
app.command()(playbook_dry_run.dry_run)
app.add_typer(playbook_profiles.app, name="profile", help="Keep inputs to try a playbook with.")
app.command()(playbook_backtest.backtest)
app.command()(playbook_prove.prove)


@app.callback()
def playbook() -> None:
    """Write, check, publish, compare, start and retire playbooks."""


@app.command()
def check(
    context: typer.Context,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Playbooks; - reads one from stdin.")],
    here: Annotated[
        bool,
        typer.Option(
            "--here", help="Judge by this installation, too: its accounts, services, people, and your rights."
        ),
    ] = False,
    by: By = None,
    json_: Json = False,
) -> None:
    """Say what is wrong with playbooks, a line for each problem; status 1 if any is an error.

    Each line is `file:line:column severity code: what is wrong and what to do`, which editors can jump to.
    """
    texts = [(file, _read(file)) for file in files]
    if here:
        found = _found_here(context, texts, who(by))
    else:
        catalogue = discover()
        found = [(file, [text] if isinstance(text, Problem) else check_text(text, catalogue)) for file, text in texts]
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


def _found_here(
    context: typer.Context, texts: list[tuple[str, str | Problem]], by: str
) -> list[tuple[str, list[Problem]]]:
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        examine = installation.publishing.examine
        return installation.database.read_now(
            lambda tx: [
                (file, [text] if isinstance(text, Problem) else list(examine(tx, organization.id, text, by)))
                for file, text in texts
            ]
        )


@app.command()
def schema(json_: Json = False) -> None:
    """Print the JSON Schema (2020-12) of the playbook language, with the actions that are installed, for editors.

    It is one JSON document with and without `--json`.
    """
    put(language(discover().actions()))


app.command()(starters)
app.command()(new)


app.command()(playbook_life.publish)
app.command("list")(playbook_life.list_)
app.command()(playbook_versions.show)
app.command()(playbook_versions.versions)
app.command()(playbook_versions.diff)
app.command()(playbook_versions.rollback)
app.command()(playbook_life.pause)
app.command()(playbook_life.activate)
app.command("resume", hidden=True)(playbook_life.activate)
app.command()(playbook_life.retire)
app.command()(playbook_transfer.export)
app.command("import")(playbook_transfer.import_)
app.command()(playbook_sync.sync)
app.add_typer(playbook_drafts.app, name="draft")
app.add_typer(playbook_rules.app, name="rules")


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


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
