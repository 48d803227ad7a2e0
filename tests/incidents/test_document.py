import json
from typing import Any

from hostile import HOSTILE
from incidents_world import MEGAN, IncidentDesk
from ringfence.incidents import work
from ringfence.incidents.document import contents, described


def document(desk: IncidentDesk, number: int) -> dict[str, Any]:
    incident = desk.incident(number)
    return described(desk.database.read_now(lambda tx: contents(tx, incident)))


def test_machines_and_users_are_those_of_the_alerts_as_they_stand_now(desk: IncidentDesk) -> None:
    desk.alerts("1", "2", machineId="1" * 40, computerDnsName="ws-1.contoso.com")
    desk.alerts("3", machineId="2" * 40, computerDnsName="ws-2.contoso.com")
    desk.alerts("4", machineId=None, computerDnsName=None)
    desk.promote("1", "2", "3", "4")
    found = document(desk, 1)
    assert [(each["name"], each["alerts"]) for each in found["machines"]] == [
        ("ws-1.contoso.com", 2),
        ("ws-2.contoso.com", 1),
    ]
    assert found["users"] == []
    desk.change("4", evidence=[{"entityType": "User", "accountName": "adele.vance", "domainName": "CONTOSO"}])
    found = document(desk, 1)
    assert [each["name"] for each in found["users"]] == ["CONTOSO\\adele.vance"]
    assert (found["number"], found["alerts_count"]) == (1, 4)


def test_a_document_is_json_whatever_attackers_wrote(desk: IncidentDesk) -> None:
    for number, text in enumerate(HOSTILE):
        desk.alerts(str(number), title=text, computerDnsName=text)
    desk.promote(*map(str, range(len(HOSTILE))))
    desk.database.run_now(lambda tx: work.add_task(tx, desk.organization, 1, HOSTILE[0], MEGAN))
    found = json.loads(json.dumps(document(desk, 1)))
    assert found["tasks"] == [
        {
            "number": 1,
            "title": HOSTILE[0],
            "assignee": None,
            "due_at": None,
            "done": False,
            "state": "open",
            "form": None,
        },
    ]
