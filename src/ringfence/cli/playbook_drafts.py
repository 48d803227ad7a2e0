"""`ringfence playbook draft`: what is being edited, save by save."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.cli.documents import form, put
from ringfence.cli.invocation import By, Json, invocation, who
from ringfence.cli.playbook_files import demand
from ringfence.cli.playbook_life import Major, Name, Note, published
from ringfence.cli.playbook_prove import Unproven, publishing
from ringfence.cli.terminal import Column, hint, say, table

if TYPE_CHECKING:
    from ringfence.playbooks.drafts import Draft
    from ringfence.playbooks.problems import Problem
    from ringfence.playbooks.publishing import Done
    from ringfence.storage import Transaction

app = typer.Typer(no_args_is_help=True)
Seen = Annotated[
    int | None,
    typer.Option(min=0, help="The revision that you have seen, 0 for none; refused if there is a newer one."),
]


@app.callback()
def draft() -> None:
    """Edit playbooks without touching what is published."""


@app.command()
def save(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="The playbook; - reads it from stdin.")],
    of: Annotated[str | None, typer.Option("--of", help="Whose draft it is; else the file's `name:` says so.")] = None,
    seen: Seen = None,
    note: Note = "",
    by: By = None,
    json_: Json = False,
) -> None:
    """Save a file as the draft of a playbook; it may have errors, and says them. Earlier saves are kept."""
    from ringfence.playbooks import drafts

    text = demand(file)
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)

        def work(tx: "Transaction") -> "tuple[Draft, tuple[Problem, ...]]":
            saved = drafts.save(tx, organization.id, text, who(by), playbook=of, expected=seen, note=note)
            return saved, installation.publishing.examine(tx, organization.id, text, who(by))

        saved, problems = installation.database.run_now(work)
    if json_:
        put({"draft": form(saved), "problems": [each.to_json() for each in problems]})
        return
    for problem in problems:
        say(problem.render(file))
    say(f"{saved.name}: draft {saved.revision} is saved{f', begun from {saved.base}' if saved.base else ''}.")
    hint(f"Publish it: `ringfence playbook draft publish '{saved.name}'`.")


@app.command("list")
def list_(context: typer.Context, json_: Json = False) -> None:
    """List the open drafts."""
    from ringfence.playbooks import drafts

    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: drafts.opened(tx, organization.id))
    _listed(found, as_json=json_)


@app.command()
def history(context: typer.Context, name: Name, json_: Json = False) -> None:
    """List the saves of a playbook's drafts, the newest first; `playbook show --version draft:N` prints one."""
    from ringfence.playbooks import drafts

    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: drafts.history(tx, organization.id, name))
    _listed(found, as_json=json_)


def _listed(found: "list[Draft]", *, as_json: bool) -> None:
    from ringfence.cli.moments import age

    if as_json:
        put({"items": [form(each) for each in found], "next": None})
        return
    if not found:
        hint("There is no draft: `ringfence playbook draft save FILE`.")
        return
    columns = [
        Column("name", flexible=True),
        Column("draft", right=True),
        Column("begun from"),
        Column("saved"),
        Column("by"),
        Column("note", optional=True),
    ]
    rows: list[list[Any]] = [
        [each.name, str(each.revision), each.base, age(each.saved_at), each.saved_by, each.note] for each in found
    ]
    table(columns, rows)


@app.command()
def publish(
    context: typer.Context,
    name: Name,
    seen: Seen = None,
    major: Major = False,
    over: Annotated[
        bool, typer.Option("--over", help="Also if another version was published since the draft began.")
    ] = False,
    note: Note = "",
    unproven: Unproven = "",
    by: By = None,
    json_: Json = False,
) -> None:
    """Publish the open draft of a playbook as its newest version."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)

        def work(tx: "Transaction", expected: int | None) -> "Done":
            return installation.publishing.publish_draft(
                tx,
                organization.id,
                name,
                who(by),
                expected=expected,
                major=major,
                note=note,
                over=over,
                path=name,
                unproven=unproven,
            )

        # What is proven is saved with the versions of its components in it, as a revision of its own.
        done = publishing(installation, lambda tx: work(tx, seen), lambda tx: work(tx, None))
    published(done, name, as_json=json_)


@app.command()
def discard(context: typer.Context, name: Name, seen: Seen = None, by: By = None, json_: Json = False) -> None:
    """Close the open draft without publishing it; its saves are kept."""
    from ringfence.playbooks import drafts

    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        closed = installation.database.run_now(
            lambda tx: drafts.discard(tx, organization.id, name, who(by), expected=seen)
        )
    if json_:
        put({"draft": form(closed)})
    else:
        say(f"{closed.name}: draft {closed.revision} is closed. `ringfence playbook draft history` has it still.")
