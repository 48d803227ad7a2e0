"""`ringfence playbook sync`: keep a folder under version control and the installation in step, both ways."""

import os
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ringfence.cli.documents import put
from ringfence.cli.invocation import By, Json, invocation, who
from ringfence.cli.playbook_files import read as read_file
from ringfence.cli.terminal import hint, say
from ringfence.errors import Invalid
from ringfence.playbooks import folder
from ringfence.playbooks.difference import compare
from ringfence.playbooks.document import read
from ringfence.playbooks.folder import Agreed, File, Installed, Move, Step
from ringfence.playbooks.problems import Problem, Severity

if TYPE_CHECKING:
    from ringfence.app import App
    from ringfence.playbooks.publishing import Done
    from ringfence.storage import Transaction

_MOST_FILES: Final = 2_000
_DONE: Final = {
    Move.PUBLISH: "published",
    Move.WRITE: "written",
    Move.RETIRE: "retired",
    Move.DELETE: "deleted",
    Move.CONFLICT: "conflict",
}


class Prefer(StrEnum):
    """Whose text wins where both have changed."""

    FILES = "files"
    INSTALLATION = "installation"


@dataclass
class _Folder:
    path: Path
    files: dict[str, File]
    agreed: dict[str, Agreed]
    problems: list[str] = field(default_factory=list)


def sync(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The folder; playbooks below it count, too.")],
    check: Annotated[
        bool,
        typer.Option("--check", help="Change nothing; status 1 if anything differs or a file has an error. For CI."),
    ] = False,
    prefer: Annotated[Prefer | None, typer.Option(help="Whose text wins where both have changed.")] = None,
    remove: Annotated[
        bool,
        typer.Option("--remove", help="Retire playbooks whose file was deleted, and delete files of retired ones."),
    ] = False,
    by: By = None,
    json_: Json = False,
) -> None:
    """Publish files that have changed, write those that the installation has changed, and show conflicts.

    All files are published, or none. What both sides have changed is left alone on both until one is preferred; a file that
    loses is kept beside as FILE.mine, and a version that loses stays among the versions.
    """
    found = _read(directory)
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        there = installation.database.read_now(lambda tx: _installed(tx, organization.id))
        steps = _decided(folder.plan(found.files, there, found.agreed), found, there, prefer, remove)
        if check:
            found.problems += installation.database.read_now(
                lambda tx: _faults(installation, tx, organization.id, found, who(by))
            )
            _checked(steps, found, there, as_json=json_)
            return
        if found.problems:
            raise Invalid(
                "Some files are no playbooks.",
                advice="Correct them; nothing was changed.",
                problems=tuple(found.problems),
            )
        asked = installation.database.run_now(
            lambda tx: _change_installation(installation, tx, organization.id, steps, found, who(by))
        )
        now = installation.database.read_now(lambda tx: _installed(tx, organization.id))
    _change_folder(steps, found, now, asked)
    _told(steps, found, there, asked, as_json=json_)


def _read(directory: Path) -> _Folder:
    if not directory.is_dir():
        raise Invalid(f"{directory} is no folder.", advice="Make it first, as a rule in a repository of its own.")
    paths = []
    for base, folders, names in os.walk(directory):
        # What begins with a dot belongs to tools, such as .git.
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        paths += [Path(base) / each for each in sorted(names) if each.endswith((".yaml", ".yml")) and each[0] != "."]
        if len(paths) > _MOST_FILES:
            raise Invalid(
                f"There are more than {_MOST_FILES} files in {directory}.", advice="Name a folder of playbooks only."
            )
    found = _Folder(directory, {}, _state(directory))
    for path in paths:
        text = read_file(str(path)) if path.is_file() and not path.is_symlink() else _no_file()
        document = None if isinstance(text, Problem) else read(text)
        if isinstance(text, Problem):
            found.problems.append(text.render(str(path)))
        elif document is not None and document.playbook is None:
            found.problems += [each.render(str(path)) for each in document.problems]
        elif document is not None and document.playbook is not None:
            name = document.playbook.name
            if name in found.files:
                place = f"{path}:1:1 error same-name: {found.files[name].path} is named {name[:100]!r}, too."
                found.problems.append(place)
            found.files[name] = File(path.relative_to(directory).as_posix(), text)
    return found


def _no_file() -> Problem:
    return Problem("unreadable-file", Severity.ERROR, "This is a link or no file.", "Put the playbook itself there.")


def _state(directory: Path) -> dict[str, Agreed]:
    path = directory / folder.STATE
    if not path.exists():
        return {}
    text = read_file(str(path))
    if isinstance(text, Problem):
        raise Invalid(f"{path} cannot be read.", advice=text.advice)
    return folder.read_state(text)


def _installed(tx: "Transaction", organization_id: str) -> dict[str, Installed]:
    from ringfence.playbooks import library
    from ringfence.playbooks.library import PlaybookState

    stored = library.every(tx, organization_id)
    texts = dict(library.sources(tx, organization_id, [each.version_id for each in stored]))
    return {
        each.name: Installed(each.version, texts[each.version_id], each.state is PlaybookState.RETIRED)
        for each in stored
    }


def _decided(
    steps: tuple[Step, ...], found: _Folder, there: dict[str, Installed], prefer: Prefer | None, remove: bool
) -> list[Step]:
    """Apply what the person said about conflicts."""
    decided = []
    for step in steps:
        move = step.move
        if move is Move.CONFLICT and prefer is Prefer.FILES and step.name in found.files:
            move = Move.PUBLISH
        elif move is Move.CONFLICT and prefer is Prefer.INSTALLATION and not there[step.name].retired:
            move = Move.WRITE
        elif move is Move.CONFLICT and prefer is not None and remove:
            move = Move.RETIRE if prefer is Prefer.FILES else Move.DELETE
        why = step.why
        if move in (Move.RETIRE, Move.DELETE) and not remove:
            move, why = Move.CONFLICT, f"{why} Say --remove to follow, or restore it."
        decided.append(Step(step.name, step.path, move, why))
    return decided


