import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from ringfence import clock
from ringfence.audit import log
from ringfence.errors import Conflict, Invalid
from ringfence.organizations import service as organizations
from ringfence.storage import Database
from ringfence.tables import entries, service
from ringfence.tables.model import NewEntry, Table


def _table(database: Database, kind: str = "text") -> Callable[[], Table]:
    organization = database.run_now(organizations.ensure_default).id
    made = database.run_now(lambda tx: service.make(tx, organization, "t", kind, "", by="ines"))
    return lambda: database.read_now(lambda tx: service.by_name(tx, organization, made.id))


def _put(database: Database, table: Table, *new: NewEntry, effect: str | None = None) -> int:
    return database.run_now(lambda tx: entries.put(tx, table, new, by="ines", effect=effect))


def test_what_is_put_in_is_found_in_any_spelling_and_replaced_by_the_same_value(database: Database) -> None:
    table = _table(database)
    assert _put(database, table(), NewEntry("Ines", "first", data={"team": "tier-2"}), NewEntry("bob")) == 2
    seen = database.read_now(lambda tx: entries.edition(tx, table()))
    assert _put(database, table(), NewEntry("INES", "second")) == 0
    assert database.read_now(lambda tx: entries.edition(tx, table())) != seen
    found = database.read_now(lambda tx: entries.look_up(tx, table(), ["ines ", "carol", "BOB"]))
    assert [each.entry.note if each.entry else None for each in found] == ["second", None, ""]
    assert [each.value for each in database.read_now(lambda tx: entries.listed(tx, table(), text="NES"))] == ["INES"]
    assert database.run_now(lambda tx: entries.take_out(tx, table(), ["iNeS", "carol"], by="ines")) == 1
    said = [json.loads(each.details) for each in database.read_now(lambda tx: _told(log.listing, tx, table()))]
    assert {"name": "t", "removed": 1, "values": ["INES"]} in said


def _told(listing: Callable[..., log.Page], tx: object, table: Table) -> tuple[log.Entry, ...]:
    return listing(tx, table.organization_id, subject="table").entries


def test_an_address_is_found_in_the_closest_network_and_a_name_below_the_closest_domain(embedded: Database) -> None:
    table = _table(embedded, "network")
    _put(embedded, table(), NewEntry("203.0.113.0/24", "office"), NewEntry("203.0.0.0/16"), NewEntry("::/0", "six"))
    found = embedded.read_now(lambda tx: entries.look_up(tx, table(), ["203.0.113.9", "203.0.1.1", "8.8.8.8", "::1"]))
    assert [each.entry.value if each.entry else None for each in found] == [
        "203.0.113.0/24",
        "203.0.0.0/16",
        None,
        "::/0",
    ]


def test_what_has_expired_is_found_no_more_and_can_be_taken_out(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = _table(database)
    soon = clock.now() + timedelta(hours=1)
    _put(database, table(), NewEntry("a", expires_at=soon), NewEntry("b"))
    moment = soon.timestamp() + 1
    clock.replace(lambda: moment)
    assert (table().entries, table().expired) == (1, 1)
    found = database.read_now(lambda tx: entries.look_up(tx, table(), ["a", "b"]))
    assert [each.entry is not None for each in found] == [False, True]
    with pytest.raises(Invalid, match="expired already"):
        _put(database, table(), NewEntry("c", expires_at=soon))
    assert database.run_now(lambda tx: entries.take_out_expired(tx, table(), by="ines")) == 1
    assert database.run_now(lambda tx: entries.empty(tx, table(), by="ines")) == 1
    assert (table().entries, table().expired) == (0, 0)


def test_a_playbook_s_step_that_is_done_again_after_a_crash_changes_nothing(embedded: Database) -> None:
    table = _table(embedded)
    assert _put(embedded, table(), NewEntry("a", "by the step"), effect="run:step:0") == 1
    before = embedded.read_now(lambda tx: entries.listed(tx, table()))
    assert _put(embedded, table(), NewEntry("a", "by the step"), effect="run:step:0") == 1
    assert embedded.read_now(lambda tx: entries.listed(tx, table())) == before


def test_a_wrong_entry_keeps_all_others_out_and_there_is_an_end(
    embedded: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = _table(embedded)
    with pytest.raises(Invalid):
        _put(embedded, table(), NewEntry("a"), NewEntry(""))
    assert table().entries == 0
    monkeypatch.setattr(entries, "MOST_ENTRIES", 1)
    with pytest.raises(Conflict, match="at most 1"):
        _put(embedded, table(), NewEntry("a"), NewEntry("b"))
    with pytest.raises(Invalid, match="At most"):
        embedded.read_now(lambda tx: entries.look_up(tx, table(), ["x"] * 1_001))


def test_notes_hold_nothing_that_commands_a_terminal(embedded: Database) -> None:
    table = _table(embedded)
    _put(embedded, table(), NewEntry("a", "one\n\x1b[31mtwo\x00\ud800", data={"x": "\x07"}))
    (entry,) = embedded.read_now(lambda tx: entries.listed(tx, table()))
    assert "\x1b" not in entry.note
    assert entry.note.startswith("one\n\ufffd[31mtwo")
    assert entry.data == {"x": "\ufffd"}
