"""What people fill in for a run that waits for a task of an incident."""

from typing import Annotated

import typer

from ringfence.cli.documents import form, put
from ringfence.cli.incident_work import Number
from ringfence.cli.invocation import By, Json, invocation, who
from ringfence.cli.terminal import say
from ringfence.cli.visible import visible
from ringfence.errors import Invalid
from ringfence.incidents import asking
from ringfence.incidents.forms import shown
from ringfence.incidents.model import Author, Task, number_of

TaskNumber = Annotated[int, typer.Argument(metavar="TASK", help="The task's number.")]


def fill(
    context: typer.Context,
    number: Number,
    task_number: TaskNumber,
    answers: Annotated[
        list[str] | None,
        typer.Option("--answer", metavar="FIELD=VALUE", help="What is filled in; repeatable. See `incident show`."),
    ] = None,
    by: By = None,
    json_: Json = False,
) -> None:
    """Fill in the form of a task that a run waits for; the run goes on."""
    given = _answers(answers or [])
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        made = installation.database.run_now(
            lambda tx: asking.fill(tx, organization.id, number_of(number), task_number, given, Author(who(by)))
        )
    if json_:
        put(form(made) | {"done": made.done, "state": made.state})
    else:
        say("Done. The run goes on with it.")


def cancel_task(
    context: typer.Context, number: Number, task_number: TaskNumber, by: By = None, json_: Json = False
) -> None:
    """Say that a task which a run waits for will not be done; the run goes on."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        made = installation.database.run_now(
            lambda tx: asking.cancel(tx, organization.id, number_of(number), task_number, Author(who(by)))
        )
    if json_:
        put(form(made) | {"done": made.done, "state": made.state})
    else:
        say("Cancelled. The run goes on without it.")


def asked(task: Task) -> list[str]:
    """Return the lines that say what a task asks, or what was filled in."""
    lines = [f"  {line}" for line in task.text.splitlines()]
    for name, field in asking.fields(task).items():
        if task.filled is not None:
            value = task.filled.get(name)
            told = "-" if value is None else "yes" if value is True else "no" if value is False else str(value)
            lines.append(f"  {shown(name, field)}: {told}")
            continue
        kind = f"one of {', '.join(field.choices)}" if field.choices else field.type
        needed = ", needed" if field.required else ""
        lines.append(f"  {name}: {kind}{needed}{f' ({field.label})' if field.label else ''}")
    return lines


def filling(incident: int, task: Task) -> str:
    """Return the command that fills a task in, with each field and what it takes."""
    words = [
        f'--answer {name}="{"|".join(field.choices) or field.type}"' for name, field in asking.fields(task).items()
    ]
    return f"ringfence incident fill {incident} {task.number} {' '.join(words)}"


def _answers(given: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or name in found:
            raise Invalid(
                f"The answer {visible(each[:60])!r} is given twice or has no value.",
                advice="Write --answer FIELD=VALUE.",
            )
        found[name] = value
    return found
