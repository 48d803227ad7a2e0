import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from audit_chain import stored, write_some
from ringfence import clock
from ringfence.audit import log
from ringfence.audit.acting import Via, acting
from ringfence.audit.events import Event
from ringfence.audit.verification import verify
from ringfence.errors import Invalid
from ringfence.storage import Database, Transaction
from ringfence.storage.database import Values
from ringfence.storage.tables import audit_entries, organizations


def test_an_entry_says_who_did_what_by_which_way_and_to_what(database: Database) -> None:
    clock.replace(lambda: 1_790_000_000.25)
    with acting("asmith", Via.COMMAND):
        database.run_now(
            lambda tx: log.write(tx, Event.ACCOUNT_DISABLED, "contoso", "account-1", details={"name": "Contoso"})
        )
    (entry,) = database.read_now(lambda tx: list(log.entries(tx, "contoso")))
    assert (entry.number, entry.actor, entry.via, entry.event) == (1, "asmith", "command", "account:disabled")
    assert (entry.subject, entry.subject_id, entry.facts) == ("account", "account-1", {"name": "Contoso"})
    assert entry.at == clock.now()
    assert entry.sentence == "An account was switched off."
    assert entry.previous == log.GENESIS


def test_an_entry_names_what_it_is_about_as_well_as_its_details_do(database: Database) -> None:
    told: list[tuple[dict[str, Any], str]] = [
        ({"machine_name": None, "facts": {"name": "wks-014"}, "detail": "Waits.", "target": "ab" * 20}, "wks-014"),
        ({"question": "Cut wks-014 off?", "detail": "Approved by ines."}, "Cut wks-014 off?"),
        ({"machine_name": None, "detail": "Requested by ben.", "target": "ab" * 20}, "Requested by ben."),
        ({"sha256": "ab"}, ""),
    ]
    for details, _ in told:
        database.run_now(lambda tx: log.write(tx, Event.APPROVAL_ASKED, "contoso", "a", details=details))  # noqa: B023
    about = [each.about for each in database.read_now(lambda tx: list(log.entries(tx, "contoso")))]
    assert sorted(about) == sorted(name for _, name in told)


def test_the_hash_can_be_worked_out_with_nothing_of_ours(database: Database) -> None:
    write_some(database, "contoso", 2)
    first, second = database.read_now(lambda tx: [entry.document() for entry in log.entries(tx, "contoso")])
    assert second["previous"] == first["hash"]
    bare = {name: value for name, value in second.items() if name != "hash"}
    text = json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest() == second["hash"]


def test_the_change_and_its_entry_are_kept_both_or_neither(database: Database) -> None:
    def work(tx: Transaction) -> None:
        log.write(tx, Event.ORGANIZATION_CREATED, "contoso", "contoso")
        tx.execute(sa.insert(organizations).values(id="contoso", name="Contoso", created_at=clock.now()))
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError):
        database.run_now(work)
    assert database.read_now(lambda tx: (list(log.entries(tx, "contoso")), log.head(tx, "contoso"))) == ([], None)


def test_what_cannot_be_written_down_is_not_done(database: Database) -> None:
    def spoil(tx: Transaction) -> None:
        tx.execute(sa.text("ALTER TABLE audit_entries RENAME TO gone"))

    database.run_now(spoil)

    def work(tx: Transaction) -> None:
        tx.execute(sa.insert(organizations).values(id="contoso", name="Contoso", created_at=clock.now()))
        log.write(tx, Event.ORGANIZATION_CREATED, "contoso", "contoso")

    with pytest.raises(sa.exc.DBAPIError):
        database.run_now(work)
    assert database.read_now(lambda tx: tx.all(sa.select(organizations))) == []


def test_secrets_in_details_are_not_written_and_too_much_is_cut(database: Database) -> None:
    details: dict[str, Any] = {"client_secret": "hunter2", "note": "Bearer abc.def", "many": ["x" * 4_000] * 100}
    database.run_now(lambda tx: log.write(tx, Event.ACCOUNT_ADDED, "contoso", "1", details=details))
    text = stored(database, 1)["details"]
    assert "hunter2" not in text
    assert "abc.def" not in text
    assert len(text) < 80_000
    assert database.read_now(lambda tx: verify(tx, "contoso")).sound


