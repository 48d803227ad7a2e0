import pytest

from ringfence.audit.acting import ENGINE, Actor, Via
from ringfence.triggers.identity import identity

MEGAN = Actor("megan.bowen", Via.PAGE, "session 1a2b3c4d")


def test_a_run_that_a_person_started_acts_for_them_by_their_session() -> None:
    found = identity({"type": "manual", "by": "megan.bowen", "machine_id": "a" * 40}, MEGAN)
    assert found.row() == {
        "trigger_kind": "manual",
        "run_as": "megan.bowen",
        "run_as_kind": "person",
        "run_via": "page",
        "run_credential": "session 1a2b3c4d",
        "machine_id": "a" * 40,
    }


@pytest.mark.parametrize(
    ("seen", "name"),
    [
        ({"type": "defender.alert", "service": "contoso", "account": "prod"}, "service contoso"),
        ({"type": "defender.alert", "service": None, "account": "prod"}, "account prod"),
        ({"type": "defender.alert"}, "Ringfence"),
        ({"type": "webhook", "hook": "siem"}, "webhook siem"),
        ({"type": "mailbox", "mailbox": "abuse"}, "mailbox abuse"),
        ({"type": "timer"}, "timer"),
        ({"type": "change"}, "change feed"),
        ({}, "Ringfence"),
    ],
)
def test_any_other_run_acts_for_the_service_that_started_it(seen: dict[str, str], name: str) -> None:
    found = identity(seen, MEGAN)
    assert (found.run_as, found.run_as_kind, found.run_via, found.run_credential) == (name, "service", "engine", "")


def test_names_are_bounded_and_a_machine_that_is_no_text_is_none() -> None:
    found = identity({"type": "webhook", "hook": "x" * 1000, "machine_id": {"a": 1}}, ENGINE)
    assert len(found.run_as) == 200
    assert found.machine_id is None
    assert identity({}, machine_id="m").machine_id == "m"
