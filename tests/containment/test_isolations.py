from datetime import timedelta

import pytest

from accounts_samples import a_stored_account, an_organization
from containment_rows import Rows, rows_in
from ringfence import clock
from ringfence.containment import isolations
from ringfence.containment.observed import Drift, HostState, Seen
from ringfence.errors import Invalid
from ringfence.storage import Database

PATIENCE = timedelta(hours=26)


@pytest.fixture
def rows(database: Database) -> Rows:
    return rows_in(database)


def machine(number: int) -> str:
    return f"{number:040x}"


def keep(rows: Rows, *seen: Seen) -> None:
    known = {each.machine_id: each for each in seen}
    read_at = clock.now()
    rows.database.run_now(
        lambda tx: isolations.keep(
            tx, rows.organization_id, rows.account_id, known, {}, read_at=read_at, patience=PATIENCE
        )
    )


def isolated(number: int, **values: object) -> Seen:
    fixed = {"machine_name": f"wks-{number:03}", "isolated": True, "action_id": f"a{number}", "since": clock.now()}
    return Seen(machine(number), **{**fixed, **values})  # type: ignore[arg-type]


def names(rows: Rows, **filters: object) -> list[str]:
    page = rows.database.read_now(lambda tx: isolations.listing(tx, rows.organization_id, **filters))  # type: ignore[arg-type]
    return [each.name for each in page.rows]


def test_rows_are_filtered_by_state_owner_attention_and_text(rows: Rows) -> None:
    ours = rows.held()
    assert ours.machine_id is not None
    keep(
        rows,
        isolated(1, requestor="analyst@contoso.com", request_source="Portal", comment="Found 100% mimikatz"),
        isolated(2, isolated=False),
        isolated(3, open_action_id="b", open_type="Unisolate", open_by="x", open_since=clock.now()),
        Seen(ours.machine_id, machine_name="ours", isolated=True, containment_id=ours.id, since=clock.now()),
    )
    assert names(rows) == ["ours", "wks-001", "wks-002", "wks-003"]
    assert names(rows, state=HostState.IN_PROGRESS) == ["wks-003"]
    assert names(rows, foreign=True) == ["wks-001", "wks-003"]
    assert names(rows, foreign=False) == ["ours", "wks-002"]
    assert names(rows, attention=True) == []
    assert names(rows, text="100% MIMI") == ["wks-001"]
    assert names(rows, text="portal") == ["wks-001"]


def test_pages_follow_each_other_and_a_foreign_cursor_is_refused(rows: Rows) -> None:
    keep(rows, *(isolated(number, machine_name="same" if number < 3 else None) for number in range(5)))
    seen: list[str] = []
    cursor = None
    for _ in range(5):
        page = rows.database.read_now(
            lambda tx, at=cursor: isolations.listing(tx, rows.organization_id, cursor=at, limit=2)  # type: ignore[misc]
        )
        seen += [each.machine_id for each in page.rows]
        cursor = page.next
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 5
    with pytest.raises(Invalid, match="cursor"):
        rows.database.read_now(lambda tx: isolations.listing(tx, rows.organization_id, cursor="nothing"))


def test_what_is_seen_twice_alike_is_written_and_told_once(rows: Rows) -> None:
    one = isolated(1)
    keep(rows, one)
    first = rows.database.read_now(lambda tx: isolations.of_machines(tx, rows.organization_id, [machine(1)]))
    rows.time += 60
    keep(rows, one)
    again = rows.database.read_now(lambda tx: isolations.of_machines(tx, rows.organization_id, [machine(1), "x"]))
    assert again[machine(1)].since == first[machine(1)].since
    assert rows.database.read_now(lambda tx: isolations.of_machines(tx, rows.organization_id, [])) == {}


def test_a_drift_keeps_the_moment_at_which_it_was_first_seen(rows: Rows) -> None:
    held = rows.held()
    assert held.machine_id is not None
    rows.time += 60
    free = Seen(held.machine_id, isolated=False, since=clock.now(), action_id="u", requestor="analyst@contoso.com")
    keep(rows, free)
    began = clock.now()
    rows.time += 60
    keep(rows, free)
    (row,) = rows.database.read_now(lambda tx: isolations.listing(tx, rows.organization_id, attention=True)).rows
    assert (row.drift, row.drift_since) == (Drift.RELEASED_OUTSIDE, began)
    assert "somebody outside released it" in row.problem


def test_an_organization_sees_its_own_machines_only(rows: Rows) -> None:
    keep(rows, isolated(1))
    fabrikam = an_organization(rows.database, f"Fabrikam {clock.new_id()}")
    a_stored_account(rows.database, fabrikam)
    assert rows.database.read_now(lambda tx: isolations.listing(tx, fabrikam)).rows == ()
    assert rows.database.read_now(lambda tx: isolations.readings(tx, fabrikam)) == []


def test_a_round_is_claimed_once_in_its_interval_and_says_what_stopped_it(rows: Rows) -> None:
    def claim() -> bool:
        return rows.database.run_now(lambda tx: isolations.claim(tx, rows.account_id, interval=timedelta(seconds=60)))

    assert [claim(), claim()] == [True, False]
    rows.time += 61
    assert claim()
    rows.database.run_now(lambda tx: isolations.failed(tx, rows.account_id, "Defender was\x00 away."))
    (reading,) = rows.database.read_now(lambda tx: isolations.readings(tx, rows.organization_id))
    assert (reading.account_name, reading.read_at) == ("contoso", None)
    assert "Defender was" in reading.error
    keep(rows)
    (reading,) = rows.database.read_now(lambda tx: isolations.readings(tx, rows.organization_id))
    assert (reading.read_at, reading.error) == (clock.now(), "")
