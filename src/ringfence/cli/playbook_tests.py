"""`ringfence playbook test`: the tests that playbooks bring along. It needs no database and no network."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.actions.catalogue import Catalogue, discover
from ringfence.cli import playbook_files
from ringfence.cli.documents import form, put
from ringfence.cli.invocation import Json
from ringfence.cli.terminal import hint, say
from ringfence.errors import Invalid
from ringfence.playbooks import checks
from ringfence.playbooks.calls import calls
from ringfence.playbooks.document import read
from ringfence.playbooks.installation import Called
from ringfence.playbooks.mocks import cases_of
from ringfence.playbooks.model import Playbook
from ringfence.playbooks.problems import Problem, has_errors

if TYPE_CHECKING:
    from ringfence.rehearsals.cases import CaseResult
    from ringfence.rehearsals.junit import Suite


def run_tests(
    context: typer.Context,
    files: Annotated[list[str], typer.Argument(metavar="FILE|DIR...", help="Playbooks, or folders of them.")],
    only: Annotated[str, typer.Option("--only", "-k", help="Only tests with this in their name.")] = "",
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the results as JUnit XML, for CI systems.")
    ] = None,
    json_: Json = False,
) -> None:
    """Carry out the `tests` of playbooks; status 1 if one does not pass.

    Nothing is reached: steps that read or act end as the test's `mocks` say, waits pass at once, and no database is opened.
    Components are those among the files.
    """
    catalogue = discover()
    texts = [(file, playbook_files.read(file)) for file in playbook_files.found(files)]
    components = _components(text for _, text in texts)
    suites = [_suite(file, text, catalogue, components, only) for file, text in texts]
    if junit is not None:
        _write(junit, suites)
    passed = sum(each.passed for suite in suites for each in suite.results)
    failed = sum(suite.failed for suite in suites)
    if json_:
        put({"files": [_form(suite) for suite in suites], "passed": passed, "failed": failed})
    else:
        for suite in suites:
            _tell(suite)
        hint(f"{_tests(passed + failed)} in {_files(len(suites))}: {passed} passed, {failed} failed.")
    if failed:
        raise typer.Exit(1)


def _components(texts: Iterable[str | Problem]) -> dict[str, Playbook]:
    """Return the components among the files, by name, whatever their version."""
    read_ones = [read(text).playbook for text in texts if isinstance(text, str)]
    return {each.name: each for each in read_ones if each is not None and each.kind == "component"}


def _called(playbook: Playbook, components: Mapping[str, Playbook]) -> dict[Called, Playbook]:
    found: dict[Called, Playbook] = {}
    todo = [playbook]
    while todo:
        for wanted in calls(todo.pop()):
            if wanted not in found and wanted[0] in components:
                found[wanted] = components[wanted[0]]
                todo.append(components[wanted[0]])
    return found


def _suite(
    file: str, text: str | Problem, catalogue: Catalogue, components: Mapping[str, Playbook], only: str
) -> "Suite":
    # What carries steps out is imported only where there is something to carry out.
    from ringfence.rehearsals.cases import play
    from ringfence.rehearsals.junit import Suite
    from ringfence.rehearsals.piece import Piece

    if isinstance(text, Problem):
        return Suite(file, "", (), broken=(text.render(file),))
    document = read(text)
    problems = checks.check(document, catalogue)
    if document.playbook is None or has_errors(problems):
        return Suite(file, "", (), broken=tuple(each.render(file) for each in problems))
    cases = [each for each in enumerate(cases_of(document.playbook), 1) if only.casefold() in each[1].name.casefold()]
    began = time.monotonic()

    called = _called(document.playbook, components)

    async def all_of_them() -> tuple["CaseResult", ...]:
        assert document.playbook is not None
        piece = Piece.of(document.playbook, catalogue, called)
        return tuple([await play(piece, case, number) for number, case in cases])

    results = asyncio.run(all_of_them()) if cases else ()
    return Suite(file, document.playbook.name, results, time.monotonic() - began)


def _tell(suite: "Suite") -> None:
    name = f"{suite.playbook} ({suite.path})" if suite.playbook else suite.path
    say(name)
    for line in suite.broken:
        say(f"  ✗ {line}")
    if not suite.results and not suite.broken:
        say("  no tests")
    for each in suite.results:
        say(f"  {'✓' if each.passed else '✗'} {each.name}")
        if each.undecided:
            say(f"      {each.undecided}")
        for one in each.differences:
            say(f"      {one.what}")
            say(f"        - expected {one.expected}")
            say(f"        + got      {one.got}")


def _form(suite: "Suite") -> dict[str, object]:
    return {
        "path": suite.path,
        "playbook": suite.playbook,
        "seconds": round(suite.seconds, 3),
        "broken": list(suite.broken),
        "tests": [{"passed": each.passed, **form(each)} for each in suite.results],
    }


def _write(path: Path, suites: "list[Suite]") -> None:
    from ringfence.rehearsals import junit

    try:
        path.write_text(junit.write(suites), encoding="utf-8")
    except OSError as error:
        raise Invalid(f"{path} cannot be written: {error.strerror}.", advice="Choose another file.") from error


def _tests(number: int) -> str:
    return f"{number} test{'' if number == 1 else 's'}"


def _files(number: int) -> str:
    return f"{number} file{'' if number == 1 else 's'}"
