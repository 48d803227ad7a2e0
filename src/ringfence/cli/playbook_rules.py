"""`ringfence playbook rules`: who may publish what, and whether a second person is asked."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.cli.documents import form, put
from ringfence.cli.invocation import By, Json, invocation, who
from ringfence.cli.terminal import say
from ringfence.cli.visible import visible
from ringfence.errors import Invalid

if TYPE_CHECKING:
    from ringfence.playbooks.rules import Standing
    from ringfence.storage import Transaction

app = typer.Typer(no_args_is_help=True)
_EVERYBODY = "everybody"
_PROVE = {
    "off": "Nothing is proven in the simulator.",
    "warn": "What cuts hosts off is played in the simulator after it was published.",
    "demand": "What cuts hosts off is published only when the simulator has shown that it lets them go.",
}
_HELP = f"People and teams, separated by commas; `{_EVERYBODY}` for no limit."


@app.callback()
def rules() -> None:
    """Say who may publish which playbooks, and whether a second person is asked."""


@app.command()
def show(context: typer.Context, json_: Json = False) -> None:
    """Show the rules."""
    from ringfence.playbooks import rules as kept

    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: kept.standing(tx, organization.id))
    _told(found, as_json=json_)


@app.command("set")
def set_(
    context: typer.Context,
    publish: Annotated[str | None, typer.Option(help=f"Who may publish, and change these rules. {_HELP}")] = None,
    write: Annotated[str | None, typer.Option(help=f"Who may publish steps that change records. {_HELP}")] = None,
    contain: Annotated[str | None, typer.Option(help=f"Who may publish steps that contain hosts. {_HELP}")] = None,
    second_person: Annotated[
        bool | None,
        typer.Option("--second-person/--alone", help="Whether another person must say yes to each version."),
    ] = None,
    approvers: Annotated[str | None, typer.Option(help=f"Who may be that person. {_HELP}")] = None,
    prove: Annotated[
        str | None,
        typer.Option(
            help="Whether versions that cut hosts off must show in the simulator that they let them go: off, warn or demand."
        ),
    ] = None,
    by: By = None,
    json_: Json = False,
) -> None:
    """Change the rules; what is not given stays as it is."""
    from ringfence.playbooks import rules as kept

    named = {"publish": publish, "write": write, "contain": contain, "approvers": approvers}
    given: dict[str, Any] = {name: _names(text) for name, text in named.items() if text is not None}
    if second_person is not None:
        given["second_person"] = second_person
    if prove is not None:
        if prove not in _PROVE:
            raise Invalid(f"--prove cannot be {visible(prove[:40])!r}.", advice=f"Choose: {', '.join(_PROVE)}.")
        given["prove"] = prove
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)

        def work(tx: "Transaction") -> "Standing":
            before = kept.standing(tx, organization.id)
            wanted = before.rules.model_copy(update=given)
            return kept.put(tx, organization.id, wanted, who(by), expected=before.version)

        found = installation.database.run_now(work)
    _told(found, as_json=json_)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name for name in (part.strip() for part in text.split(",")) if name))
    return () if names == (_EVERYBODY,) else names


def _told(found: "Standing", *, as_json: bool) -> None:
    if as_json:
        put({**form(found), "rules": found.rules.model_dump(mode="json")})
        return
    rules_ = found.rules
    say(f"May publish playbooks: {_said(rules_.publish)}.")
    say(f"May publish steps that change records: {_said(rules_.write)}.")
    say(f"May publish steps that contain hosts: {_said(rules_.contain)}.")
    if rules_.second_person:
        others = ", ".join(rules_.approvers or rules_.publish) or _EVERYBODY
        say(f"A second person approves each version: {others}, but for who asked.")
    else:
        say("Nobody else is asked.")
    say(_PROVE[rules_.prove])


def _said(names: tuple[str, ...]) -> str:
    return ", ".join(names) or _EVERYBODY
