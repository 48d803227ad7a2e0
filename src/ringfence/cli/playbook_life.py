"""`ringfence playbook publish|list|show|versions|diff|rollback|pause|activate|retire|export|import`: the life of playbooks."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ringfence.cli.documents import form, put
from ringfence.cli.invocation import By, Json, invocation, who
from ringfence.cli.playbook_exchange import Format, as_cacao, from_cacao, tell_left_out, tell_taken, told
from ringfence.cli.playbook_files import demand
from ringfence.cli.terminal import Column, hint, say, styled, table
from ringfence.errors import Invalid
from ringfence.playbooks.cacao.leaving import LeftOut
from ringfence.playbooks.difference import Change, compare
from ringfence.playbooks.document import read
from ringfence.playbooks.problems import Problem

if TYPE_CHECKING:
    from ringfence.app import App
    from ringfence.playbooks.library import StoredPlaybook
    from ringfence.playbooks.publishing import Done
    from ringfence.storage import Transaction

Name = Annotated[str, typer.Argument(help="The playbook's name or id.")]
Note = Annotated[str, typer.Option(help="What the version is for; it is kept with it.")]
Major = Annotated[bool, typer.Option("--major", help="Begin the next major number: 2.0 after 1.7.")]
_SIDE: Final = "A version (1.2), `draft`, `draft:N`, or a file"


def publish(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="The playbook; - reads it from stdin.")],
    major: Major = False,
    note: Note = "",
    by: By = None,
    json_: Json = False,
) -> None:
    """Publish a playbook as its newest version, which starts runs from now on.

    Where the organization wants a second person, it is kept as a draft, and that person is asked.
    """
    from ringfence.playbooks.library import Release

    text = demand(file)
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        release = Release(major=major, note=note)
        done = installation.database.run_now(
            lambda tx: installation.publishing.publish(tx, organization.id, text, who(by), path=file, release=release)
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
    elif done.published is not None:
        name, version = done.published.playbook.name, done.published.playbook.version
        if done.published.changed:
            say(f"{name} is published as version {version} and starts runs from now on.")
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
    by: By = None,
    json_: Json = False,
) -> None:
    """Publish what an older version says as the newest one; runs go on with the versions that started them."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        done = installation.database.run_now(
            lambda tx: installation.publishing.roll_back(tx, organization.id, name, version, who(by), note=note)
        )
    published(done, f"version {version}", as_json=json_)
    if done.published is not None and not json_:
        say(f"It says what version {version} said.")


def pause(context: typer.Context, name: Name, by: By = None, json_: Json = False) -> None:
    """Let a playbook start no more runs; those that run go on."""
    from ringfence.playbooks import library

    changed = _change(context, lambda installation, tx, of: library.pause(tx, of, name))
    _told(changed, (), "is paused and starts no more runs. Those that run go on", as_json=json_)


def activate(context: typer.Context, name: Name, by: By = None, json_: Json = False) -> None:
    """Let a paused or retired playbook start runs again; it is checked first, as when it is published."""
    found: list[Problem] = []

    def work(installation: "App", tx: "Transaction", of: str) -> "StoredPlaybook":
        changed, problems = installation.publishing.activate(tx, of, name, who(by))
        found[:] = problems
        return changed

    changed = _change(context, work)
    _told(changed, found, "is active and starts runs again", as_json=json_)


def retire(context: typer.Context, name: Name, by: By = None, json_: Json = False) -> None:
    """Take a playbook out of use; its runs go on, and its versions and runs are kept."""
    from ringfence.playbooks import library

    changed = _change(context, lambda installation, tx, of: library.retire(tx, of, name))
    _told(
        changed,
        (),
        "is retired. Its versions and runs are kept; `ringfence playbook activate` brings it back",
        as_json=json_,
    )


def _change(context: typer.Context, change: "Callable[[App, Transaction, str], StoredPlaybook]") -> "StoredPlaybook":
    called = invocation(context)
    with called.opened() as installation:
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


