from incidents_world import IncidentDesk
from ringfence.incidents import suggestions


def of(desk: IncidentDesk, number: int) -> list[suggestions.Suggestion]:
    incident = desk.incident(number)
    return desk.database.read_now(lambda tx: suggestions.of(tx, incident))


def test_what_defender_put_together_and_is_nowhere_yet_is_suggested(desk: IncidentDesk) -> None:
    desk.alerts("1", "2", "3", "4", incidentId=924565)
    desk.alerts("5", incidentId=8)
    desk.alerts("6", incidentId=None)
    desk.promote("1")
    desk.promote("4")
    (found,) = of(desk, 1)
    assert (found.account, found.defender_id) == ("contoso", "924565")
    assert sorted(alert.alert_id for alert in found.alerts) == ["da2_1", "da3_1"]
    assert [incident.number for incident in found.elsewhere] == [2]
    desk.promote("2", "3", number=1)
    (found,) = of(desk, 1)
    assert found.alerts == ()
    desk.close(2)
    (found,) = of(desk, 1)
    assert ([alert.alert_id for alert in found.alerts], found.elsewhere) == (["da4_1"], ())


def test_an_incident_without_siblings_has_no_suggestions(desk: IncidentDesk) -> None:
    desk.alerts("1", incidentId=None)
    desk.alerts("2", incidentId=8)
    desk.promote("1")
    desk.promote("2")
    assert of(desk, 1) == of(desk, 2) == []


def test_an_alert_is_shown_the_incidents_of_its_siblings(desk: IncidentDesk) -> None:
    desk.alerts("1", "2", incidentId=924565)
    desk.alerts("3", incidentId=None)
    desk.promote("1")
    known = [desk.alert(name) for name in ("2", "3")]
    found = [
        desk.database.read_now(lambda tx, one=one: suggestions.incidents_for(tx, desk.organization, [one]))  # type: ignore[misc]
        for one in known
    ]
    assert [[each.number for each in one] for one in found] == [[1], []]
