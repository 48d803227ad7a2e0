"""Notes and tasks: what somebody wrote about an incident, and what is to be done. Inside the caller's transaction."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.incidents import events, model, queue
from ringfence.incidents.model import LONGEST_NAME, LONGEST_TEXT, LONGEST_TITLE, MOST_TASKS, Author, Kind, Task
from ringfence.incidents.service import queue_up
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import incident_notes, incident_tasks

_SHOWN = 200


def note(tx: Transaction, organization_id: str, number: int, text: str, author: Author) -> None:
    """Write a note, also about an incident that is resolved."""
    queue_up(tx, organization_id)
    incident = queue.get(tx, organization_id, number)
    if events.made_by(tx, author) is not None:
        return
    kept = model.prose(text, "The note", LONGEST_TEXT)
    row = {
        "id": clock.new_id(),
        "incident_id": incident.id,
        "at": clock.now(),
        "by": storable(author.by),
        "text": kept,
    }
    tx.execute(sa.insert(incident_notes).values(row))
    events.write(tx, organization_id, incident.id, author, Kind.NOTED, _short(kept))


def add_task(
    tx: Transaction,
    organization_id: str,
    number: int,
    title: str,
    author: Author,
    *,
    assignee: str = "",
    due_at: datetime | None = None,
) -> Task:
    """Add a task and return it; a step that added one before gets that one again."""
    queue_up(tx, organization_id)
    incident = queue.get(tx, organization_id, number)
    known = queue.tasks_of(tx, incident.id)
    if (before := events.event_of(tx, author)) is not None:
        return _task(tx, before["incident_id"], before["facts"]["task"])
    if len(known) >= MOST_TASKS:
        raise Conflict(
            f"Incident {incident.name} has {MOST_TASKS} tasks.", advice="Finish some, or open another incident."
        )
    row = {
        "incident_id": incident.id,
        "number": max((task.number for task in known), default=0) + 1,
        "title": model.line(title, "A task's title", LONGEST_TITLE),
        "assignee": model.line(assignee, "The assignee", LONGEST_NAME) if assignee.strip() else None,
        "due_at": _moment(due_at),
        "created_at": clock.now(),
        "created_by": storable(author.by),
    }
    tx.execute(sa.insert(incident_tasks).values(id=clock.new_id(), **row))
    who = f" for {row['assignee']}" if row["assignee"] else ""
    facts = {"task": row["number"]}
    events.write(
        tx, organization_id, incident.id, author, Kind.TASK_ADDED, f"Task {row['number']}{who}: {row['title']}", facts
    )
    return _task(tx, incident.id, int(str(row["number"])))


def change_task(
    tx: Transaction,
    organization_id: str,
    number: int,
    task_number: int,
    author: Author,
    *,
    done: bool | None = None,
    title: str | None = None,
    assignee: str | None = None,
    due_at: datetime | None = None,
) -> Task:
    """Change what is given of a task; an empty assignee means nobody. Doing what is done already is harmless."""
    queue_up(tx, organization_id)
    incident = queue.get(tx, organization_id, number)
    task = _task(tx, incident.id, task_number)
    if events.made_by(tx, author) is not None:
        return task
    values: dict[str, Any] = {}
    said: list[str] = []
    if title is not None and (new := model.line(title, "A task's title", LONGEST_TITLE)) != task.title:
        values["title"] = new
        said.append(f"is now called {new}")
    if assignee is not None:
        who = model.line(assignee, "The assignee", LONGEST_NAME) if assignee.strip() else None
        if who != task.assignee:
            values["assignee"] = who
            said.append(f"is for {who or 'nobody'}")
    if due_at is not None and (due := _moment(due_at)) != task.due_at and due is not None:
        values["due_at"] = due
        said.append(f"is due {clock.iso(due)}")
    if done is not None and task.form is not None:
        raise Invalid(
            f"Task {task_number} has a form, and a run waits for it.",
            advice="Fill it in: `ringfence incident fill`, or on the page of the incident.",
        )
    if done is not None and done != task.done:
        values |= (
            {"done_at": clock.now(), "done_by": storable(author.by)} if done else {"done_at": None, "done_by": None}
        )
        said.append("is done" if done else "is to be done again")
    if not values:
        return task
    row = incident_tasks.c
    tx.execute(
        sa.update(incident_tasks).where(row.incident_id == incident.id, row.number == task_number).values(values)
    )
    detail = f"Task {task_number}, {task.title}: {'; '.join(said)}."
    events.write(tx, organization_id, incident.id, author, Kind.TASK_UPDATED, detail, {"task": task_number})
    return _task(tx, incident.id, task_number)


def _task(tx: Transaction, incident_id: str, number: int) -> Task:
    for task in queue.tasks_of(tx, incident_id):
        if task.number == number:
            return task
    raise NotFound(f"The incident has no task {number}.", advice="Look at its tasks: `ringfence incident show`.")


def _moment(due_at: datetime | None) -> datetime | None:
    if due_at is None:
        return None
    if due_at.tzinfo is None:
        raise Invalid("The time by which a task is due needs a time zone.", advice="Write e.g. 2026-03-02T12:00:00Z.")
    return due_at.astimezone(UTC)


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _SHOWN else f"{plain[: _SHOWN - 1]}…"
