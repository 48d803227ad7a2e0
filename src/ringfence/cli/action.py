"""`ringfence action`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.actions import Action, Effect, shapes
from ringfence.actions.catalogue import Catalogue, discover
from ringfence.app import only_account
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.cli import carrying, inputs
from ringfence.cli.documents import form, put
from ringfence.cli.files import Folder
from ringfence.cli.invocation import By, Invocation, Json, invocation, who
from ringfence.cli.outputs import show_output
from ringfence.cli.terminal import Column, facts, heading, hint, say, styled, table
from ringfence.errors import Invalid, NotFound

if TYPE_CHECKING:
    from ringfence.app import App

app = typer.Typer(no_args_is_help=True)

_EFFECTS = {
    Effect.PURE: "reaches nothing outside",
    Effect.READ: "only reads",
    Effect.WRITE: "changes something",
    Effect.CONTAIN: "cuts hosts off or lets them go",
}


@app.callback()
def action() -> None:
    """See what a playbook's steps can do, and do one of them by hand."""


@app.command("list")
def list_(
    text: Annotated[str, typer.Argument(help="Only actions with this in their id or summary.")] = "",
    connector: Annotated[str | None, typer.Option(help="Only actions of this connector, such as defender.")] = None,
    effect: Annotated[Effect | None, typer.Option(help="Only actions of this effect.", case_sensitive=False)] = None,
    json_: Json = False,
) -> None:
    """List the actions that playbooks may use."""
    catalogue = discover()
    if connector is not None and connector not in catalogue.connectors:
        known = ", ".join(sorted(catalogue.connectors))
        raise NotFound(f"There is no connector {connector!r}.", advice=f"Choose one of: {known}.")
    found = [
        each
        for each in catalogue.actions()
        if connector in (None, each.connector.id)
        and effect in (None, each.effect)
        and text.casefold() in f"{each.id} {each.title} {each.summary}".casefold()
    ]
    if json_:
        put({"items": [each.to_json() for each in found], "next": None})
        return
    if not found:
        hint("There is no such action; `ringfence action list` shows all.")
        return
    columns = [Column("id"), Column("effect"), Column("what it does", flexible=True)]
    table(columns, [[each.id, each.effect.value, each.summary] for each in found])


@app.command()
def show(
    action_id: Annotated[str, typer.Argument(metavar="ID", help="The action's id, such as defender.get_machine.")],
    json_: Json = False,
) -> None:
    """Show one action: what it does, what it takes, what the account needs for it, and an example."""
    found = _find(discover(), action_id)
    if json_:
        put(found.to_json() | {"example": found.example})
        return
    facts(
        [
            ("action", found.id),
            ("of", found.connector.title),
            ("effect", f"{found.effect.value}: it {_EFFECTS[found.effect]}"),
            ("permissions", ", ".join(found.permissions)),
            ("outcomes", ", ".join((*_branches(found), *found.outcomes, "error"))),
            ("undone by", found.undo or ""),
        ]
    )
    say()
    say_lines(found.description)
    heading("Inputs")
    if found.parameters:
        columns = [Column("name"), Column("needed"), Column("what it is", flexible=True)]
        schema = found.schema()["properties"]
        table(
            columns,
            [[name, _need(each.required, schema[name]), each.description] for name, each in found.parameters.items()],
        )
    else:
        say("It takes none.")
    heading("Output")
    say_lines("It depends on the step." if found.gives is None else shapes.told(found.gives))
    if found.example:
        heading("In a playbook")
        say_lines(found.example)
    heading("By hand")
    needed = "".join(f" --with {each.name}=…" for each in found.parameters.values() if each.required)
    account = " --account NAME" if found.operations or found.effect is Effect.CONTAIN else ""
    say(f"ringfence action run {found.id}{account}{needed}")


def _branches(found: Action) -> tuple[str, ...]:
    return (f"the names in {found.branches}",) if found.branches else ()


def say_lines(text: str) -> None:
    """Print a text of several lines."""
    for line in text.splitlines():
        say(line)


def _need(required: bool, schema: dict[str, Any]) -> str:
    default = schema.get("default")
    if required or default is None:
        return "yes" if required else "no"
    return f"no ({default if isinstance(default, str) else json.dumps(default)})"


def _find(catalogue: Catalogue, action_id: str) -> Action:
    found = catalogue.find(action_id)
    if found is not None:
        return found
    name = action_id.rpartition(".")[2].casefold()
    near = [each for each in catalogue.ids() if name and (name in each or each.rpartition(".")[2] in name)][:5]
    advice = f"Perhaps: {', '.join(near)}." if near else "`ringfence action list` shows all."
    raise NotFound(f"There is no action {action_id!r}.", advice=advice)