def export(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(help="Playbooks; all that are not retired if none is named.")
    ] = None,
    to: Annotated[
        Path, typer.Option(help="The folder to write to; files that are there already are not overwritten.")
    ] = Path(),
    format_: Format = "yaml",
    marking: Annotated[str | None, typer.Option(help="The level of TLP 2.0 of a CACAO document: TLP:AMBER.")] = None,
    json_: Json = False,
) -> None:
    """Write the newest versions of playbooks as files: YAML byte for byte as published, or OASIS CACAO 2.0.

    What CACAO has no word for is kept in it for Ringfence, and listed for everybody else.
    """
    from ringfence.playbooks import library
    from ringfence.playbooks.folder import file_name

    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)

        def look(tx: "Transaction") -> list[tuple["StoredPlaybook", str]]:
            there = [each for each in library.every(tx, organization.id) if each.state != "retired"]
            wanted = [library.get(tx, organization.id, name) for name in names] if names else there
            return [(each, library.source_of(tx, organization.id, each.version_id)) for each in wanted]

        found = installation.database.read_now(look)
    written: list[dict[str, object]] = []
    taken: set[str] = set()
    for stored, text in found:
        path = to / file_name(stored.name, taken)
        taken.add(path.name)
        left_out: tuple[LeftOut, ...] = ()
        if format_ == "cacao":
            path = path.with_suffix(".cacao.json")
            text, left_out = as_cacao(stored, text, installation.catalogue, marking)
        write_new(path, text)
        one = {"name": stored.name, "version": stored.version, "path": str(path)}
        written.append(one | ({"left_out": [each.to_json() for each in left_out]} if format_ == "cacao" else {}))
        if not json_:
            say(f"{stored.name} {stored.version}: {path}")
            tell_left_out(left_out)
    if json_:
        put({"files": written})


def write_new(path: Path, text: str) -> None:
    """Write a file; Invalid if it is there with another text, or cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
    except FileExistsError:
        if path.is_file() and path.read_bytes() == text.encode():
            return
        raise Invalid(
            f"{path} is there already, and says something else.", advice="Move it away, or name another folder."
        ) from None
    except OSError as error:
        raise Invalid(
            f"{path} cannot be written: {error.strerror}.", advice="Name a folder that you may write to."
        ) from None


def import_(
    context: typer.Context,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Playbooks; - reads one from stdin.")],
    publish_: Annotated[bool, typer.Option("--publish", help="Publish them at once.")] = False,
    format_: Format = "yaml",
    by: By = None,
    json_: Json = False,
) -> None:
    """Take playbooks in as drafts, all of them or none: one that has an error, or that you may not publish, is refused.

    Nothing starts runs until it is published. Commands of an OASIS CACAO 2.0 document that are not Ringfence's own become
    steps that ask a person; what cannot be carried is listed.
    """
    called = invocation(context)
    if format_ == "cacao":
        if publish_:
            raise Invalid("What another tool wrote is not published unseen.", advice="Leave out --publish, look at it.")
        foreign = {file: from_cacao(file, demand(file)) for file in files}
        texts = [(file, taken.source) for file, taken in foreign.items()]
    else:
        foreign = {}
        texts = [(file, demand(file)) for file in files]
    with called.opened() as installation:
        organization = called.organization(installation)
        taken = installation.database.run_now(
            lambda tx: [_take_in(installation, tx, organization.id, each, who(by), publish_) for each in texts]
        )
    if json_:
        put({"items": [each | (told(foreign[each["path"]]) if foreign else {}) for each in taken]})
        return
    for each in taken:
        for line in each["problems"]:
            say(line)
        say(f"{each['name']}: {each['became']}")
        if foreign:
            tell_taken(foreign[each["path"]])


def _take_in(
    installation: "App",
    tx: "Transaction",
    organization_id: str,
    given: tuple[str, str],
    by: str,
    publish_: bool,
) -> dict[str, Any]:
    from ringfence.playbooks import drafts, library

    file, text = given
    library.demand_storable(text)
    problems = installation.publishing.examine(tx, organization_id, text, by)
    name = library.usable(read(text), problems, file).name
    lines = [each.render(file) for each in problems]
    if publish_:
        done = installation.publishing.publish(tx, organization_id, text, by, path=file)
        came = done.published
        became = (
            f"version {came.playbook.version}" if came is not None else "a draft that a second person is asked about"
        )
        return {"name": name, "path": file, "became": became, "problems": lines}
    shelf = next((each for each in drafts.opened(tx, organization_id) if each.name == name), None)
    if shelf is not None and shelf.source != text:
        raise Invalid(
            f"{shelf.saved_by} is editing a draft of {name!r} (revision {shelf.revision}).",
            advice="Publish or discard it first, or save yours over it: `ringfence playbook draft save`.",
        )
    draft = drafts.save(tx, organization_id, text, by, note=f"Imported from {Path(file).name}."[:200])
    return {"name": name, "path": file, "became": f"draft {draft.revision}", "problems": lines}


def described(playbook: "StoredPlaybook") -> dict[str, object]:
    """Return a playbook as JSON."""
    return {**form(playbook), "version": playbook.version}
