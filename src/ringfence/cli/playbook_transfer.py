"""`ringfence playbook export|import`: playbooks as files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.cli.documents import put
from ringfence.cli.invocation import By, Json, invocation, who
from ringfence.cli.playbook_exchange import Format, as_cacao, from_cacao, tell_left_out, tell_taken, told
from ringfence.cli.playbook_files import demand
from ringfence.cli.terminal import say
from ringfence.errors import Invalid
from ringfence.playbooks.cacao.leaving import LeftOut
from ringfence.playbooks.document import read

if TYPE_CHECKING:
    from ringfence.app import App
    from ringfence.playbooks.library import StoredPlaybook
    from ringfence.storage import Transaction


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


_ASKED = "a draft that a second person is asked about"


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
        waits = "a draft whose release must be proven first" if done.trial is not None else _ASKED
        became = f"version {came.playbook.version}" if came is not None else waits
        return {"name": name, "path": file, "became": became, "problems": lines}
    shelf = next((each for each in drafts.opened(tx, organization_id) if each.name == name), None)
    if shelf is not None and shelf.source != text:
        raise Invalid(
            f"{shelf.saved_by} is editing a draft of {name!r} (revision {shelf.revision}).",
            advice="Publish or discard it first, or save yours over it: `ringfence playbook draft save`.",
        )
    draft = drafts.save(tx, organization_id, text, by, note=f"Imported from {Path(file).name}."[:200])
    return {"name": name, "path": file, "became": f"draft {draft.revision}", "problems": lines}
