"""What people do with an incident while it lasts: alerts, notes, tasks, owner."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence import clock
from ringfence.cli.documents import form, put
from ringfence.cli.invocation import By, Invocation, Json, invocation, who
from ringfence.cli.terminal import say
from ringfence.containment.incident_view import View
from ringfence.incidents import queue, service
from ringfence.incidents import work as rows
from ringfence.incidents.model import Author, Incident, number_of
from ringfence.playbooks.durations import until
from ringfence.storage import Transaction

if TYPE_CHECKING:
    from datetime import datetime

    from ringfence.app import App

Number = Annotated[str, typer.Argument(metavar="NUMBER", help="The incident's number, such as 12 or #12.")]
Alerts = Annotated[list[str], typer.Argument(metavar="ALERT…", help="Our ids of alerts, or Defender's.")]
Due = Annotated[str | None, typer.Option(help="When it is due: `4 h`, or a moment such as 2026-03-02T12:00.")]


def whole(found: View) -> dict[str, Any]:
    """Return an incident as JSON; lengths of time are seconds."""
    document: dict[str, Any] = form(found.incident)
    held = found.contents
    return document | {
        "alerts": [form(each) for each in held.alerts],
        "machines": [form(each) for each in held.machines],
        "users": [form(each) for each in held.users],
        "notes": [form(each) for each in held.notes],
        "tasks": [form(each) | {"done": each.done, "state": each.state} for each in held.tasks],
        "hosts": [
            {
                "containment_id": each.containment.id,
                "machine_id": each.containment.machine_id,
                "name": each.name,
                "state": each.containment.state.value,
                "held": each.held,
                "isolated": each.isolated,
            }
            for each in found.hosts
        ],
        "clocks": [{"name": name, "at": form(at), "seconds": form(since)} for name, at, since in found.clocks.steps()],
        "timeline": [
            {
                "at": form(each.at),
                "by": each.by,
                "kind": each.kind,
                "detail": each.detail,
                "run_id": each.run_id,
                "containment_id": each.host.containment.id if each.host else None,
            }
            for each in found.timeline
        ],
        "suggestions": [form(each) for each in found.suggestions],
    }


def added(called: Invocation, installation: "App", number: int, alerts: list[str], by: str | None) -> service.Promoted:
    """Add alerts to an incident."""
    organization = called.organization(installation)
    author = Author(who(by))
    return installation.database.run_now(lambda tx: service.promote(tx, organization.id, alerts, author, number=number))


def add(context: typer.Context, number: Number, alerts: Alerts, by: By = None, json_: Json = False) -> None:
    """Add alerts to an incident; those that are in it already stay."""
    called = invocation(context)
    with called.opened() as installation:
        made = added(called, installation, number_of(number), alerts, by)
    if json_:
        put(form(made))
    else:
        say(f"{made.incident.name} has {len(made.added)} more: {made.incident.title}")


def remove(
    context: typer.Context,
    number: Number,
    alert: Annotated[str, typer.Argument(metavar="ALERT", help="Our id of the alert, or Defender's.")],
    by: By = None,
    json_: Json = False,
) -> None:
    """Take an alert out of an incident."""
    _told(
        context, json_, "The alert was taken out.",
        lambda tx, organization: service.remove(tx, organization, number_of(number), alert, Author(who(by))),
    )  # fmt: skip


def note(
    context: typer.Context,
    number: Number,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The note; several lines are welcome.")],
    by: By = None,
    json_: Json = False,
) -> None:
    """Write a note."""

    def work(tx: Transaction, organization: str) -> object:
        rows.note(tx, organization, number_of(number), text, Author(who(by)))
        return queue.notes_of(tx, queue.get(tx, organization, number_of(number)).id)[-1]

    _told(context, json_, "Noted.", work)


def task(
    context: typer.Context,
    number: Number,
    title: Annotated[str, typer.Argument(metavar="TITLE", help="What is to be done.")],
    assignee: Annotated[str, typer.Option(help="For whom it is.")] = "",
    due: Due = None,
    by: By = None,
    json_: Json = False,
) -> None:
    """Add a task."""
    _told(
        context, json_, "The task was added.",
        lambda tx, organization: rows.add_task(
            tx, organization, number_of(number), title, Author(who(by)), assignee=assignee, due_at=_due(due)
        ),
    )  # fmt: skip


def done(
    context: typer.Context,
    number: Number,
    task_number: Annotated[int, typer.Argument(metavar="TASK", help="The task's number.")],
    undo: Annotated[bool, typer.Option("--undo", help="It is not done after all.")] = False,
    by: By = None,
    json_: Json = False,
) -> None:
    """Say that a task is done."""
    _told(
        context, json_, "It is to be done again." if undo else "Done.",
        lambda tx, organization: rows.change_task(
            tx, organization, number_of(number), task_number, Author(who(by)), done=not undo
        ),
    )  # fmt: skip


def assign(
    context: typer.Context,
    number: Number,
    owner: Annotated[str, typer.Argument(metavar="OWNER", help="Who works on it; an empty text for nobody.")],
    task_number: Annotated[
        int | None, typer.Option("--task", metavar="TASK", help="Give a task to somebody, not the incident.")
    ] = None,
    by: By = None,
    json_: Json = False,
) -> None:
    """Give an incident, or one of its tasks, to somebody."""

    def work(tx: Transaction, organization: str) -> object:
        author = Author(who(by))
        if task_number is not None:
            return rows.change_task(tx, organization, number_of(number), task_number, author, assignee=owner)
        return service.update(tx, organization, number_of(number), author, owner=owner)

    _told(context, json_, f"It is for {owner.strip() or 'nobody'} now.", work)


def update(
    context: typer.Context,
    number: Number,
    title: Annotated[str | None, typer.Option(help="A new title.")] = None,
    severity: Annotated[str | None, typer.Option(help="High, Medium, Low or Informational.")] = None,
    status: Annotated[str | None, typer.Option(help="open or in_progress; `close` resolves it.")] = None,
    by: By = None,
    json_: Json = False,
) -> None:
    """Change title, severity or status."""

    def work(tx: Transaction, organization: str) -> Incident:
        author = Author(who(by))
        return service.update(
            tx, organization, number_of(number), author, title=title, severity=severity, status=status
        )

    _told(context, json_, "Changed.", work)


def _told(context: typer.Context, json_: bool, said: str, work: Any) -> None:
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        made = installation.database.run_now(lambda tx: work(tx, organization.id))
    if json_:
        put(form(made))
    else:
        say(said)


def _due(text: str | None) -> "datetime | None":
    if text is None:
        return None
    try:
        return until(text, clock.now())
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{text!r} is neither a length of time such as `4 h` nor a moment.", param_hint="--due"
        ) from None
