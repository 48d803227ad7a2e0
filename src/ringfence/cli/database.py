"""`ringfence db`."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from ringfence.cli.documents import put
from ringfence.cli.invocation import Invocation, Json, invocation
from ringfence.cli.terminal import hint, say
from ringfence.errors import Conflict, Invalid
from ringfence.security import key_report, masters
from ringfence.security.crypto import Vault
from ringfence.settings import Settings
from ringfence.storage import Database, backup, elsewhere, schema
from ringfence.storage.backup import Backup
from ringfence.storage.database import make_url

app = typer.Typer(no_args_is_help=True)


@app.callback()
def database() -> None:
    """Care for the database: upgrade it, take backups and put them back."""


@app.command()
def upgrade(context: typer.Context, json_: Json = False) -> None:
    """Bring the tables to what this release needs; back the database up first."""
    called = invocation(context)
    called.set_logging(serving=False)
    opened = Database(make_url(called.settings), threads=1)
    try:
        with elsewhere.reaching(opened.url):
            before, after = schema.upgrade(opened)
    finally:
        opened.close()
    if json_:
        put({"before": before, "after": after})
    elif before == after:
        say(f"The database is at revision {after} already.")
    else:
        say(f"The database was at revision {before or 'none'} and is at {after} now.")


@app.command("backup")
def backup_(
    context: typer.Context,
    folder: Annotated[Path | None, typer.Argument(help="A new folder for the backup.")] = None,
    noted: Annotated[
        bool,
        typer.Option("--noted", help="A backup was taken by other means (pg_dump, a snapshot): only remember that."),
    ] = False,
    json_: Json = False,
) -> None:
    """Copy the embedded databases while they are used; the keys are not in the copy. For PostgreSQL it says what to do."""
    called = invocation(context)
    settings = called.settings
    if noted:
        backup.note(settings.data, str(folder or "taken by other means"))
        _told({"noted": True}, "Noted: a backup was taken now.", json_)
        return
    if not settings.sqlite:
        raise Invalid(
            "PostgreSQL has tools of its own for backups.",
            advice='pg_dump --format=custom --file=ringfence.dump "$RINGFENCE_DATABASE_URL", then `ringfence db backup --noted`. '
            "Restore with pg_restore, then `ringfence keys check`.",
        )
    if folder is None:
        raise Invalid("Say where the backup is to be.", advice="ringfence db backup FOLDER")
    with called.opened() as installation:
        revision = schema.revision(installation.database) or ""
        made = backup.take(settings.data, folder, revision)
    said = {"folder": str(made.folder), "at": made.at, "revision": made.revision, "sizes": dict(made.sizes)}
    _told(said, f"The backup is in {made.folder}: {sum(made.sizes.values()) // 1024} kB, checked.", json_)
    if not json_:
        hint(
            f"It holds no keys. Keep the master key ({masters.of(settings).words}) and audit.key in another safe place."
        )


@app.command()
def restore(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="A folder that `ringfence db backup` wrote.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    anyway: Annotated[
        bool, typer.Option("--without-keys", help="Restore even if the keys here do not open its secrets.")
    ] = False,
    json_: Json = False,
) -> None:
    """Put a backup in the place of the embedded databases, which are kept beside it; nothing may run meanwhile."""
    called = invocation(context)
    called.set_logging(serving=False)
    settings = called.settings
    if not settings.sqlite:
        raise Invalid("PostgreSQL has tools of its own for this.", advice="pg_restore, then `ringfence keys check`.")
    found = backup.look(folder)
    newest = schema.newest() or ""
    if found.revision > newest:
        raise Conflict(
            f"The backup is of a newer release ({found.version}, revision {found.revision}; this one knows {newest}).",
            advice="Install that release first.",
        )
    secrets, unreadable = _opened(found, settings)
    if unreadable and not anyway:
        raise Conflict(
            f"The keys here open {secrets - unreadable} of the {secrets} secrets in the backup.",
            advice="Put the master key back that belonged to it, or give --without-keys and enter the secrets again.",
        )
    if (
        not yes
        and called.outside.confirm(f"Replace the databases in {settings.data} by those of {found.at}?") is not True
    ):
        raise Invalid("Nothing was changed.", advice="Give --yes where nobody can be asked.")
    aside = _put_back(called, found)
    said = {"at": found.at, "secrets": secrets, "unreadable": unreadable, "before": str(aside) if aside else None}
    _told(said, f"The databases are those of {found.at}.", json_)
    if not json_ and aside is not None:
        hint(f"What was there before is in {aside}.")
        hint("What was written to the audit log since the backup is missing: `ringfence audit verify` will say so.")


def _put_back(called: Invocation, found: Backup) -> Path | None:
    from ringfence.worker import sole_worker

    data = called.settings.data
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with sole_worker(data):
        return backup.put_back(found, data)


def _opened(found: Backup, settings: Settings) -> tuple[int, int]:
    """Return how many secrets a backup holds, and how many of them the keys at hand do not open."""
    with tempfile.TemporaryDirectory(prefix="ringfence-restore-") as draft:
        shutil.copyfile(found.folder / backup.OURS, Path(draft) / backup.OURS)
        copy = Database(make_url(Settings(data=Path(draft), database_url=None)), threads=1)
        try:
            schema.upgrade(copy)
            vault = Vault(masters.of(settings), copy)
            checked = copy.read_now(lambda tx: key_report.check(tx, vault))
        finally:
            copy.close()
    return checked.secrets, len(checked.unreadable)


def _told(document: Mapping[str, object], sentence: str, as_json: bool) -> None:
    if as_json:
        put(dict(document))
    else:
        say(sentence)