def _faults(installation: "App", tx: "Transaction", organization_id: str, found: _Folder, by: str) -> list[str]:
    lines = []
    for file in found.files.values():
        problems = installation.publishing.examine(tx, organization_id, file.text, by)
        lines += [each.render(str(found.path / file.path)) for each in problems if each.severity is Severity.ERROR]
    return lines


def _change_installation(
    installation: "App", tx: "Transaction", organization_id: str, steps: list[Step], found: _Folder, by: str
) -> "dict[str, Done]":
    """Publish and retire; return what must come first, by the names of the playbooks: a second person's answer, or a proof."""
    from ringfence.playbooks import library

    asked: dict[str, Done] = {}
    # Components before those that may call them.
    order = sorted(
        steps, key=lambda step: step.name not in found.files or "kind: component" not in found.files[step.name].text
    )
    for step in order:
        if step.move is Move.PUBLISH:
            file = found.files[step.name]
            done = installation.publishing.publish(tx, organization_id, file.text, by, path=str(found.path / file.path))
            if done.published is None:
                asked[step.name] = done
        elif step.move is Move.RETIRE:
            library.retire(tx, organization_id, step.name)
    return asked


def _change_folder(steps: list[Step], found: _Folder, now: dict[str, Installed], asked: "dict[str, Done]") -> None:
    for step in steps:
        path = found.path / step.path
        mine = found.files.get(step.name)
        before = found.agreed.get(step.name)
        # A text that nobody has agreed on would be lost.
        keep = mine is not None and (before is None or folder.digest(mine.text) != before.file)
        if step.move is Move.WRITE:
            if keep and mine is not None:
                _write(path.with_name(f"{path.name}.mine"), mine.text)
            _write(path, now[step.name].text)
            found.files[step.name] = File(step.path, now[step.name].text)
        elif step.move is Move.DELETE:
            if keep and mine is not None:
                _write(path.with_name(f"{path.name}.mine"), mine.text)
            path.unlink()
            del found.files[step.name]
    open_ = {step.name for step in steps if step.move is Move.CONFLICT} | set(asked)
    for name in {*found.agreed, *found.files}:
        file, there = found.files.get(name), now.get(name)
        if name in open_:
            continue
        if file is not None and there is not None and not there.retired:
            found.agreed[name] = folder.agree(file, there)
        else:
            found.agreed.pop(name, None)
    _write(found.path / folder.STATE, folder.write_state(found.agreed))


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all, and never through a link."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.unlink(missing_ok=True)
        with fresh.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
        fresh.replace(path)
    except OSError as error:
        raise Invalid(
            f"{path} cannot be written: {error.strerror}.", advice="Make it writable, and sync again."
        ) from None


def _conflict(step: Step, found: _Folder, there: dict[str, Installed]) -> list[str]:
    """Say what the file would change of the installation's version."""
    file, kept = found.files.get(step.name), there.get(step.name)
    if file is None or kept is None:
        return []
    before, after = read(kept.text).playbook, read(file.text).playbook
    return [] if after is None else [each.sentence for each in compare(before, after)]


def _checked(steps: list[Step], found: _Folder, there: dict[str, Installed], *, as_json: bool) -> None:
    differing = [step for step in steps if step.move is not Move.NONE]
    if as_json:
        items = [_form(step, found, there, {}) for step in steps]
        put({"in_step": not differing and not found.problems, "items": items, "problems": found.problems})
    else:
        for line in found.problems:
            say(line)
        for step in differing:
            say(f"{step.move}: {step.name} ({step.path}). {step.why}")
        hint(f"{len(steps) - len(differing)} in step, {len(differing)} not.")
    if differing or found.problems:
        raise typer.Exit(1)


def _told(
    steps: list[Step], found: _Folder, there: dict[str, Installed], asked: "dict[str, Done]", *, as_json: bool
) -> None:
    conflicts = [step for step in steps if step.move is Move.CONFLICT]
    if as_json:
        put(
            {
                "in_step": not conflicts and not asked,
                "items": [_form(step, found, there, asked) for step in steps],
                "problems": [],
            }
        )
    else:
        for step in steps:
            if step.move is Move.NONE:
                continue
            done = _waits(asked[step.name]) if step.name in asked else _DONE[step.move]
            say(f"{done}: {step.name} ({step.path}). {step.why}")
            if step.move is Move.CONFLICT:
                for line in _conflict(step, found, there):
                    say(f"    {line}")
        if conflicts:
            hint("Nothing of these was changed: edit the file, or say --prefer files or --prefer installation.")
        hint(f"{sum(step.move is Move.NONE for step in steps)} were in step.")
    if conflicts:
        raise typer.Exit(1)


def _waits(done: "Done") -> str:
    return "a second person is asked" if done.question is not None else "its release must be proven first"


def _form(step: Step, found: _Folder, there: dict[str, Installed], asked: "dict[str, Done]") -> dict[str, Any]:
    changes = _conflict(step, found, there) if step.move is Move.CONFLICT else []
    waits = asked.get(step.name)
    return {
        "name": step.name,
        "path": step.path,
        "move": step.move,
        "why": step.why,
        "changes": changes,
        "question": waits.question.id if waits is not None and waits.question is not None else None,
        "trial": waits.trial.id if waits is not None and waits.trial is not None else None,
    }
