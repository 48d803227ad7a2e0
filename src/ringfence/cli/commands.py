"""The table of all commands, the options that they share, and what becomes of an error.

A command's module is imported when the command is called: what DBOS, the web framework and SQLAlchemy cost is not paid by
`ringfence --help` or by an editor that checks a playbook at each key.
"""

import importlib
import io
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

import ringfence
from ringfence import garbage
from ringfence.cli.failures import tell
from ringfence.cli.invocation import Invocation, LogLevel, Outside


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a command is: the module and the name in it of a function, or of the Typer app of a noun."""

    module: str
    name: str
    summary: str


COMMANDS: Final[dict[str, Entry]] = {
    "serve": Entry("ringfence.cli.serve", "serve", "Serve the pages and the API, and be a worker, until Ctrl-C."),
    "worker": Entry("ringfence.cli.serve", "worker", "Be a worker without pages, until Ctrl-C."),
    "sign-in-link": Entry(
        "ringfence.cli.sign_in", "sign_in_link", "Print an address that signs a person in to the pages once."
    ),
    "sign-in": Entry(
        "ringfence.cli.sign_in_care",
        "app",
        "Set passwords, reset authenticator apps, unlock names, demand second factors.",
    ),
    "session": Entry(
        "ringfence.cli.session", "app", "See from which browsers people are signed in, and sign them out."
    ),
    "token": Entry("ringfence.cli.token", "app", "Make and revoke the tokens with which programs use the API."),
    "identity-provider": Entry(
        "ringfence.cli.identity_provider",
        "app",
        "Let people sign in at Entra, Okta, Keycloak and others, by OpenID Connect.",
    ),
    "account": Entry("ringfence.cli.account", "app", "Connect Defender tenants and test the connection."),
    "service": Entry(
        "ringfence.cli.service",
        "app",
        "Make and watch trigger services: which accounts' alerts are read, how often, and how that goes.",
    ),
    "alert": Entry("ringfence.cli.alert", "app", "Look at the queue of alerts, and change them in Defender."),
    "incident": Entry(
        "ringfence.cli.incident", "app", "Work on incidents: alerts, hosts, notes, tasks, and how they ended."
    ),
    "playbook": Entry("ringfence.cli.playbook", "app", "Write, check, publish, compare, start and retire playbooks."),
    "run": Entry("ringfence.cli.run", "app", "Look at what playbooks did, step by step."),
    "containment": Entry("ringfence.cli.containment", "app", "Contain hosts, release them, and see the proof."),
    "response": Entry(
        "ringfence.cli.response",
        "app",
        "Restrict apps, quarantine files, scan, collect, offboard and make indicators; see the proof, take it back.",
    ),
    "app": Entry(
        "ringfence.cli.app",
        "app",
        "See which apps there are and what they brought, and say which organizations may use them.",
    ),
    "approval": Entry("ringfence.cli.approval", "app", "Answer the questions that policy and playbooks ask people."),
    "policy": Entry("ringfence.cli.policy", "app", "See, change and explain what may be contained, and stop it."),
    "channel": Entry(
        "ringfence.cli.channel", "app", "Say where people are told of what happens: mail, chat and other services."
    ),
    "notification": Entry(
        "ringfence.cli.channel", "notifications", "See what people were told, and what is on its way."
    ),
    "organization": Entry(
        "ringfence.cli.organization",
        "app",
        "Make, rename, freeze, close and open organizations, which are strictly apart.",
    ),
    "user": Entry(
        "ringfence.cli.user", "app", "Say who works in an organization as what: invite, change roles, remove."
    ),
    "filter": Entry(
        "ringfence.cli.saved_filter", "app", "Keep filters of lists for people, and the columns that they see."
    ),
    "team": Entry("ringfence.cli.team", "app", "Name the people who are asked together."),
    "rehearsal": Entry(
        "ringfence.cli.rehearsal",
        "app",
        "See what was tried of playbooks without touching anything, and what came of it.",
    ),
    "drill": Entry("ringfence.cli.drill", "app", "Rehearse containment on devices that are there for it."),
    "table": Entry(
        "ringfence.cli.table", "app", "Keep the lists that playbooks look things up in: VIPs, exclusions, owners."
    ),
    "http-account": Entry(
        "ringfence.cli.http_account", "app", "Keep the credentials with which playbooks call services by HTTP."
    ),
    "egress": Entry("ringfence.cli.http_account", "egress", "Say which hosts playbooks may call without an account."),
    "webhook": Entry(
        "ringfence.cli.webhook",
        "app",
        "Make the addresses at which signed messages start playbooks, and see what came.",
    ),
    "subscription": Entry(
        "ringfence.cli.subscription",
        "app",
        "Tell other systems what changes, by signed messages (webhooks out), and see what was sent.",
    ),
    "action": Entry("ringfence.cli.action", "app", "See what a playbook's steps can do, and do one of them by hand."),
    "mailbox": Entry(
        "ringfence.cli.mailbox", "app", "Connect the mailboxes whose mails start playbooks, and see what came."
    ),
    "audit": Entry("ringfence.cli.audit", "app", "See who did what, and prove that the record is whole."),
    "doctor": Entry(
        "ringfence.cli.doctor",
        "doctor",
        "Check the installation and say what to do; status 1 if something has to be mended.",
    ),
    "support-bundle": Entry(
        "ringfence.cli.support_bundle",
        "support_bundle",
        "Write a zip for whoever helps: versions, settings without secrets, health, recent errors, tables and their counts.",
    ),
    "keys": Entry("ringfence.cli.keys", "app", "See, rotate, check and retire the keys that seal secrets."),
    "db": Entry("ringfence.cli.database", "app", "Care for the database: upgrade it, take backups and put them back."),
    "demo": Entry(
        "ringfence.cli.demo",
        "demo",
        "Play a ransomware story against a simulated tenant: alert, playbook, isolation, confirmation, release.",
    ),
    "simulate": Entry(
        "ringfence.cli.simulate",
        "simulate",
        "Run a pretend Microsoft: login, Defender and Graph with a scenario in it, until Ctrl-C.",
    ),
}


def load(name: str) -> TyperCommand | TyperGroup:
    """Import a command of the table and return it."""
    entry = COMMANDS[name]
    found = getattr(importlib.import_module(entry.module), entry.name)
    if not isinstance(found, typer.Typer):
        alone = typer.Typer(add_completion=False)
        alone.command()(found)
        found = alone
    command = typer.main.get_command(found)
    assert isinstance(command, TyperCommand | TyperGroup)
    command.name = name
    return command


class Commands(TyperGroup):
    """The top of the command line: lists its commands without importing them, and tells every error in one way."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: TyperCommand(name, help=entry.summary) for name, entry in COMMANDS.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that is called, and only now import it."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, load(name) if name in COMMANDS else command, rest

    def invoke(self, ctx: Any) -> Any:
        """Run a command; what it raises becomes a sentence on stderr and exit status 1."""
        try:
            return super().invoke(ctx)
        except (TyperException, typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except Exception as error:
            called = ctx.obj if isinstance(ctx.obj, Invocation) else None
            tell(error, as_json=called is not None and called.json, debug=called is not None and called.debug)
            raise typer.Exit(1) from error


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog="Settings can be given as environment variables that begin with RINGFENCE_ too; docs/settings.md lists them.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ringfence {ringfence.__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    data: Annotated[
        Path | None, typer.Option(help="Folder for the embedded databases and the key that seals secrets.")
    ] = None,
    database_url: Annotated[
        str | None,
        typer.Option(help="PostgreSQL address; prefer RINGFENCE_DATABASE_URL, which other users cannot see."),
    ] = None,
    organization: Annotated[
        str | None, typer.Option(help="Whose alerts, runs and hosts are meant; needed where there are several.")
    ] = None,
    log_level: Annotated[
        LogLevel | None, typer.Option(help="How much is logged, on stderr.", case_sensitive=False)
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Contain the right host, once, known to be so, and let it go again."""
    outside = context.obj if isinstance(context.obj, Outside) else Outside()
    given = {"data": data, "database_url": database_url, "log_level": log_level and log_level.value}
    context.obj = Invocation(outside, given, organization)


def root_command() -> Commands:
    """Return the top of the command line as what parses it."""
    command = typer.main.get_command(app)
    assert isinstance(command, Commands)
    return command


def main() -> None:
    """Run the command line as a program."""
    garbage.put_off()
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets its number, not a crash.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app(prog_name="ringfence")
    finally:
        garbage.leave()
