"""`ringfence playbook dry-run`: what a playbook would do now, without doing it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ringfence.cli import playbook_files
from ringfence.cli.documents import form, put
from ringfence.cli.invocation import Invocation, Json, invocation
from ringfence.cli.json_files import read_object
from ringfence.cli.terminal import facts, heading, hint, say
from ringfence.errors import Invalid, NotFound

if TYPE_CHECKING:
    from ringfence.app import App
    from ringfence.rehearsals.desk import DryRun
    from ringfence.rehearsals.report import StepReport

_MARKS: Final = {"described": "would", "impossible": "failed"}
_LONGEST: Final = 160


def dry_run(
    context: typer.Context,
    playbook: Annotated[str, typer.Argument(metavar="FILE|NAME", help="A file, - for stdin, or a published playbook.")],
    alert: Annotated[str | None, typer.Option(help="On a stored alert: our id or Defender's.")] = None,
    document: Annotated[
        str | None, typer.Option(metavar="FILE", help="On a JSON document that stands for the trigger; - is stdin.")
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="On an input that is kept: `ringfence playbook profile save`.")
    ] = None,
    account: Annotated[str | None, typer.Option(help="The account to read with, where it is not clear.")] = None,
    assume: Annotated[
        list[str] | None,
        typer.Option(metavar="STEP=OUTCOME", help="How a step ends that is only described; repeatable."),
    ] = None,
    json_: Json = False,
) -> None:
    """Say what a playbook would do now: steps that read are carried out, steps that act are described and not sent.

    A containment is told with what policy says about the host at this moment. Status 1 if the run would have failed.
    """
    from ringfence.rehearsals.desk import Wish

    called = invocation(context)
    with called.opened() as installation:
        wish = Wish(
            text=source(called, installation, playbook),
            alert=alert,
            profile=profile,
            document=read_object(document) if document is not None else None,
            account=account,
            assumed=_assumed(assume or []),
        )
        organization = called.organization(installation)
        done = _run(installation, organization, wish)
    if json_:
        put({**form(done), "problems": [each.to_json() for each in done.problems]})
    else:
        _tell(done)
    if done.report.status == "failed":
        raise typer.Exit(1)


def _run(installation: "App", organization: Any, wish: Any) -> "DryRun":
    import asyncio

    return asyncio.run(installation.dry_run(organization, wish))


def is_file(playbook: str) -> bool:
    """Say whether a FILE|NAME means a file, or stdin."""
    return playbook == "-" or Path(playbook).is_file()


def source(called: Invocation, installation: "App", playbook: str) -> str:
    """Return the text of a file, or of a published playbook where there is no such file."""
    from ringfence.playbooks import library

    if is_file(playbook):
        return playbook_files.demand(playbook)
    organization = called.organization(installation)
    try:
        return installation.database.read_now(
            lambda tx: library.source_of(tx, organization.id, library.get(tx, organization.id, playbook).version_id)
        )
    except NotFound as error:
        raise NotFound(f"There is no file and no playbook {playbook[:100]!r}.", advice=error.advice) from None


def _assumed(given: list[str]) -> dict[str, str]:
    pairs = [each.partition("=") for each in given]
    if any(not equals or not outcome for _, equals, outcome in pairs):
        raise Invalid("An assumption names a step and its outcome.", advice="Write --assume ask=rejected.")
    return {name: outcome for name, _, outcome in pairs}


def _tell(done: "DryRun") -> None:
    starts = "" if done.starts is None else f"{'yes' if done.starts else 'no'}: {done.why}"
    facts(
        [
            ("playbook", done.report.playbook),
            ("tried on", done.on),
            ("account", done.account or ""),
            ("would start", starts),
        ]
    )
    heading("Steps")
    width = steps_width(done.report.steps)
    for each in done.report.steps:
        step(each, width)
    say()
    failed = f": {done.report.error}" if done.report.error else ""
    say(f"The run would have ended as {done.report.status}{failed}")
    acts = [step for step in done.report.steps if step.how == "described"]
    many = f"{len(acts)} step{'' if len(acts) == 1 else 's'}"
    hint(f"Nothing was changed: {many} that would have acted {'was' if len(acts) == 1 else 'were'} only described.")


def _name(step: "StepReport") -> str:
    return f"{step.step}[{step.round}]" if step.round else step.step


def steps_width(steps: Sequence["StepReport"]) -> int:
    """Return how wide the names of steps are."""
    return max((len(_name(each)) for each in steps), default=0)


def step(step: "StepReport", width: int) -> None:
    """Say how a step went, its name in a column of this width."""
    end = "" if step.status == "skipped" else f" ▸ {step.end}"
    say(f"{_name(step):<{width}}  {_MARKS.get(step.how, step.how.value):<8}  {step.action}{end}")
    if step.how == "described" and isinstance(step.input, dict):
        for name, value in step.input.items():
            say(f"    {name}: {_short(value)}")
    for each in step.said:
        say(f"    {each}")
    if step.error:
        say(f"    {step.error}")
    if step.unsure:
        say(
            f"    It looks at {', '.join(step.unsure)}, which was only described: what it saw is not what a run would see."
        )


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
