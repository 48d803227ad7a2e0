"""Tasks that a run waits for: asked once for a step's key, filled in or cancelled by a person, or over when time is.

Inside the caller's transaction. Each end is an event of the incident, which wakes the step that waits for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.incidents import events, forms, model, queue
from ringfence.incidents.forms import Form, FormField
from ringfence.incidents.model import LONGEST_NAME, LONGEST_TEXT, LONGEST_TITLE, MOST_TASKS, Author, Kind, Task
from ringfence.incidents.service import open_one, queue_up
from ringfence.organizations import teams
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import incident_tasks, incidents

LONGEST_PATIENCE: Final = 90 * 86_400.0


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of people: `due_in` is in seconds, None for as long as it takes."""

    title: str
    text: str
    form: Form
    assignee: str = ""
    due_in: float | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A task that a run waits for, and the incident on which it stands now."""

    incident_id: str
    incident: int
    task: Task


def ask(tx: Transaction, organization_id: str, number: int, question: Question, author: Author) -> Standing:
    """Put a task with a form on an incident that is not resolved; asked again with the author's key, it is that task."""
    queue_up(tx, organization_id)
    if author.key is not None and (before := standing(tx, organization_id, author.key)) is not None:
        return before
    incident = open_one(tx, organization_id, number)
    known = queue.tasks_of(tx, incident.id)
    if len(known) >= MOST_TASKS:
        raise Conflict(
            f"Incident {incident.name} has {MOST_TASKS} tasks.", advice="Finish some, or open another incident."
        )
    if question.due_in is not None and not 0 < question.due_in <= LONGEST_PATIENCE:
        raise Invalid("A task is due in more than nothing and at most 90 d.", advice="Use e.g. 4 h.")
    if len(question.form) > forms.MOST_FIELDS:
        raise Invalid(f"A form has {forms.MOST_FIELDS} fields at most.", advice="Ask twice.")
    if assignee := question.assignee.strip():
        teams.people(tx, organization_id, [assignee])
    task_number = max((task.number for task in known), default=0) + 1
    title = model.line(question.title, "A task's title", LONGEST_TITLE)
    row = {
        "id": clock.new_id(),
        "incident_id": incident.id,
        "number": task_number,
        "title": title,
        "text": model.prose(question.text, "A task's text", LONGEST_TEXT) if question.text.strip() else "",
        "assignee": model.line(assignee, "The assignee", LONGEST_NAME) if assignee else None,
        "due_at": None if question.due_in is None else clock.now() + timedelta(seconds=question.due_in),
        "created_at": clock.now(),
        "created_by": storable(author.by),
        "form": {name: field.model_dump(mode="json", exclude_defaults=True) for name, field in question.form.items()},
        "key": author.key,
        "run_id": author.run_id,
    }
    tx.execute(sa.insert(incident_tasks).values(row))
    who = f" for {row['assignee']}" if row["assignee"] else ""
    said = f"Task {task_number}{who}: “{title}”. A run waits for it."
    # The key is the task's own: what a step asks, and what becomes of it, are several events.
    events.write(
        tx, organization_id, incident.id, Author(author.by, author.run_id), Kind.TASK_ADDED, said, {"task": task_number}
    )
    return _by(tx, organization_id, incident_tasks.c.id == row["id"])


def standing(tx: Transaction, organization_id: str, key: str) -> Standing | None:
    """Return the task that a step's key asked for, None if it asked for none."""
    try:
        return _by(tx, organization_id, incident_tasks.c.key == storable(key))
    except NotFound:
        return None


def settle(tx: Transaction, organization_id: str, key: str) -> Standing:
    """Return the task that a step's key asked for, after time and the end of its incident had their say; NotFound without one."""
    queue_up(tx, organization_id)
    found = _by(tx, organization_id, incident_tasks.c.key == storable(key))
    if not found.task.open:
        return found
    if found.task.late(clock.now()):
        return _end(tx, organization_id, found, Author("Ringfence"), "expired", "was not done in time")
    if not queue.get(tx, organization_id, found.incident).open:
        return _end(tx, organization_id, found, Author("Ringfence"), "cancelled", "is over with its incident")
    return found


