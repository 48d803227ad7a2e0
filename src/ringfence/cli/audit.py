"""`ringfence audit`: who did what, whether anybody has tampered with the record, and the record as a file."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from ringfence.audit import export as exporting
from ringfence.audit import heads, log
from ringfence.audit.events import Event
from ringfence.audit.heads import SignedHead, Signer
from ringfence.audit.log import Entry
from ringfence.audit.verification import Report, verify
from ringfence.cli.documents import put
from ringfence.cli.invocation import Invocation, Json, Limit, invocation
from ringfence.cli.moments import exact
from ringfence.cli.terminal import Column, hint, say, styled, table
from ringfence.errors import Invalid

app = typer.Typer(no_args_is_help=True)

COLUMNS = [
    Column("number", right=True),
    Column("when"),
    Column("who", flexible=True),
    Column("by way of", optional=True),
    Column("event"),
    Column("subject", flexible=True),
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to this file instead of stdout.")
]


@app.callback()
def audit() -> None:
    """See who did what, and prove that the record is whole."""


@app.command("list")
def list_(
    context: typer.Context,
    event: Annotated[str | None, typer.Option(help="Only this event, or these of a noun, such as `policy`.")] = None,
    actor: Annotated[str | None, typer.Option(help="Only what this person, or Ringfence, did.")] = None,
    text: Annotated[str, typer.Option(help="Only those with this in actor, subject or details.")] = "",
    below: Annotated[
        int | None, typer.Option(help="Go on below this number: what the page before called `next`.")
    ] = None,
    limit: Limit = 50,
    json_: Json = False,
) -> None:
    """List what was done, the newest first."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        page = installation.database.read_now(
            lambda tx: log.listing(tx, organization.id, event=event, actor=actor, text=text, below=below, limit=limit)
        )
    if json_:
        put({"items": [described(entry) for entry in page.entries], "next": page.next})
        return
    table(COLUMNS, [_line(entry) for entry in page.entries])
    if not page.entries:
        hint("Nothing was written down yet, or nothing fits.")
    if page.next is not None:
        hint(f"There are more: --below {page.next}")


@app.command("verify")
def verify_(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="Check an exported file instead of the database.")
    ] = None,
    heads_file: Annotated[
        Path | None, typer.Option("--heads", metavar="FILE", help="Signed heads; else those of this installation.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The public key of the heads, in PEM; else this installation's.")
    ] = None,
    json_: Json = False,
) -> None:
    """Check every entry against its hash, the one before it and the signed heads; status 1 if anything is wrong."""
    called = invocation(context)
    with called.opened() as installation:
        public = heads.read_public(_text(key)) if key else Signer(called.settings.data).public
        if file is not None:
            report = exporting.verify_file(_text(file).splitlines(), public)
        else:
            organization = called.organization(installation)
            signed = _signed(called, heads_file, organization.id)
            report = installation.database.read_now(lambda tx: verify(tx, organization.id, signed, public))
    if json_:
        put({"sound": report.sound, **_told(report)})
    else:
        _say(report)
    if not report.sound:
        raise typer.Exit(1)


@app.command("export")
def export_(context: typer.Context, output: Output = None, json_: Json = False) -> None:
    """Write every entry as a line of JSON, and at the end their head, signed: a file that proves itself."""
    called = invocation(context)
    count = 0
    with called.opened() as installation:
        organization = called.organization(installation)
        signer = Signer(called.settings.data)
        # Written first, so that the file holds it.
        installation.database.run_now(lambda tx: log.write(tx, Event.AUDIT_EXPORTED, organization.id, organization.id))
        with installation.database.reading() as tx:
            lines = exporting.lines(tx, organization.id, signer)
            if output is None:
                for line in lines:
                    typer.echo(line)
                return
            count = _write(output, lines)
    if json_:
        put({"file": str(output), "entries": count - 1})
    else:
        say(f"Wrote {count - 1} entries and their signed head to {output}.")


@app.command("key")
def key_(context: typer.Context, json_: Json = False) -> None:
    """Print the public key that proves signed heads; keep it, and the heads, on another machine."""
    called = invocation(context)
    with called.opened():
        public = Signer(called.settings.data).public
    if json_:
        put({"key": heads.key_id(public), "pem": heads.pem(public)})
    else:
        typer.echo(heads.pem(public), nl=False)


@app.command("head")
def head_(context: typer.Context, output: Output = None, json_: Json = False) -> None:
    """Sign the newest entry now, print it and add it to the heads file, or to another."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        newest = installation.database.read_now(lambda tx: log.head(tx, organization.id))
        if newest is None:
            raise Invalid("Nothing was written down yet.", advice="Come back when something was done.")
        signed = Signer(called.settings.data).sign(newest)
        try:
            heads.append(output or called.settings.audit_heads_file, [signed])
        except OSError as error:
            raise Invalid(f"The head cannot be written: {error.strerror}.", advice="Choose another file.") from error
    if json_:
        put(signed)
    else:
        typer.echo(signed.line())


def described(entry: Entry) -> dict[str, Any]:
    """Return an entry as JSON, with its sentence and its details read."""
    return {**entry.document(), "details": entry.facts, "sentence": entry.sentence}


def _line(entry: Entry) -> list[Any]:
    return [str(entry.number), exact(entry.at), entry.actor, entry.via, entry.event, entry.about or entry.subject_id]


def _signed(called: Invocation, given: Path | None, organization_id: str) -> list[SignedHead]:
    if given is None:
        return heads.kept(called.settings.audit_heads_file, organization_id)
    return heads.read(_text(given).splitlines(), organization_id)


def _text(path: Path) -> str:
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} cannot be read.", advice="Give a file that Ringfence wrote.") from error


def _write(path: Path, lines: Iterator[str]) -> int:
    count = 0
    try:
        with path.open("w", encoding="utf-8") as file:
            for line in lines:
                file.write(f"{line}\n")
                count += 1
    except OSError as error:
        raise Invalid(f"{path} cannot be written: {error.strerror}.", advice="Choose another file.") from error
    return count


def _told(report: Report) -> dict[str, Any]:
    return {
        "organization_id": report.organization_id,
        "entries": report.entries,
        "head": report.head,
        "signed_heads": report.signed_heads,
        "found": report.found,
        "problems": list(report.problems),
    }


def _say(report: Report) -> None:
    against = f" and {report.signed_heads} signed heads" if report.signed_heads else ""
    if report.sound:
        say(
            styled("ok").append(
                f": {report.entries} entries, each as it was written, checked against their chain{against}."
            )
        )
        if not report.signed_heads:
            hint("There is no signed head to check against yet; a running worker signs one every few minutes.")
        return
    say(styled("FAILED").append(f": {report.found} problems in {report.entries} entries."))
    for problem in report.problems:
        say(f"  {problem.sentence}")