@app.command()
def run(
    context: typer.Context,
    action_id: Annotated[str, typer.Argument(metavar="ID", help="The action's id, such as defender.get_machine.")],
    account: Annotated[str | None, typer.Option(help="Against which account, if there are several.")] = None,
    with_: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="NAME=VALUE",
            help="An input; may be given several times. @FILE as the value is what a file holds, @- stdin.",
        ),
    ] = None,
    with_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Inputs by name, as JSON or YAML; --with wins over it.")
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Where to write the files that it gives.")
    ] = Path(),
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before something is changed.")] = False,
    by: By = None,
    json_: Json = False,
) -> None:
    """Do one action by hand, against an account, and wait for its end.

    What changes something is asked about first. Hosts are cut off and let go through containment, as by a playbook: policy
    decides, and a running worker carries it out. Ctrl-C stops watching and cancels nothing.
    """
    found = _find(discover(), action_id)
    given = inputs.gather(found, with_ or (), with_file)
    called = invocation(context)
    with called.opened() as installation:
        account_id, account_name = _account(called, installation, found, account)
        if found.effect in (Effect.WRITE, Effect.CONTAIN) and not yes:
            _confirm(called, found, given, account_name)
        if found.effect in (Effect.WRITE, Effect.CONTAIN):
            said = {"name": found.id, "account": account_name, "with": given}
            organization_id = called.organization(installation).id
            installation.database.run_now(
                lambda tx: log.write(
                    tx, Event.ACTION_CARRIED_OUT, organization_id, found.id, details=said, actor=who(by)
                )
            )
        if found.connector.id == "containment":
            hint("A running worker (`ringfence serve` or `ringfence worker`) carries it out.")
        folder = Folder(output, largest=installation.settings.attachment_limit)
        told: list[dict[str, str]] = []

        def tell(level: str, message: str) -> None:
            told.append({"level": level, "message": message})
            if not called.json and level in ("error", "warn", "info"):
                hint(message)

        try:
            result = carrying.carry(
                called,
                installation,
                found,
                given,
                account_id=account_id,
                by=who(by),
                keep=folder.keep,
                tell=tell,
                waits=lambda seconds: _waiting(called, seconds),
                worker=lambda: _a_worker_does_it(called),
            )
        except carrying.Stopped as stopped:
            _say_what_goes_on(found, stopped)
            raise typer.Exit(130) from None
    if called.json:
        outcome = {"action": found.id, "account": account_name, "outcome": result.outcome, "output": result.output}
        put(outcome | {"files": form(folder.kept), "log": told})
        return
    if result.outcome != "success" or found.effect in (Effect.WRITE, Effect.CONTAIN):
        say(styled(result.outcome))
    show_output(result.output)
    for file in folder.kept:
        say(f"{file['path']}: {file['size']} bytes, SHA-256 {file['sha256']}.")
        hint("It comes from a host under suspicion: open it where it can do no harm.")


def _account(called: Invocation, installation: "App", found: Action, name: str | None) -> tuple[str | None, str | None]:
    if name is None and not found.operations and found.effect is not Effect.CONTAIN:
        return None, None
    organization = called.organization(installation)
    account = installation.database.read_now(lambda tx: only_account(tx, organization.id, name))
    return account.id, account.name


def _confirm(called: Invocation, found: Action, given: dict[str, Any], account: str | None) -> None:
    """Say in plain words what is about to happen, and go on only if the person wants it."""
    hint(f"{found.id}, which {_EFFECTS[found.effect]}, against the account {account}:")
    hint(f"  {found.summary}")
    for name, value in given.items():
        hint(f"  {name}: {value}")
    answer = called.outside.confirm("Do it?")
    if answer is None:
        raise Invalid(
            f"{found.id} {_EFFECTS[found.effect]}, and nobody can be asked here.",
            advice="Give --yes if that is what you want.",
        )
    if not answer:
        hint("Nothing was done.")
        raise typer.Exit(1)


def _waiting(called: Invocation, seconds: float) -> None:
    if not called.json:
        hint(f"Not over yet; looking again in {seconds:.0f} s. Ctrl-C stops watching and cancels nothing.")


def _a_worker_does_it(called: Invocation) -> None:
    if not called.json:
        hint("A running worker (`ringfence serve` or `ringfence worker`) carries it out, as policy lets it.")


def _say_what_goes_on(found: Action, stopped: carrying.Stopped) -> None:
    goes_on = stopped.goes_on
    if goes_on is None:
        hint("Stopped. If Defender was asked for something at that moment, look there whether it took place.")
    elif stopped.kind == "response":
        hint(f"You stopped watching; nothing was cancelled. It goes on as response {goes_on}.")
        hint(f"Follow it: `ringfence response show {goes_on}`.")
    elif stopped.kind == "containment":
        hint(f"You stopped watching; it goes on as containment {goes_on}.")
        hint(f"Follow it: `ringfence containment show {goes_on}`.")
    else:
        hint(f"You stopped watching; nothing was cancelled. It goes on in Defender as {goes_on}.")
        reader = (
            "defender.get_investigation" if "get_investigation" in found.operations else "defender.get_machine_action"
        )
        name = "investigation" if "get_investigation" in found.operations else "action"
        hint(f"See how it stands: `ringfence action run {reader} --with {name}={goes_on}`.")
