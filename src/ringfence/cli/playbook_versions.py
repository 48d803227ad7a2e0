"""`ringfence playbook show|versions|diff|rollback`: what a playbook said, version by version, and what was changed."""

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ringfence.cli.documents import form, put
from ringfence.cli.invocation import By, Json, invocation, who
from ringfence.cli.playbook_files import demand
from ringfence.cli.playbook_life import Name, Note, described, published
from ringfence.cli.playbook_prove import Unproven, publishing
from ringfence.cli.terminal import Column, hint, say, table
from ringfence.errors import Invalid
from ringfence.playbooks.difference import Change, compare
from ringfence.playbooks.document import read

if TYPE_CHECKING:
    from ringfence.storage import Transaction

_SIDE: Final = "A version (1.2), `draft`, `draft:N`, or a file"


def show(
    context: typer.Context,
    name: Name,
    version: Annotated[str | None, typer.Option(help="A version (1.2), `draft` or `draft:N`; else the newest.")] = None,
    json_: Json = False,
) -> None:
    """Print a playbook as it was written, byte for byte; what it is goes to stderr."""
    from ringfence.playbooks import drafts, library

    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)

        def look(tx: "Transaction") -> tuple[str, str, Any]:
            shelf = drafts.find(tx, organization.id, name)
            stored = library.get(tx, organization.id, shelf.id) if shelf.version_id is not None else None
            title, text = _side(tx, organization.id, shelf.name, version or shelf.version or "draft")
            return title, text, stored

        title, text, stored = installation.database.read_now(look)
    if json_:
        put({"playbook": None if stored is None else described(stored), "shown": title, "source": text})
        return
    hint(title)
    typer.echo(text, nl=False)


def versions(context: typer.Context, name: Name, json_: Json = False) -> None:
    """List the published versions of a playbook, the newest first."""
    from ringfence.cli.moments import age
    from ringfence.playbooks import library

    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: library.versions(tx, organization.id, name))
    if json_:
        put({"items": [{**form(each), "version": each.number} for each in found], "next": None})
        return
    columns = [
        Column("version", right=True),
        Column("published"),
        Column("by"),
        Column("approved by", optional=True),
        Column("note", flexible=True),
    ]
    rows: list[list[Any]] = []
    for each in found:
        note = " ".join(part for part in (f"Brings {each.restores} back." if each.restores else "", each.note) if part)
        rows.append([each.number, age(each.published_at), each.published_by, each.approved_by, note])
    table(columns, rows)


def diff(
    context: typer.Context,
    name: Name,
    first: Annotated[str | None, typer.Argument(metavar="[FIRST]", help=f"{_SIDE}; else the one before.")] = None,
    second: Annotated[
        str | None, typer.Argument(metavar="[SECOND]", help=f"{_SIDE}; else the newest, or the draft.")
    ] = None,
    json_: Json = False,
) -> None:
    """Say what differs between two versions, by what it means: steps, fields, wiring, trigger, settings.

    Without versions: what the open draft would change or, where there is none, what the newest version changed.
    """
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)

        def look(tx: "Transaction") -> tuple[tuple[str, str], tuple[str, str]]:
            before, after = _sides(tx, organization.id, name, first, second)
            return _side(tx, organization.id, name, before), _side(tx, organization.id, name, after)

        before, after = installation.database.read_now(look)
    changes = differing(before, after)
    if json_:
        put({"before": before[0], "after": after[0], "changes": [each.to_json() for each in changes]})
        return
    hint(f"{before[0]} ▸ {after[0]}")
    for each in changes:
        say(each.sentence)
    if not changes:
        say(
            "They say the same."
            if before[1] == after[1]
            else "They mean the same; only comments, order or layout differ."
        )


def differing(before: tuple[str, str], after: tuple[str, str]) -> tuple[Change, ...]:
    """Compare two texts, each with its title; Invalid where one of them is not a playbook."""
    was, now = (read(text) for _, text in (before, after))
    for (title, _), document in ((before, was), (after, now)):
        if document.playbook is None:
            lines = tuple(each.render(title) for each in document.problems)
            raise Invalid(f"{title} cannot be read.", advice="Correct it first.", problems=lines)
    assert now.playbook is not None
    return compare(was.playbook, now.playbook)


def _sides(
    tx: "Transaction", organization_id: str, name: str, first: str | None, second: str | None
) -> tuple[str, str]:
    from ringfence.playbooks import drafts, library

    shelf = drafts.find(tx, organization_id, name)
    numbers = [each.number for each in library.versions(tx, organization_id, shelf.id)] if shelf.version_id else []
    if first is not None and second is not None:
        return first, second
    newest = "draft" if shelf.revision is not None else (numbers[0] if numbers else "draft")
    if first is not None:
        return first, newest
    before = numbers[0] if newest == "draft" and numbers else (numbers[1] if len(numbers) > 1 else None)
    if before is None:
        raise Invalid(
            f"{shelf.name!r} has nothing to compare with yet.", advice="Name two sides: versions, drafts or files."
        )
    return before, newest


def _side(tx: "Transaction", organization_id: str, name: str, side: str) -> tuple[str, str]:
    """Return the title and the text of what a person calls one side of a comparison."""
    from ringfence.playbooks import drafts, library

    word, _, number = side.partition(":")
    if word == "draft" and (not number or number.isdecimal()):
        draft = (
            drafts.revision(tx, organization_id, name, int(number[:9]))
            if number
            else drafts.current(tx, organization_id, name)
        )
        return f"{draft.name} draft {draft.revision}", draft.source
    if side == "-" or "/" in side or side.endswith((".yaml", ".yml")):
        return side, demand(side)
    found = library.version(tx, organization_id, name, side)
    return f"{name} {found.number}", library.source_of(tx, organization_id, found.id)


def rollback(
    context: typer.Context,
    name: Name,
    version: Annotated[str, typer.Argument(help="The older version to bring back, e.g. 1.2.")],
    note: Note = "",
    unproven: Unproven = "",
    by: By = None,
    json_: Json = False,
) -> None:
    """Publish what an older version says as the newest one; runs go on with the versions that started them."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        back = installation.publishing.roll_back
        done = publishing(
            installation,
            lambda tx: back(tx, organization.id, name, version, who(by), note=note, unproven=unproven),
        )
    published(done, f"version {version}", as_json=json_)
    if done.published is not None and not json_:
        say(f"It says what version {version} said.")
