from functools import partial

import pytest
import sqlalchemy as sa

from hostile import HOSTILE
from incidents_world import MEGAN, IncidentDesk
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.incidents import events, queue, service, work
from ringfence.incidents.model import Author, InAnotherIncident, NotOpen, Resolution, Status
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import incident_events


def test_an_alert_becomes_an_incident_that_says_what_it_is_about(desk: IncidentDesk) -> None:
    desk.alerts("1", severity="Medium", title="Credential theft")
    made = desk.promote("1")
    assert made.created
    assert (made.incident.number, made.incident.title, made.incident.severity) == (1, "Credential theft", "Medium")
    assert (made.incident.status, made.incident.owner, made.incident.created_by) == (Status.OPEN, None, "megan.bowen")
    assert made.added == (desk.alert("1").id,)
    assert desk.kinds() == ["created"]


def test_promoting_twice_is_harmless(desk: IncidentDesk) -> None:
    desk.alerts("1")
    desk.promote("1")
    again = desk.promote("1")
    assert (again.incident.number, again.created, again.added) == (1, False, ())
    assert desk.kinds() == ["created"]


def test_incidents_are_numbered_in_each_organization(desk: IncidentDesk) -> None:
    desk.alerts("1", "2")
    assert [desk.promote("1").incident.number, desk.promote("2").incident.number] == [1, 2]
    assert desk.database.read_now(lambda tx: queue.page(tx, desk.stranger)).rows == ()


def test_nobody_promotes_the_alerts_of_another_organization(desk: IncidentDesk) -> None:
    desk.alerts("1")
    with pytest.raises(NotFound):
        desk.database.run_now(lambda tx: service.promote(tx, desk.stranger, ["da1_1"], MEGAN))


def test_alerts_come_to_an_incident_that_there_is_and_may_raise_its_severity(desk: IncidentDesk) -> None:
    desk.alerts("1", severity="Low")
    desk.alerts("2", severity="High")
    desk.promote("1")
    added = desk.promote("2", number=1)
    assert (added.created, added.incident.severity) == (False, "High")
    assert desk.names_in(1) == ["1", "2"]
    assert desk.kinds() == ["created", "alerts_added"]


def test_alerts_go_where_one_of_them_is_already(desk: IncidentDesk) -> None:
    desk.alerts("1", "2", "3")
    desk.promote("1")
    added = desk.promote("2", "1", "3")
    assert (added.incident.number, added.created, len(added.added)) == (1, False, 2)


def test_an_alert_belongs_to_one_open_incident(desk: IncidentDesk) -> None:
    desk.alerts("1", "2", "3")
    desk.promote("1")
    desk.promote("2")
    for names, number in ((("1",), 2), (("1", "2"), None), (("3", "1"), 2)):
        with pytest.raises(InAnotherIncident, match="#1"):
            desk.promote(*names, number=number)
    assert desk.names_in(2) == ["2"]
    desk.close(1)
    assert desk.promote("1", number=2).added
    assert desk.names_in(2) == ["1", "2"]


def test_a_playbook_may_let_alerts_join_what_defender_put_together(desk: IncidentDesk) -> None:
    desk.alerts("1", "2", incidentId=924565)
    desk.alerts("3", incidentId=8)
    desk.promote("1")
    assert desk.promote("2", join=True).incident.number == 1
    assert desk.promote("3", join=True).incident.number == 2


def test_a_step_that_is_repeated_after_a_crash_changes_nothing(desk: IncidentDesk) -> None:
    desk.alerts("1", "2")
    step = Author("playbook Example 1.0", None, "run:promote:0")
    desk.promote("1", author=step)
    desk.close(1)
    again = desk.promote("1", author=step)
    assert (again.incident.number, again.created) == (1, False)
    assert not again.incident.open
    closing = Author("playbook Example 1.0", None, "run:close:0")
    desk.promote("2")
    desk.close(2, closing)
    desk.database.run_now(lambda tx: service.reopen(tx, desk.organization, 2, MEGAN))
    assert desk.close(2, closing).open


def test_an_alert_that_was_promoted_by_mistake_is_taken_out(desk: IncidentDesk) -> None:
    desk.alerts("1", "2")
    desk.promote("1", "2")
    desk.database.run_now(lambda tx: service.remove(tx, desk.organization, 1, "da2_1", MEGAN))
    assert desk.names_in(1) == ["1"]
    with pytest.raises(NotFound, match="not in incident #1"):
        desk.database.run_now(lambda tx: service.remove(tx, desk.organization, 1, "da2_1", MEGAN))
    assert desk.promote("2").created


def test_what_is_changed_is_said_with_what_it_was(desk: IncidentDesk) -> None:
    desk.alerts("1")
    desk.promote("1")

    def update(**values: str) -> None:
        desk.database.run_now(lambda tx: service.update(tx, desk.organization, 1, MEGAN, **values))

    update(owner="alex.wilber", status="in-progress", severity="low")
    update(owner="alex.wilber")
    update(owner="", title="  Ransomware  in finance ")
    found = desk.incident(1)
    assert (found.owner, found.status, found.severity, found.title) == (
        None, Status.IN_PROGRESS, "Low", "Ransomware in finance",
    )  # fmt: skip
    told = [each.detail for each in desk.database.read_now(lambda tx: events.of(tx, found.id))]
    assert told[1] == "severity: High ▸ Low; owner: nobody ▸ alex.wilber; status: open ▸ in_progress"
    assert len(told) == 3
    for bad in (
        {"status": "resolved"},
        {"status": "new"},
        {"severity": "Terrible"},
        {"title": "\n"},
        {"owner": "x" * 300},
    ):
        with pytest.raises(Invalid):
            update(**bad)


