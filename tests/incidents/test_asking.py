from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from hostile import HOSTILE
from incidents_world import MEGAN, IncidentDesk
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.incidents import asking, queue, service, work
from ringfence.incidents.asking import Question, Standing
from ringfence.incidents.forms import FormField
from ringfence.incidents.model import Author, Task
from ringfence.storage import Database, Transaction

T = TypeVar("T")
KEY = "run:ask:0"
STEP = Author("playbook Example 1.0", None, KEY)
FORM = {"reached": FormField(type="boolean", required=True), "remarks": FormField(type="text")}


def _run(desk: IncidentDesk, made: Callable[[Transaction], T]) -> T:
    return desk.database.run_now(made)


def _ask(desk: IncidentDesk, author: Author = STEP, **more: Any) -> Standing:
    question = Question("Call the user", "", FORM, **more)
    return _run(desk, lambda tx: asking.ask(tx, desk.organization, 1, question, author))


def _settled(desk: IncidentDesk) -> Standing:
    return _run(desk, lambda tx: asking.settle(tx, desk.organization, KEY))


def _fill(desk: IncidentDesk, **given: Any) -> Task:
    return _run(desk, lambda tx: asking.fill(tx, desk.organization, 1, 1, given, MEGAN))


@pytest.fixture
def asked(desk: IncidentDesk) -> IncidentDesk:
    desk.alerts("1")
    desk.promote("1")
    _ask(desk, due_in=3600.0)
    return desk


def test_a_step_that_asks_again_has_asked_once(asked: IncidentDesk) -> None:
    again = _ask(asked, due_in=3600.0)
    assert (again.incident, again.task.number, again.task.state) == (1, 1, "open")
    assert asking.fields(again.task) == FORM
    assert asked.kinds() == ["created", "task_added"]


def test_a_form_that_is_filled_in_is_the_end_of_its_task(asked: IncidentDesk) -> None:
    done = _fill(asked, reached="yes", remarks=" He was asleep. ")
    assert (done.state, done.done, done.done_by) == ("done", True, "megan.bowen")
    assert done.filled == {"reached": True, "remarks": "He was asleep."}
    assert _settled(asked).task == done
    with pytest.raises(Conflict, match="is over: done"):
        _fill(asked, reached="no")
    assert asked.kinds() == ["created", "task_added", "task_updated"]


def test_a_form_that_does_not_fit_changes_nothing(asked: IncidentDesk) -> None:
    with pytest.raises(Invalid):
        _fill(asked, remarks="x")
    assert _settled(asked).task.state == "open"


def test_a_task_with_a_form_is_not_simply_done(asked: IncidentDesk) -> None:
    with pytest.raises(Invalid, match="has a form"):
        _run(asked, lambda tx: work.change_task(tx, asked.organization, 1, 1, MEGAN, done=True))
    moved = _run(asked, lambda tx: work.change_task(tx, asked.organization, 1, 1, MEGAN, assignee="alex"))
    assert moved.assignee == "alex"


def test_a_task_without_a_form_has_nothing_to_fill_in(asked: IncidentDesk) -> None:
    _run(asked, lambda tx: work.add_task(tx, asked.organization, 1, "Collect logs", MEGAN))
    with pytest.raises(Invalid, match="has no form"):
        _run(asked, lambda tx: asking.fill(tx, asked.organization, 1, 2, {}, MEGAN))
    with pytest.raises(NotFound):
        _run(asked, lambda tx: asking.fill(tx, asked.organization, 1, 3, {}, MEGAN))


def test_a_person_may_cancel_it(asked: IncidentDesk) -> None:
    task = _run(asked, lambda tx: asking.cancel(tx, asked.organization, 1, 1, MEGAN))
    assert (task.state, task.done, task.filled) == ("cancelled", False, None)
    assert _settled(asked).task.state == "cancelled"


def test_time_ends_it_and_nobody_fills_it_in_after_that(asked: IncidentDesk) -> None:
    asked.wait(seconds=3601)
    with pytest.raises(Conflict, match="was due"):
        _fill(asked, reached=True)
    assert _settled(asked).task.state == "expired"
    assert _settled(asked).task.done_by == "Ringfence"


def test_it_ends_with_its_incident_and_moves_with_a_merge(desk: IncidentDesk) -> None:
    desk.alerts("1", "2", machine="b" * 40)
    desk.promote("1")
    desk.promote("2", join=False)
    _ask(desk)
    _run(desk, lambda tx: service.merge(tx, desk.organization, 1, 2, MEGAN))
    found = _settled(desk)
    assert (found.incident, found.task.number, found.task.state) == (2, 1, "open")
    desk.close(2)
    assert _settled(desk).task.state == "cancelled"


def test_a_run_that_ends_takes_its_task_back(asked: IncidentDesk) -> None:
    for _ in range(2):
        _run(asked, lambda tx: asking.withdraw(tx, asked.organization, KEY, MEGAN))
    assert _settled(asked).task.state == "cancelled"
    _run(asked, lambda tx: asking.withdraw(tx, asked.organization, "run:other:0", MEGAN))


def test_nobody_is_asked_who_is_not_there_or_for_no_time(desk: IncidentDesk) -> None:
    desk.alerts("1")
    desk.promote("1")
    with pytest.raises(NotFound):
        _ask(desk, assignee="nobody.at.all")
    with pytest.raises(Invalid):
        _ask(desk, due_in=0.0)
    desk.close(1)
    with pytest.raises(Conflict):
        _ask(desk)


def test_whatever_is_filled_in_is_kept_as_text(embedded: Database) -> None:
    desk = IncidentDesk(embedded)
    desk.alerts("1")
    desk.promote("1")
    for number, text in enumerate(HOSTILE, 1):
        _ask(desk, Author("playbook Example 1.0", None, f"run:{number}:0"))
        given = {"reached": True, "remarks": text[:10_000]}
        done = _run(desk, lambda tx, at=number, given=given: asking.fill(tx, desk.organization, 1, at, given, MEGAN))  # type: ignore[misc]
        assert done.filled["remarks"] is None or isinstance(done.filled["remarks"], str)


def test_another_organization_sees_none_of_it(asked: IncidentDesk) -> None:
    with pytest.raises(NotFound):
        _run(asked, lambda tx: asking.fill(tx, asked.stranger, 1, 1, {"reached": True}, MEGAN))
    assert _run(asked, lambda tx: asking.standing(tx, asked.stranger, KEY)) is None
    assert len(asked.database.read_now(lambda tx: queue.tasks_of(tx, asked.incident(1).id))) == 1
