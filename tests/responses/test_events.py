"""What is written down of a response: its own history, and the audit log."""

import json

import sqlalchemy as sa

from response_world import Responses
from ringfence.responses import events
from ringfence.responses.kinds import Kind
from ringfence.responses.model import State
from ringfence.storage.tables import audit_entries


def written(desk: Responses, response_id: str) -> list[tuple[str, str]]:
    """Return the audit log's entries about a response as (event, actor)."""
    query = sa.select(audit_entries).where(audit_entries.c.subject_id == response_id)
    rows = desk.world.database.read_now(lambda tx: tx.all(query.order_by(audit_entries.c.number)))
    return [(row["event"].removeprefix("response:"), row["actor"]) for row in rows]


async def test_each_transition_and_each_word_about_it_is_in_the_audit_log(desk: Responses) -> None:
    asked = desk.request(Kind.RESTRICT, key="one:1")
    await desk.settle(asked, State.DONE)
    also = desk.request(Kind.RESTRICT, key="two:1", requested_by="ines")
    await desk.settle(also, State.NOT_NEEDED)
    desk.undo(also, everybody=False)
    desk.undo(asked)
    await desk.settle(asked, State.UNDONE)
    found = written(desk, asked.id)
    assert [event for event, _ in found] == [
        "requested",
        "approved",
        "submitted",
        "accepted",
        "confirmed",
        "joined",
        "let_go",
        "undo_requested",
        "undoing",
        "undone",
    ]
    assert dict(found)["joined"] == "ines"
    assert dict(found)["undo_requested"] == "asmith"
    assert [event for event, _ in written(desk, also.id)] == ["requested", "not_needed"]


def test_a_fact_that_is_no_move_is_a_note_with_its_details(desk: Responses) -> None:
    asked = desk.request(Kind.SCAN)
    world = desk.world
    world.database.run_now(lambda tx: events.write(tx, asked, State.REQUESTED, State.REQUESTED, "Looked.", {"seen": 1}))
    row = desk.events(asked)[-1]
    assert (row["before"], row["after"], row["detail"], row["facts"]) == (
        "requested",
        "requested",
        "Looked.",
        {"seen": 1},
    )
    query = sa.select(audit_entries).where(audit_entries.c.event == "response:noted")
    entry = world.database.read_now(lambda tx: tx.one(query))
    assert entry is not None
    details = json.loads(entry["details"])
    assert (details["kind"], details["what"], details["facts"]) == ("antivirus_scan", "quick", {"seen": 1})


def test_every_state_has_an_event_of_its_own() -> None:
    assert {events._event(State.REQUESTED, state) for state in State if state is not State.REQUESTED} >= {
        events._AUDITED[state] for state in State if state is not State.REQUESTED
    }
    assert len(set(events._AUDITED.values())) == len(State)
