"""`ringfence doctor`."""

import asyncio
from typing import Annotated

import typer

from ringfence.cli.documents import form, put
from ringfence.cli.invocation import Json, invocation
from ringfence.cli.terminal import say, styled
from ringfence.diagnosis import doctor as diagnosis
from ringfence.diagnosis.model import Level, Report
from ringfence.errors import RingfenceError


def doctor(
    context: typer.Context,
    offline: Annotated[bool, typer.Option("--offline", help="Ask nobody on the network.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="End with status 1 for warnings too.")] = False,
    json_: Json = False,
) -> None:
    """Check the installation and say what to do; status 1 if something has to be mended."""
    called = invocation(context)
    try:
        with called.opened() as installation:
            settings, database = installation.settings, installation.database
            report = diagnosis.examine(settings, database, lambda: installation.vault)
            if not offline:
                asked = asyncio.run(diagnosis.ask_network(settings, database, installation.transport))
                report = Report((*report.findings, *asked))
    except RingfenceError as problem:
        report = diagnosis.examine_without_database(called.settings, problem)
    if json_:
        put({"level": report.worst, "findings": [form(each) for each in report.findings]})
    else:
        _say(report)
    if report.worst is Level.FAILURE or (strict and report.worst is Level.WARNING):
        raise typer.Exit(1)


def _say(report: Report) -> None:
    for each in report.findings:
        say(styled(each.level.value).append(f"  {each.check}: {each.said}"))
        if each.advice:
            say(f"    {each.advice}")
    failures, warnings = report.count(Level.FAILURE), report.count(Level.WARNING)
    say(f"{len(report.findings)} findings: {failures} to mend, {warnings} to look at.")