def fill(
    tx: Transaction, organization_id: str, number: int, task_number: int, given: Mapping[str, Any], author: Author
) -> Task:
    """Fill in the form of a task, which is done by that; Invalid if it does not fit, Conflict if the task is over."""
    found = _open(tx, organization_id, number, task_number)
    kept = {name: storable(value) if isinstance(value, str) else value for name, value in given.items()}
    answers = forms.read(fields(found.task), kept)
    return _end(tx, organization_id, found, author, "done", "is done", answers).task


def cancel(tx: Transaction, organization_id: str, number: int, task_number: int, author: Author) -> Task:
    """Say that a task with a form will not be done; Conflict if it is over."""
    found = _open(tx, organization_id, number, task_number)
    return _end(tx, organization_id, found, author, "cancelled", "is cancelled").task


def withdraw(tx: Transaction, organization_id: str, key: str, author: Author) -> None:
    """Cancel the task that a step's key asked for, if it stands open: nobody waits for it any more."""
    found = standing(tx, organization_id, key)
    if found is not None and found.task.open:
        queue_up(tx, organization_id)
        _end(tx, organization_id, found, author, "cancelled", "is cancelled with its run")


def fields(task: Task) -> Form:
    """Return the form of a task, which is empty where it has none."""
    return {name: FormField.model_validate(field) for name, field in (task.form or {}).items()}


def _open(tx: Transaction, organization_id: str, number: int, task_number: int) -> Standing:
    queue_up(tx, organization_id)
    incident = queue.get(tx, organization_id, number)
    task = incident_tasks.c
    found = _by(tx, organization_id, sa.and_(task.incident_id == incident.id, task.number == task_number))
    if found.task.form is None:
        raise Invalid(f"Task {task_number} has no form.", advice="Say that it is done.")
    if not found.task.open:
        raise Conflict(f"Task {task_number} is over: {found.task.state}.", advice="Look at what the run did then.")
    if found.task.late(clock.now()):
        raise Conflict(
            f"Task {task_number} was due {clock.iso(found.task.due_at or clock.now())}; its run goes on without it.",
            advice="Write a note if it still matters.",
        )
    return found


def _end(
    tx: Transaction,
    organization_id: str,
    found: Standing,
    author: Author,
    ended: str,
    said: str,
    answers: dict[str, Any] | None = None,
) -> Standing:
    now: datetime = clock.now()
    number = found.task.number
    one = sa.and_(incident_tasks.c.incident_id == found.incident_id, incident_tasks.c.number == number)
    values = {"done_at": now, "done_by": storable(author.by), "ended": ended, "filled": answers}
    tx.execute(sa.update(incident_tasks).where(one).values(values))
    detail = f"Task {number}, {found.task.title}: {said}."
    facts = {"task": number, "ended": ended}
    events.write(tx, organization_id, found.incident_id, author, Kind.TASK_UPDATED, detail, facts)
    return _by(tx, organization_id, one)


def _by(tx: Transaction, organization_id: str, condition: sa.ColumnElement[bool]) -> Standing:
    query = (
        sa.select(incident_tasks.c.incident_id, incidents.c.number.label("incident"), incident_tasks.c.number)
        .join(incidents, incidents.c.id == incident_tasks.c.incident_id)
        .where(incidents.c.organization_id == organization_id, condition)
    )
    row = tx.one(query)
    if row is None:
        raise NotFound("The incident has no such task.", advice="Look at its tasks: `ringfence incident show`.")
    task = next(task for task in queue.tasks_of(tx, row["incident_id"]) if task.number == row["number"])
    return Standing(row["incident_id"], row["incident"], task)
