from functools import partial
from typing import Any

import pytest

from hostile import HOSTILE
from incidents_world import MEGAN, IncidentDesk
from ringfence.errors import Invalid, NotFound
from ringfence.incidents import queue, service, work
from ringfence.storage import Transaction


def numbers(desk: IncidentDesk, **filters: Any) -> list[int]:
    page = desk.database.read_now(lambda tx: queue.page(tx, desk.organization, queue.Filters(**filters)))
    return [row.incident.number for row in page.rows]


@pytest.fixture
def three(desk: IncidentDesk) -> IncidentDesk:
    desk.alerts("1", severity="High", title="Ransomware")
    desk.alerts("2", severity="Low", title="Odd sign-in")
    desk.alerts("3", severity="Low", title="Phishing")
    for name in ("1", "2", "3"):
        desk.promote(name)

    def work_on(tx: Transaction) -> None:
        service.update(tx, desk.organization, 1, MEGAN, owner="alex.wilber", status="in_progress")
        work.add_task(tx, desk.organization, 1, "Call", MEGAN)
        work.add_task(tx, desk.organization, 1, "Reimage", MEGAN)
        work.change_task(tx, desk.organization, 1, 1, MEGAN, done=True)

    desk.database.run_now(work_on)
    desk.close(3)
    return desk


def test_incidents_are_filtered_by_what_people_ask_for(three: IncidentDesk) -> None:
    assert numbers(three) == [3, 2, 1]
    assert numbers(three, status=queue.UNRESOLVED) == [2, 1]
    assert numbers(three, severity=["High"]) == [1]
    assert numbers(three, owner="alex.wilber") == [1]
    assert numbers(three, owner=queue.NOBODY) == [3, 2]
    assert numbers(three, text="SIGN") == [2]
    assert numbers(three, text="#3") == [3]
    assert numbers(three, text="reimaged") == [3]
    assert three.database.read_now(lambda tx: queue.owners(tx, three.organization)) == ["alex.wilber"]
    counted = three.database.read_now(lambda tx: queue.counts(tx, three.organization))
    assert counted == {"open": 1, "in_progress": 1, "resolved": 1}


def test_the_list_says_how_much_each_holds(three: IncidentDesk) -> None:
    rows = three.database.read_now(lambda tx: queue.page(tx, three.organization)).rows
    assert [(row.incident.number, row.alerts, row.tasks, row.undone) for row in rows] == [
        (3, 1, 0, 0),
        (2, 1, 0, 0),
        (1, 1, 2, 1),
    ]


def test_the_list_is_paged_by_number(three: IncidentDesk) -> None:
    first = three.database.read_now(lambda tx: queue.page(tx, three.organization, limit=2))
    assert ([row.incident.number for row in first.rows], first.next) == ([3, 2], "2")
    last = three.database.read_now(lambda tx: queue.page(tx, three.organization, cursor="2"))
    assert ([row.incident.number for row in last.rows], last.next) == ([1], None)
    for bad in ("x", "-1", "1" * 10, ""):
        with pytest.raises(Invalid, match="cursor"):
            three.database.read_now(lambda tx, bad=bad: queue.page(tx, three.organization, cursor=bad))  # type: ignore[misc]


def test_hostile_filters_find_nothing_and_break_nothing(three: IncidentDesk) -> None:
    for text in HOSTILE:
        assert numbers(three, text=text) == []
        assert numbers(three, status=[text], severity=[text], owner=text) == []


def test_an_incident_is_known_by_number_and_id_in_its_organization_only(three: IncidentDesk) -> None:
    found = three.incident(1)
    assert three.database.read_now(lambda tx: queue.by_id(tx, three.organization, found.id)) == found
    for look in (
        partial(_by_number, number=9),
        partial(_by_number, number=10**30),
        partial(_by_id, incident_id="nothing"),
    ):
        with pytest.raises(NotFound):
            three.database.read_now(partial(look, organization_id=three.organization))
    for look in (partial(_by_number, number=1), partial(_by_id, incident_id=found.id)):
        with pytest.raises(NotFound):
            three.database.read_now(partial(look, organization_id=three.stranger))


def _by_number(tx: Transaction, organization_id: str, number: int) -> object:
    return queue.get(tx, organization_id, number)


def _by_id(tx: Transaction, organization_id: str, incident_id: str) -> object:
    return queue.by_id(tx, organization_id, incident_id)


def test_an_alert_names_its_incidents_the_open_one_first(three: IncidentDesk) -> None:
    three.promote("3")
    alert = three.alert("3")
    found = three.database.read_now(lambda tx: queue.of_alerts(tx, three.organization, [alert.id]))
    assert [incident.number for incident in found[alert.id]] == [4, 3]
    assert three.database.read_now(lambda tx: queue.promoted(tx, alert.id))
    assert not three.database.read_now(lambda tx: queue.promoted(tx, "nothing"))
