"""`ringfence playbook publish|list|pause|activate|retire`: the life of playbooks."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.cli.documents import form, put
from ringfence.cli.invocation import By, Json, invocation, who
from ringfence.cli.playbook_files import demand
from ringfence.cli.playbook_prove import Unproven, publishing
from ringfence.cli.terminal import Column, hint, say, styled, table
from ringfence.playbooks.problems import Problem

if TYPE_CHECKING:
    from ringfence.app import App
    from ringfence.playbooks.library import StoredPlaybook
    from ringfence.playbooks.publishing import Done
    from ringfence.storage import Transaction

Name = Annotated[str, typer.Argument(help="The playbook's name or id.")]
Note = Annotated[str, typer.Option(help="What the version is for; it is kept with it.")]
Major = Annotated[bool, typer.Option("--major", help="Begin the next major number: 2.0 after 1.7.")]


def publish(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="The playbook; - reads it from stdin.")],
    major: Major = False,
    note: Note = "",
    unproven: Unproven = "",
    by: By = None,
    json_: Json = False,
) -> None:
    """Publish a playbook as its newest version, which starts runs from now on.

    Where the organization wants a second person, it is kept as a draft, and that person is asked. Where it demands that a
    playbook which cuts hosts off has proven that it lets them go, that is played first.
    """
    from ringfence.playbooks.library import Release

    text = demand(file)
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        release = Release(major=major, note=note, unproven=unproven)
        done = publishing(
            installation,
            lambda tx: installation.publishing.publish(tx, organization.id, text, who(by), path=file, release=release),
        )
    published(done, file, as_json=json_)


def published(done: "Done", path: str, *, as_json: bool) -> None:
    """Say what came of publishing."""
    if as_json:
        problems = [each.to_json() for each in done.problems]
        came = done.published
        put(
            {
                "playbook": described(came.playbook) if came is not None else None,
                "changed": came is not None and came.changed,
                "question": done.question.id if done.question is not None else None,
                "trial": done.trial.id if done.trial is not None else None,
                "problems": problems,
            }
        )
        return
    for problem in done.problems:
        say(problem.render(path))
    if done.question is not None:
        asked = done.question
        say(f"{asked.question.text} A second person is asked; nothing is published until they say yes.")
        hint(f"They answer it: `ringfence approval approve {asked.id}`.")
    elif done.trial is not None:
        say("Its release must be proven first; a worker is at it, and nothing is published yet. Publish it again then.")
    elif done.published is not None:
        name, version = done.published.playbook.name, done.published.playbook.version
        if done.published.changed:
            say(f"{name} is published as version {version}, which counts from now on.")
        else:
            say(f"{name} is at version {version} already: nothing in it has changed.")


def list_(
    context: typer.Context,
    retired: Annotated[bool, typer.Option("--retired", help="Those that are retired, too.")] = False,
    json_: Json = False,
) -> None:
    """List the playbooks, and the drafts that were not published yet."""
    from ringfence.cli.moments import age
    from ringfence.playbooks import drafts, library

    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found, editing = installation.database.read_now(
            lambda tx: (library.every(tx, organization.id), drafts.opened(tx, organization.id))
        )
    shown = [each for each in found if retired or each.state != "retired"]
    names = {each.id for each in found}
    new = [each for each in editing if each.playbook_id not in names]
    if json_:
        put({"items": [described(each) for each in shown], "drafts": [_brief(each) for each in editing], "next": None})
        return
    if not shown and not new:
        hint(
            "All are retired: --retired shows them."
            if found
            else "No playbook is published yet: `ringfence playbook publish FILE`."
        )
        return
    columns = [
        Column("name", flexible=True),
        Column("state"),
        Column("version", right=True),
        Column("published"),
        Column("draft"),
        Column("by", optional=True),
        Column("id", optional=True),
    ]
    mark = {each.playbook_id: f"{each.revision} by {each.saved_by}" for each in editing}
    rows: list[list[Any]] = [
        [
            each.name,
            styled(each.state),
            each.version,
            age(each.published_at),
            mark.get(each.id, ""),
            each.published_by,
            each.id,
        ]
        for each in shown
    ]
    rows += [[each.name, styled("draft"), "", "", mark[each.playbook_id], "", each.playbook_id] for each in new]
    table(columns, rows)


def _brief(draft: Any) -> dict[str, Any]:
    document: dict[str, Any] = form(draft)
    return {name: value for name, value in document.items() if name != "source"}


def pause(context: typer.Context, name: Name, by: By = None, json_: Json = False) -> None:
    """Let a playbook start no more runs; those that run go on."""
    from ringfence.playbooks import library

    changed = _change(context, by, lambda installation, tx, of: library.pause(tx, of, name))
    _told(changed, (), "is paused and starts no more runs. Those that run go on", as_json=json_)


def activate(context: typer.Context, name: Name, by: By = None, json_: Json = False) -> None:
    """Let a paused or retired playbook start runs again; it is checked first, as when it is published."""
    found: list[Problem] = []

    def work(installation: "App", tx: "Transaction", of: str) -> "StoredPlaybook":
        changed, problems = installation.publishing.activate(tx, of, name, who(by))
        found[:] = problems
        return changed

    changed = _change(context, by, work)
    _told(changed, found, "is active and starts runs again", as_json=json_)


def retire(context: typer.Context, name: Name, by: By = None, json_: Json = False) -> None:
    """Take a playbook out of use; its runs go on, and its versions and runs are kept."""
    from ringfence.playbooks import library

    changed = _change(context, by, lambda installation, tx, of: library.retire(tx, of, name))
    _told(
        changed,
        (),
        "is retired. Its versions and runs are kept; `ringfence playbook activate` brings it back",
        as_json=json_,
    )


def _change(
    context: typer.Context, by: str | None, change: "Callable[[App, Transaction, str], StoredPlaybook]"
) -> "StoredPlaybook":
    from ringfence.audit.acting import Via, acting

    called = invocation(context)
    with called.opened() as installation, acting(who(by), Via.COMMAND):
        organization = called.organization(installation)
        changed: StoredPlaybook = installation.database.run_now(lambda tx: change(installation, tx, organization.id))
    return changed


def _told(
    changed: "StoredPlaybook", problems: "list[Problem] | tuple[Problem, ...]", words: str, *, as_json: bool
) -> None:
    if as_json:
        put({"playbook": described(changed), "problems": [each.to_json() for each in problems]})
        return
    for problem in problems:
        say(problem.render(f"version {changed.version}"))
    say(f"{changed.name} {words}.")


def described(playbook: "StoredPlaybook") -> dict[str, object]:
    """Return a playbook as JSON."""
    return {**form(playbook), "version": playbook.version}
