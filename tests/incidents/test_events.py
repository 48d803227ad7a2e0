import sqlalchemy as sa

from incidents_world import MEGAN, IncidentDesk
from ringfence.incidents import events
from ringfence.incidents.model import Author, Kind
from ringfence.storage.tables import audit_entries


def test_an_event_is_written_with_its_change_and_touches_the_incident(desk: IncidentDesk) -> None:
    desk.alerts("1")
    made = desk.promote("1").incident
    step = Author("playbook Example 1.0", None, "run:one:0")
    later = desk.wait(minutes=5)
    desk.database.run_now(
        lambda tx: events.write(tx, desk.organization, made.id, step, Kind.NOTED, "x" * 3_000, {"task": 7})
    )
    found = desk.database.read_now(lambda tx: events.of(tx, made.id))
    assert [(each.kind, each.by, len(each.detail)) for each in found][1:] == [("noted", "playbook Example 1.0", 2_000)]
    assert desk.incident(1).updated_at == found[1].at == later
    assert desk.kinds() == ["created", "noted"]


def test_what_a_step_did_is_found_again_by_its_key(desk: IncidentDesk) -> None:
    desk.alerts("1")
    step = Author("playbook Example 1.0", None, "run:one:0")
    made = desk.promote("1", author=step).incident
    assert desk.database.read_now(lambda tx: events.made_by(tx, step)) == made.id
    other = Author("playbook Example 1.0", None, "run:two:0")
    assert desk.database.read_now(lambda tx: events.made_by(tx, other)) is None
    assert desk.database.read_now(lambda tx: events.made_by(tx, MEGAN)) is None


def test_every_change_is_in_the_audit_log(desk: IncidentDesk) -> None:
    desk.alerts("1")
    made = desk.promote("1").incident
    desk.close(1)
    query = sa.select(audit_entries.c.event, audit_entries.c.subject_id, audit_entries.c.actor).where(
        audit_entries.c.event.startswith("incident:")
    )
    found = desk.database.read_now(lambda tx: tx.all(query.order_by(audit_entries.c.number)))
    assert [tuple(row.values()) for row in found] == [
        ("incident:promoted", made.id, "megan.bowen"),
        ("incident:closed", made.id, "megan.bowen"),
    ]
