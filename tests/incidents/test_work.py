from datetime import timedelta

import pytest

from hostile import HOSTILE
from incidents_world import MEGAN, IncidentDesk
from ringfence import clock
from ringfence.errors import Invalid, NotFound
from ringfence.incidents import queue, work
from ringfence.incidents.model import Author, Note, Task
from ringfence.storage import Transaction
from ringfence.storage.columns import storable

STEP = Author("playbook Example 1.0", None, "run:task:0")


def add(desk: IncidentDesk, title: str, author: Author = MEGAN, **more: object) -> Task:
    return desk.database.run_now(
        lambda tx: work.add_task(tx, desk.organization, 1, title, author, **more)  # type: ignore[arg-type]
    )


def change(desk: IncidentDesk, number: int, **more: object) -> Task:
    return desk.database.run_now(
        lambda tx: work.change_task(tx, desk.organization, 1, number, MEGAN, **more)  # type: ignore[arg-type]
    )


def notes(desk: IncidentDesk) -> list[Note]:
    return desk.database.read_now(lambda tx: queue.notes_of(tx, desk.incident(1).id))


def test_tasks_are_numbered_given_to_somebody_and_done(desk: IncidentDesk) -> None:
    desk.alerts("1")
    desk.promote("1")
    due = clock.now() + timedelta(hours=1)
    first = add(desk, " Call  the user ", assignee="alex.wilber", due_at=due)
    assert (first.number, first.title, first.assignee, first.due_at) == (1, "Call the user", "alex.wilber", due)
    assert add(desk, "Collect logs").number == 2
    done = change(desk, 1, done=True)
    assert (done.done, done.done_by, done.done_at) == (True, "megan.bowen", clock.now())
    assert change(desk, 1, done=True) == done
    again = change(desk, 1, done=False, assignee="", title="Call again", due_at=due + timedelta(hours=1))
    assert (again.done, again.assignee, again.title, again.due_at) == (
        False,
        None,
        "Call again",
        due + timedelta(hours=1),
    )
    assert desk.kinds() == ["created", "task_added", "task_added", "task_updated", "task_updated"]


def test_a_task_needs_a_title_and_a_time_needs_a_zone(desk: IncidentDesk) -> None:
    desk.alerts("1")
    desk.promote("1")
    for title, more in (
        ("", {}),
        ("x" * 301, {}),
        ("Call", {"due_at": clock.now().replace(tzinfo=None)}),
        ("Call", {"assignee": "x" * 201}),
    ):
        with pytest.raises(Invalid):
            add(desk, title, **more)
    with pytest.raises(NotFound, match="no task 7"):
        change(desk, 7, done=True)


def test_a_step_adds_one_task_and_one_note_however_often_it_is_called(desk: IncidentDesk) -> None:
    desk.alerts("1")
    desk.promote("1")
    assert add(desk, "Call", STEP).number == 1
    assert add(desk, "Other").number == 2
    assert add(desk, "Call", STEP).number == 1
    noting = Author("playbook Example 1.0", None, "run:note:0")
    for _ in range(2):
        desk.database.run_now(lambda tx: work.note(tx, desk.organization, 1, "Seen", noting))
    assert [each.text for each in notes(desk)] == ["Seen"]


def test_a_resolved_incident_can_still_be_written_about(desk: IncidentDesk) -> None:
    desk.alerts("1")
    desk.promote("1")
    desk.close(1)
    desk.database.run_now(lambda tx: work.note(tx, desk.organization, 1, "Afterwards", MEGAN))
    assert [each.by for each in notes(desk)] == ["megan.bowen"]


def test_hostile_notes_are_kept_as_text(desk: IncidentDesk) -> None:
    desk.alerts("1")
    desk.promote("1")

    def write(tx: Transaction) -> None:
        for text in HOSTILE:
            work.note(tx, desk.organization, 1, text, Author(text))

    desk.database.run_now(write)
    assert [each.text for each in notes(desk)] == [storable(text).strip() for text in HOSTILE]
