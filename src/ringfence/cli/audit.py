"""`ringfence audit`: who did what, whether anybody has tampered with the record, and the record as a file."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ringfence.audit import export as exporting
from ringfence.audit import heads, log, signing_keys, witnesses
from ringfence.audit.heads import SignedHead, Signer
from ringfence.audit.log import Entry
from ringfence.audit.verification import Report, verify
from ringfence.cli.documents import put
from ringfence.cli.invocation import Invocation, Json, Limit, invocation
from ringfence.cli.moments import exact
from ringfence.cli.terminal import Column, hint, say, styled, table
from ringfence.errors import Invalid
from ringfence.organizations import service as organizations

app = typer.Typer(no_args_is_help=True)


class Do(StrEnum):
    """What is done with the key."""

    ROTATE = "rotate"


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
Event_ = Annotated[str | None, typer.Option("--event", help="Only this event, or these of a noun, such as `policy`.")]
Actor = Annotated[str | None, typer.Option(help="Only what this person, or Ringfence, did.")]
Text = Annotated[str, typer.Option(help="Only those with this in actor, subject or details.")]
Since = Annotated[
    str | None, typer.Option(metavar="TIME", help="Only from this moment on: 2026-03-01, 2026-03-01T10:00Z.")
]
Until = Annotated[str | None, typer.Option(metavar="TIME", help="Only before this moment.")]


@app.callback()
def audit() -> None:
    """See who did what, and prove that the record is whole."""


@app.command("list")
def list_(
    context: typer.Context,
    event: Event_ = None,
    actor: Actor = None,
    text: Text = "",
    since: Since = None,
    until: Until = None,
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
            lambda tx: log.listing(
                tx,
                organization.id,
                event=event,
                actor=actor,
                text=text,
                since=_moment(since),
                until=_moment(until),
                below=below,
                limit=limit,
            )
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
        Path | None,
        typer.Option(
            "--heads",
            metavar="FILE",
            help="Signed heads, as Ringfence or a syslog server wrote them; else those of this installation.",
        ),
    ] = None,
    key: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="The public key of the heads, in PEM; may be given again, for older ones; else this installation's.",
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Check every organization, also those that only the heads know of.")
    ] = False,
    json_: Json = False,
) -> None:
    """Check every entry against its hash, the one before it and the signed heads; status 1 if anything is wrong."""
    called = invocation(context)
    with called.opened() as installation:
        given = [heads.read_public(_text(each)) for each in key or ()]
        signer = Signer(called.settings.data)
        public, *older = given or [signer.public, *signer.older]
        names: dict[str, str] = {}
        if file is not None:
            reports = [exporting.verify_file(_text(file).splitlines(), public, older)]
        else:
            signed = _signed(called, heads_file)
            if every:
                names = {each.id: each.name for each in installation.database.read_now(organizations.every)}
            else:
                organization = called.organization(installation)
                names = {organization.id: organization.name}
            wanted = [*names, *sorted({each.organization_id for each in signed} - set(names))] if every else [*names]
            reports = [
                installation.database.read_now(
                    lambda tx: verify(
                        tx,
                        each,  # noqa: B023
                        [head for head in signed if head.organization_id == each],  # noqa: B023
                        public,
                        older,
                    )
                )
                for each in wanted
            ]
    sound = all(report.sound for report in reports)
    if json_ and every:
        put({"sound": sound, "items": [{"sound": report.sound, **_told(report)} for report in reports], "next": None})
    elif json_:
        put({"sound": sound, **_told(reports[0])})
    else:
        for report in reports:
            _say(report, names.get(report.organization_id, report.organization_id) if every else "")
    if not sound:
        raise typer.Exit(1)


@app.command("export")
def export_(
    context: typer.Context,
    output: Output = None,
    written: Annotated[
        exporting.Form, typer.Option("--format", help="Lines of JSON, or CSV for a spreadsheet.")
    ] = exporting.Form.JSONL,
    event: Event_ = None,
    actor: Actor = None,
    text: Text = "",
    since: Since = None,
    until: Until = None,
    json_: Json = False,
) -> None:
    """Write entries to a file; all of them as lines of JSON, with their head, signed, are a file that proves itself."""
    called = invocation(context)
    wanted = log.Wanted(event, actor, text, _moment(since), _moment(until))
    with called.opened() as installation:
        organization = called.organization(installation)
        signer = Signer(called.settings.data)
        head = installation.database.run_now(lambda tx: exporting.begin(tx, organization.id, wanted, written))
        with installation.database.reading() as tx:
            lines = exporting.lines(tx, head, signer, wanted, written)
            if output is None:
                for line in lines:
                    typer.echo(line, nl=False)
                return
            count = _write(output, lines)
    proves = wanted.everything and written is exporting.Form.JSONL
    # A CSV begins with the names of its columns, a file that proves itself ends in its head.
    count -= proves or written is exporting.Form.CSV
    if json_:
        put({"file": str(output), "entries": count})
    else:
        say(f"Wrote {count} entries{' and their signed head' if proves else ''} to {output}.")


@app.command("key")
def key_(
    context: typer.Context,
    do: Annotated[
        Do | None, typer.Argument(help="Change the key first; the old one goes on proving what it signed.")
    ] = None,
    json_: Json = False,
) -> None:
    """Print the public key that proves signed heads; keep it, and the heads, on another machine."""
    called = invocation(context)
    with called.opened() as installation:
        if do is Do.ROTATE:
            signing_keys.rotate(installation.database, called.settings.data)
        signer = Signer(called.settings.data)
        public, older = signer.public, signer.older
    if json_:
        before = [{"key": heads.key_id(each), "pem": heads.pem(each)} for each in older]
        put({"key": heads.key_id(public), "pem": heads.pem(public), "older": before})
        return
    typer.echo(heads.pem(public), nl=False)
    if do is Do.ROTATE:
        hint(f"Heads are signed by {heads.key_id(public)} from now on: keep this public key beside the older ones.")


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
            witnesses.append(output or called.settings.audit_heads_file, [signed])
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


def _signed(called: Invocation, given: Path | None) -> list[SignedHead]:
    if given is None:
        return heads.kept(called.settings.audit_heads_file)
    return heads.read(_text(given).splitlines())


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Invalid(f"{text[:60]!r} is no moment.", advice="Write it as 2026-03-01 or 2026-03-01T10:00Z.") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _text(path: Path) -> str:
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} cannot be read.", advice="Give a file that Ringfence wrote.") from error


def _write(path: Path, lines: Iterator[str]) -> int:
    count = 0
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            for line in lines:
                file.write(line)
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


def _say(report: Report, name: str = "") -> None:
    of = f" of {name}" if name else ""
    against = f" and {report.signed_heads} signed heads" if report.signed_heads else ""
    if report.sound:
        say(
            styled("ok").append(
                f": {report.entries} entries{of}, each as it was written, checked against their chain{against}."
            )
        )
        if not report.signed_heads:
            hint("There is no signed head to check against yet; a running worker signs one every few minutes.")
        return
    problems = "1 problem" if report.found == 1 else f"{report.found} problems"
    say(styled("FAILED").append(f": {problems} in {report.entries} entries{of}."))
    for problem in report.problems:
        say(f"  {problem.sentence}")
    hint("Compare with a copy that was exported earlier, and find out who can write to the database.")
