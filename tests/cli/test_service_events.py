import pytest

from cli_world import Ringfence
from foreign import SOURCE, tickets
from ringfence.listeners import service_events
from ringfence.listeners.service_events import Brought
from ringfence.listeners.starting import Outcome
from ringfence.services import records
from ringfence.storage import Transaction

__all__ = ["tickets"]


@pytest.mark.usefixtures("tickets")
def test_what_a_service_brought_is_listed_with_what_came_of_it(ringfence: Ringfence) -> None:
    ringfence("app", "install", SOURCE)
    made = ringfence.json("service", "add", "desk", "--source", SOURCE, "--set", "account=desk", "--set", "queue=soc")
    assert ringfence("service", "events", "desk").stderr == "Nothing came yet.\n"

    def came(tx: Transaction) -> None:
        service = records.by_id(tx, made["id"])
        heard = Outcome("p", "Hear", "1.0", "run-1", "It fits.")
        service_events.write(tx, service, [Brought("T-1", None, ()), Brought("T-2", None, (heard,), elsewhere=3)])

    ringfence.open(ringfence.opened[-1]).database.run_now(came)
    said = ringfence("service", "events", "desk").stdout.splitlines()
    assert [word in said[1] for word in ("T-2", "Hear", "started", "run-1", "It fits.")] == [True] * 5
    assert "of other organizations" in said[2]
    assert "No playbook listened to this service." in said[3]
    (newest,) = ringfence.json("service", "events", "desk", "--limit", "1")["items"]
    assert (newest["event_id"], newest["started"], newest["outcomes"][0]["run_id"]) == ("T-2", True, "run-1")


def test_a_service_that_follows_an_account_leads_to_its_alerts(ringfence: Ringfence) -> None:
    ringfence("account", "add", *ringfence.account_options())
    assert "ringfence alert list" in ringfence("service", "events", "contoso").stderr
