"""`ringfence policy set|edit|diff|history`: the layers of policy, version by version."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ringfence.cli.documents import form, put
from ringfence.cli.invocation import By, Invocation, Json, invocation, who
from ringfence.cli.moments import age
from ringfence.cli.terminal import Column, hint, say, table
from ringfence.containment import policies, written
from ringfence.containment.layers import Difference, check, differences
from ringfence.containment.policies import Scope, Version
from ringfence.errors import Conflict, Invalid
from ringfence.storage import Transaction

if TYPE_CHECKING:
    from ringfence.app import App

_LARGEST: Final = 1_048_576
_EDITS: Final = 20

Layer = Annotated[
    str,
    typer.Option("--scope", help="Whose layer: `provider`, `organization`, or `group:NAME`.", metavar="SCOPE"),
]
Note = Annotated[str, typer.Option(help="What the change is for; it is kept with the version.")]
Expected = Annotated[
    int | None,
    typer.Option(
        help="The version that you have seen; nothing is written if there is a newer one. Without it: the newest.",
        min=0,
    ),
]


def described(found: Version) -> dict[str, Any]:
    """Return a version of a layer as JSON."""
    return {
        "scope": found.scope.name,
        "version": found.version,
        "document": dict(found.document),
        "note": found.note,
        "made_by": found.made_by,
        "made_at": found.made_at,
    }


def set_(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="A YAML file with the whole layer; `-` reads stdin.")],
    layer: Layer = "organization",
    note: Note = "",
    expected: Expected = None,
    by: By = None,
    json_: Json = False,
) -> None:
    """Replace a layer of policy by what a file says; each problem is named with its field, and then nothing is changed."""
    called = invocation(context)
    document = written.read(_text(file))
    check(document)
    with called.opened() as installation:
        organization = called.organization(installation)
        where = policies.scope(layer, organization.id)
        before, after = _write(installation, where, document, expected, who(by), note)
    _wrote(before, after, as_json=json_)


def edit(
    context: typer.Context,
    layer: Layer = "organization",
    note: Note = "",
    by: By = None,
    json_: Json = False,
) -> None:
    """Edit a layer of policy in your editor ($VISUAL or $EDITOR), see what changes, and save it."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        where = policies.scope(layer, organization.id)
        before = installation.database.read_now(lambda tx: policies.newest(tx, where))
        document = _edited(called, before)
        if document is None or not differences(before.document, document):
            hint("Nothing was changed.")
            if json_:
                put({"changed": [], **described(before)})
            return
        if not json_:
            show_differences(differences(before.document, document))
        if called.outside.confirm("Save this?") is False:
            hint("Nothing was changed.")
            raise typer.Exit(1)
        before, after = _write(installation, where, document, before.version, who(by), note)
    _wrote(before, after, as_json=json_)


def _edited(called: Invocation, before: Version) -> dict[str, Any] | None:
    """Return what a person made of a layer; what cannot be used is shown above the text and edited again."""
    text = written.write(before.document, guide=True)
    for _ in range(_EDITS):
        edited = called.outside.edit(text)
        if edited is None:
            return None
        try:
            document = written.read(edited)
            check(document)
        except Invalid as error:
            said = [error.message, *error.problems, error.advice]
            text = "".join(f"#! {each}\n" for each in said if each) + _unmarked(edited)
            hint(" ".join(said))
            if called.outside.confirm("Edit it again?") is not True:
                raise
        else:
            return document
    raise Conflict("The policy was edited too often without success.", advice="Use `ringfence policy set FILE`.")


def _unmarked(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#!"))


def _write(
    installation: "App", where: Scope, document: dict[str, Any], expected: int | None, by: str, note: str
) -> tuple[Version, Version]:
    def work(tx: Transaction) -> tuple[Version, Version]:
        before = policies.newest(tx, where)
        seen = before.version if expected is None else expected
        return before, policies.write(tx, where, document, expected_version=seen, by=by, note=note)

    return installation.database.run_now(work)


def _wrote(before: Version, after: Version, *, as_json: bool) -> None:
    changed = differences(before.document, after.document)
    if as_json:
        put({"changed": [form_of(each) for each in changed], **described(after)})
        return
    show_differences(changed)
    say(f"{after.scope.name} is at version {after.version}.")


def diff(
    context: typer.Context,
    first: Annotated[int | None, typer.Argument(metavar="[V1]", help="A version; else the one before V2.")] = None,
    second: Annotated[int | None, typer.Argument(metavar="[V2]", help="A later version; else the newest.")] = None,
    layer: Layer = "organization",
    json_: Json = False,
) -> None:
    """Show in which fields two versions of a layer differ: by default the newest and the one before."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        where = policies.scope(layer, organization.id)

        def look(tx: Transaction) -> tuple[Version, Version]:
            after = policies.newest(tx, where) if second is None else policies.version(tx, where, second)
            number = max(after.version - 1, 0) if first is None else first
            return policies.version(tx, where, number), after

        before, after = installation.database.read_now(look)
    changed = differences(before.document, after.document)
    if json_:
        put({"before": before.version, "after": after.version, "changed": [form_of(each) for each in changed]})
        return
    hint(f"{where.name}: version {before.version} and version {after.version}")
    show_differences(changed)


def form_of(each: Difference) -> dict[str, Any]:
    """Return a difference as JSON."""
    document: dict[str, Any] = form(each)
    return document | {"added": list(each.added), "removed": list(each.removed)}


def show_differences(changed: tuple[Difference, ...]) -> None:
    """Print what differs, a field a line; of lists what came and what went."""
    if not changed:
        say("They say the same.")
    for each in changed:
        say(f"  {each.field}: {told(each)}")


def told(each: Difference) -> str:
    """Say in few words how a field differs."""
    if isinstance(each.before, list | tuple) and isinstance(each.after, list | tuple):
        parts = [*(f"+ {value}" for value in each.added), *(f"- {value}" for value in each.removed)]
        return ", ".join(parts) or "another order"
    before = "not said" if each.before is None else written.shown(each.before)
    return f"{before} → {'not said' if each.after is None else written.shown(each.after)}"


def history(context: typer.Context, layer: Layer = "organization", json_: Json = False) -> None:
    """List the versions of a layer, the newest first, with who changed what and why."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        where = policies.scope(layer, organization.id)
        kept = installation.database.read_now(lambda tx: policies.history(tx, where))
    before = [*(each.document for each in kept[1:]), {}]
    changes = [differences(old, each.document) for old, each in zip(before, kept, strict=False)]
    if json_:
        items = [
            described(each) | {"changed": [form_of(one) for one in changed]}
            for each, changed in zip(kept, changes, strict=True)
        ]
        put({"items": items, "next": None})
        return
    if not kept:
        hint("Nobody has changed this layer.")
        return
    columns = [
        Column("version", right=True),
        Column("when"),
        Column("by"),
        Column("changed", flexible=True),
        Column("note", flexible=True, optional=True),
    ]
    rows = [
        [
            str(each.version),
            age(each.made_at),
            each.made_by,
            "; ".join(f"{one.field}: {told(one)}" for one in some),
            each.note,
        ]
        for each, some in zip(kept, changes, strict=True)
    ]
    table(columns, rows)


def _text(file: str) -> str:
    if file == "-":
        return sys.stdin.read(_LARGEST + 1)
    path = Path(file)
    try:
        with path.open(encoding="utf-8") as opened:
            return opened.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else "it is not UTF-8 text"
        raise Invalid(f"{path} cannot be read: {said}.", advice="Name a text file that you may read.") from None