def test_a_closed_incident_keeps_how_it_ended_and_lets_its_alerts_go(desk: IncidentDesk) -> None:
    desk.alerts("1", "2")
    desk.promote("1")
    closed = desk.close(1)
    assert (closed.status, closed.resolution, closed.reason) == (Status.RESOLVED, Resolution.TRUE_POSITIVE, "Reimaged")
    assert closed.resolved_at is not None
    assert desk.close(1) == closed
    with pytest.raises(NotOpen, match="#1 is resolved"):
        desk.promote("2", number=1)
    with pytest.raises(NotOpen):
        desk.database.run_now(lambda tx: service.update(tx, desk.organization, 1, MEGAN, status="open"))
    assert not desk.database.read_now(lambda tx: queue.promoted(tx, desk.alert("1").id))
    assert desk.promote("1").incident.number == 2


def test_closing_needs_a_reason(desk: IncidentDesk) -> None:
    desk.alerts("1")
    desk.promote("1")

    def close(tx: Transaction) -> object:
        return service.close(tx, desk.organization, 1, MEGAN, resolution=Resolution.BENIGN, reason=" \n")

    with pytest.raises(Invalid, match="reason"):
        desk.database.run_now(close)
    assert desk.incident(1).open


def test_a_reopened_incident_has_its_alerts_again_unless_another_has_them(desk: IncidentDesk) -> None:
    desk.alerts("1")
    desk.promote("1")
    desk.close(1)
    reopened = desk.database.run_now(lambda tx: service.reopen(tx, desk.organization, 1, MEGAN, reason="It is back"))
    assert (reopened.status, reopened.resolution, reopened.resolved_at) == (Status.IN_PROGRESS, None, None)
    assert desk.database.read_now(lambda tx: queue.promoted(tx, desk.alert("1").id))
    desk.close(1)
    desk.promote("1")
    with pytest.raises(InAnotherIncident, match="#2"):
        desk.database.run_now(lambda tx: service.reopen(tx, desk.organization, 1, MEGAN))


def test_two_incidents_become_one(desk: IncidentDesk) -> None:
    desk.alerts("1", severity="Medium")
    desk.alerts("2", "3", severity="High")
    desk.promote("1")
    desk.promote("2", "3")

    def prepare(tx: Transaction) -> None:
        for number in (1, 2):
            work.note(tx, desk.organization, number, f"Note {number}", MEGAN)
            work.add_task(tx, desk.organization, number, f"Task {number}", MEGAN)

    desk.database.run_now(prepare)
    into = desk.database.run_now(lambda tx: service.merge(tx, desk.organization, 2, 1, MEGAN))
    assert (into.number, into.severity) == (1, "High")
    assert desk.names_in(1) == ["1", "2", "3"]
    tasks = desk.database.read_now(lambda tx: queue.tasks_of(tx, into.id))
    assert [(task.number, task.title) for task in tasks] == [(1, "Task 1"), (2, "Task 2")]
    assert [each.text for each in desk.database.read_now(lambda tx: queue.notes_of(tx, into.id))] == [
        "Note 1",
        "Note 2",
    ]
    source = desk.incident(2)
    assert (source.resolution, source.merged_into) == (Resolution.MERGED, 1)
    assert desk.database.run_now(lambda tx: service.merge(tx, desk.organization, 2, 1, MEGAN)).number == 1
    with pytest.raises(Conflict, match="merged into #1"):
        desk.database.run_now(lambda tx: service.reopen(tx, desk.organization, 2, MEGAN))
    with pytest.raises(Invalid, match="itself"):
        desk.database.run_now(lambda tx: service.merge(tx, desk.organization, 1, 1, MEGAN))
    told = [each.detail for each in desk.database.read_now(lambda tx: events.of(tx, into.id))]
    assert told[-1].endswith("2 alerts, 1 note, 1 task.")


def test_a_resolved_incident_is_not_merged(desk: IncidentDesk) -> None:
    desk.alerts("1", "2")
    desk.promote("1")
    desk.promote("2")
    desk.close(2)
    for source, into in ((2, 1), (1, 2)):
        with pytest.raises(NotOpen):
            desk.database.run_now(partial(_merge, desk, source, into))


def _merge(desk: IncidentDesk, source: int, into: int, tx: Transaction) -> None:
    service.merge(tx, desk.organization, source, into, MEGAN)


def test_hostile_titles_names_and_reasons_are_kept_as_text_or_refused(desk: IncidentDesk) -> None:
    for number, text in enumerate(HOSTILE):
        desk.alerts(str(number), title=text)
        made = desk.promote(str(number), author=Author(text))
        assert made.incident.number == number + 1
        assert made.incident.created_by == storable(text)
        if len(text) < 200:
            renamed = desk.database.run_now(partial(_rename, desk, made.incident.number, text))
            assert renamed == " ".join(storable(text).split())
    count = sa.select(sa.func.count()).select_from(incident_events)
    assert desk.database.read_now(lambda tx: tx.scalar(count)) >= len(HOSTILE)


def _rename(desk: IncidentDesk, number: int, text: str, tx: Transaction) -> str:
    return service.update(tx, desk.organization, number, MEGAN, title=text, owner=text).title


def test_nothing_and_too_much_cannot_be_promoted(desk: IncidentDesk) -> None:
    for ids in ([], [" "], [str(number) for number in range(1_001)]):
        with pytest.raises(Invalid):
            desk.database.run_now(lambda tx, ids=ids: service.promote(tx, desk.organization, ids, MEGAN))  # type: ignore[misc]