def test_hostile_texts_are_kept_as_far_as_a_database_can_hold_them(database: Database) -> None:
    name = 'a\x00b\ud800\u202e<script>"'
    write = {"details": {name: name}, "actor": name}
    database.run_now(lambda tx: log.write(tx, Event.ACCOUNT_ADDED, "contoso", name, **write))  # type: ignore[arg-type]
    (entry,) = database.read_now(lambda tx: list(log.entries(tx, "contoso")))
    assert entry.actor == 'a\ufffdb?\u202e<script>"'
    assert database.read_now(lambda tx: verify(tx, "contoso")).sound


def test_many_writers_at_once_make_one_chain_for_each_organization(database: Database) -> None:
    def write(index: int) -> None:
        # In either order: writers that take two chains must not wait for each other.
        both = ["contoso", "fabrikam"] if index % 2 else ["fabrikam", "contoso"]

        def work(tx: Transaction) -> None:
            for organization_id in both:
                log.write(tx, Event.RUN_STARTED, organization_id, str(index))

        database.run_now(work)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(40)))
    for organization_id in ("contoso", "fabrikam"):
        report = database.read_now(lambda tx: verify(tx, organization_id))  # noqa: B023
        assert (report.entries, report.problems) == (40, ())


def test_a_chain_is_listed_by_pages_and_by_what_is_asked_for(database: Database) -> None:
    write_some(database, "contoso", 5)
    database.run_now(lambda tx: log.write(tx, Event.SIGN_IN_FAILED, "contoso", "bjones", actor="bjones"))

    def numbers(**asked: Any) -> tuple[list[int], int | None]:
        page = database.read_now(lambda tx: log.listing(tx, "contoso", **asked))
        return [entry.number for entry in page.entries], page.next

    assert numbers(limit=2) == ([6, 5], 5)
    assert numbers(limit=4, below=5) == ([4, 3, 2, 1], None)
    assert numbers(event="sign_in") == ([6], None)
    assert numbers(event="playbook:paused", limit=1) == ([5], 5)
    assert numbers(actor="bjones") == ([6], None)
    assert numbers(text="PLAYBOOK-3") == ([4], None)
    assert numbers(subject="playbook", subject_id="playbook-0") == ([1], None)
    assert database.read_now(lambda tx: log.listing(tx, "fabrikam")).entries == ()
    about = database.read_now(lambda tx: log.of_subject(tx, "contoso", "playbook", ["playbook-1", "playbook-0"]))
    assert [entry.number for entry in about] == [1, 2]
    with pytest.raises(Invalid, match="no event 'nonsense'"):
        numbers(event="nonsense")


def test_a_look_of_bounded_effort_says_where_to_go_on_although_it_found_nothing(database: Database) -> None:
    write_some(database, "contoso", 5)

    def look(below: int | None) -> tuple[list[int], int | None]:
        page = database.read_now(lambda tx: log.listing(tx, "contoso", text="playbook-0", below=below, effort=2))
        return [entry.number for entry in page.entries], page.next

    assert [look(None), look(4), look(2)] == [([], 4), ([], 2), ([1], None)]


def test_entries_are_read_piece_by_piece_in_their_order(embedded: Database) -> None:
    def work(tx: Transaction) -> None:
        for index in range(2_100):
            log.write(tx, Event.RUN_STARTED, "contoso", str(index))

    embedded.run_now(work)
    found = embedded.read_now(lambda tx: [entry.number for entry in log.entries(tx, "contoso")])
    assert found == list(range(1, 2_101))
    assert embedded.read_now(lambda tx: [each.number for each in log.entries(tx, "contoso", above=3, upto=5)]) == [4, 5]
    assert embedded.read_now(lambda tx: [head.number for head in log.heads(tx)]) == [2_100]


def test_an_event_of_another_release_is_still_shown(database: Database) -> None:
    write_some(database, "contoso", 1)
    values: Values = {"event": "moon:landed"}
    database.run_now(lambda tx: tx.execute(sa.update(audit_entries).values(**values)))
    (entry,) = database.read_now(lambda tx: list(log.entries(tx, "contoso")))
    assert "not an event of this release" in entry.sentence
