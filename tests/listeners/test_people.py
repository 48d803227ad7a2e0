from typing import Any

import pytest

from accounts_samples import a_stored_account, an_organization
from listening_world import a_version, publish, runs_of
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.incidents import service
from ringfence.incidents.model import Author
from ringfence.listeners.people import Begun, Starter, Wish
from ringfence.playbooks import library
from ringfence.storage import Database

MACHINE = "A" * 40


class Desk:
    """A person before an organization with one account and one alert."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.organization = an_organization(database)
        self.account = a_stored_account(database, self.organization)
        self.alert = a_version(database, self.organization, self.account.id, "da1")
        self.starter = Starter()

    def publish(self, name: str, trigger: str) -> None:
        publish(self.database, self.organization, name, trigger)

    def ask(self, playbook: str, **values: Any) -> Begun:
        wish = Wish(playbook, **{"by": "ada"} | values)
        return self.database.run_now(lambda tx: self.starter.begin(tx, self.organization, wish))

    def offered(self, subject: str) -> list[str]:
        found = self.database.read_now(lambda tx: self.starter.offers(tx, self.organization, subject))
        return [each.playbook.name for each in found]


def test_a_run_on_an_alert_has_the_alert_and_the_person(database: Database) -> None:
    desk = Desk(database)
    desk.publish("Look", "{type: manual, on: alert, inputs: {why: {required: true}}}")
    begun = desk.ask("Look", alert="da1", inputs={"why": "drill"})
    (run,) = runs_of(database)
    assert begun.run_id == run["id"]
    assert (run["alert_id"], run["alert_version"], run["account_id"]) == (desk.alert, 1, desk.account.id)
    assert run["trigger"] == {
        "type": "manual",
        "by": "ada",
        "input": {"why": "drill"},
        "alert_id": desk.alert,
        "version": 1,
        "machine_id": "a" * 40,
        "account": "contoso",
    }


def test_a_playbook_that_waits_for_alerts_may_be_started_on_one(embedded: Database) -> None:
    desk = Desk(embedded)
    desk.publish("Contain", "{type: defender.alert}")
    assert desk.offered("alert") == ["Contain"]
    desk.ask("Contain", alert=desk.alert)
    assert runs_of(embedded)[0]["trigger"]["type"] == "manual"


def test_each_asking_starts_a_run_unless_it_has_the_same_key(database: Database) -> None:
    desk = Desk(database)
    desk.publish("Sweep", "{type: manual}")
    assert desk.ask("Sweep").run_id != desk.ask("Sweep").run_id
    first, again = desk.ask("Sweep", key="k1"), desk.ask("Sweep", key="k1")
    assert (again.run_id, first.repeated, again.repeated) == (first.run_id, False, True)
    assert desk.ask("Sweep", key="k1", by="grace").run_id != first.run_id
    desk.publish("Look", "{type: manual, on: [alert, machine]}")
    looked = desk.ask("Look", key="k2", machine=MACHINE)
    with pytest.raises(Conflict, match="used before"):
        desk.ask("Look", key="k2", alert="da1")
    database.run_now(lambda tx: library.pause(tx, desk.organization, "Look"))
    assert desk.ask("Look", key="k2", machine=MACHINE).run_id == looked.run_id
    for key in ("", "x" * 201, "a\nb"):
        with pytest.raises(Invalid, match="idempotency key"):
            desk.ask("Sweep", key=key)


def test_a_repeated_key_is_the_same_even_if_the_alert_has_moved_on(embedded: Database) -> None:
    desk = Desk(embedded)
    desk.publish("Look", "{type: manual, on: alert}")
    first = desk.ask("Look", key="k", alert="da1")
    a_version(embedded, desk.organization, desk.account.id, "da1", status="Resolved")
    assert desk.ask("Look", key="k", alert="da1").run_id == first.run_id


def test_a_machine_is_named_by_its_id_and_found_in_its_account(embedded: Database) -> None:
    desk = Desk(embedded)
    desk.publish("Scan", "{type: manual, on: machine}")
    desk.ask("Scan", machine=MACHINE)
    assert runs_of(embedded)[0]["trigger"]["machine_id"] == MACHINE.lower()
    second = a_stored_account(embedded, desk.organization, name="contoso-eu")
    desk.ask("Scan", machine=MACHINE.lower())
    assert runs_of(embedded)[1]["account_id"] == desk.account.id
    with pytest.raises(Invalid, match="several accounts"):
        desk.ask("Scan", machine="b" * 40)
    desk.ask("Scan", machine="b" * 40, account="contoso-eu")
    assert runs_of(embedded)[2]["account_id"] == second.id
    for wrong in ("dc-01", "a" * 39, "${steps}"):
        with pytest.raises(Invalid, match="not a machine's id"):
            desk.ask("Scan", machine=wrong)


def test_what_does_not_fit_is_refused_and_starts_nothing(embedded: Database) -> None:
    desk = Desk(embedded)
    desk.publish("Look", "{type: manual, on: alert}")
    desk.publish("Tick", "{type: timer, every: 1 h}")
    desk.publish("Paused", "{type: manual}")
    embedded.run_now(lambda tx: library.pause(tx, desk.organization, "Paused"))
    a_stored_account(embedded, desk.organization, name="contoso-eu")
    wrong: list[tuple[type[Exception], str, dict[str, Any]]] = [
        (Invalid, "Look", {}),
        (Invalid, "Look", {"machine": MACHINE}),
        (Invalid, "Look", {"alert": "da1", "machine": MACHINE}),
        (Invalid, "Look", {"alert": "da1", "inputs": {"why": "x"}}),
        (Invalid, "Look", {"alert": "da1", "account": "contoso-eu"}),
        (NotFound, "Look", {"alert": "da2"}),
        (NotFound, "Look", {"alert": "da1", "account": "gone"}),
        (NotFound, "Nothing", {}),
        (Invalid, "Tick", {}),
        (Conflict, "Paused", {}),
    ]
    for error, playbook, values in wrong:
        with pytest.raises(error):
            desk.ask(playbook, **values)
    assert runs_of(embedded) == []
    assert (desk.offered("alert"), desk.offered("machine"), desk.offered("nothing")) == (["Look"], [], [])


def test_a_run_on_an_incident_is_about_its_first_alert(database: Database) -> None:
    desk = Desk(database)
    desk.publish("Look", "{type: manual, on: incident}")
    author = Author("ada")
    database.run_now(lambda tx: service.promote(tx, desk.organization, [desk.alert], author))
    begun = desk.ask("Look", incident="#1", key="once")
    (run,) = runs_of(database)
    assert (run["alert_id"], run["account_id"]) == (desk.alert, desk.account.id)
    assert run["trigger"]["incident"]["title"] == "Ransomware"
    database.run_now(lambda tx: service.update(tx, desk.organization, 1, author, title="Locked files"))
    again = desk.ask("Look", incident="1", key="once")
    assert (again.run_id, again.repeated) == (begun.run_id, True)
    assert desk.offered("incident") == ["Look"]
    for values, error in (({"incident": "7"}, NotFound), ({"incident": "x"}, Invalid), ({}, Invalid)):
        with pytest.raises(error):
            desk.ask("Look", **values)
    with pytest.raises(Invalid, match="not on several"):
        desk.ask("Look", incident="1", alert="da1")
