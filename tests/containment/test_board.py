from datetime import timedelta

import pytest
import sqlalchemy as sa

from contoso import NOW, Contoso, seed
from ringfence import clock
from ringfence.containment import board
from ringfence.containment.board import Desired, Observed
from ringfence.containment.model import State
from ringfence.errors import Invalid, NotFound
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import containments


@pytest.fixture
def contoso(database: Database) -> Contoso:
    clock.replace(NOW.timestamp)
    return database.run_now(seed)


def by_host(rows: tuple[board.Row, ...]) -> dict[str, board.Row]:
    return {row.name.partition(".")[0]: row for row in rows}


def test_the_board_is_newest_first_and_can_show_the_live_ones_only(database: Database, contoso: Contoso) -> None:
    every = database.read_now(lambda tx: board.listing(tx, contoso.organization_id)).rows
    assert [row.state for row in every] == ["pending", "contained", "denied", "releasing", "withdrawn", "released"]
    live = database.read_now(lambda tx: board.listing(tx, contoso.organization_id, live=True)).rows
    over = database.read_now(lambda tx: board.listing(tx, contoso.organization_id, live=False)).rows
    assert {row.state for row in live} == {"pending", "contained", "releasing"}
    assert all(row.live for row in live)
    assert {row.id for row in live} | {row.id for row in over} == {row.id for row in every}


def test_what_is_wanted_and_what_defender_confirmed_are_two_things(database: Database, contoso: Contoso) -> None:
    rows = by_host(database.read_now(lambda tx: board.listing(tx, contoso.organization_id)).rows)
    said = {host: (row.desired, row.observed) for host, row in rows.items()}
    assert said == {
        "hr-ws-007": (Desired.ISOLATED, Observed.UNCONFIRMED),
        "fin-ws-014": (Desired.ISOLATED, Observed.ISOLATED),
        "dc-01": (Desired.FREE, Observed.NOT_ISOLATED),
        "eng-ws-022": (Desired.FREE, Observed.ISOLATED),
        "sales-ws-031": (Desired.FREE, Observed.UNCONFIRMED),
        "mkt-ws-004": (Desired.FREE, Observed.RELEASED),
    }
    assert [host for host, row in rows.items() if row.releasable] == ["fin-ws-014"]


def test_pages_follow_each_other_without_gap_or_double(database: Database, contoso: Contoso) -> None:
    seen: list[str] = []
    cursor = None
    while True:
        page = database.read_now(
            lambda tx, cursor=cursor: board.listing(tx, contoso.organization_id, cursor=cursor, limit=2)  # type: ignore[misc]
        )
        seen += [row.id for row in page.rows]
        cursor = page.next
        if cursor is None:
            break
    every = database.read_now(lambda tx: board.listing(tx, contoso.organization_id)).rows
    assert seen == [row.id for row in every]
    with pytest.raises(Invalid, match="cursor"):
        database.read_now(lambda tx: board.listing(tx, contoso.organization_id, cursor="made up"))


@pytest.mark.parametrize(
    ("text", "count"), [("FIN-ws", 1), ("alex.wilber", 1), ("ransomware", 4), ("%", 0), ("_", 0), ("'", 0)]
)
def test_text_is_looked_for_as_it_is(database: Database, contoso: Contoso, text: str, count: int) -> None:
    rows = database.read_now(lambda tx: board.listing(tx, contoso.organization_id, text=text)).rows
    assert len(rows) == count


def test_containments_of_an_alert_and_of_a_run_are_found(database: Database, contoso: Contoso) -> None:
    of_alert = database.read_now(lambda tx: board.listing(tx, contoso.organization_id, alert_id=contoso.alert_id))
    of_run = database.read_now(lambda tx: board.listing(tx, contoso.organization_id, run_id=contoso.live_run_id))
    assert [row.id for row in of_alert.rows] == [row.id for row in of_run.rows] == [contoso.containment_id]


def test_one_containment_comes_with_its_proof(database: Database, contoso: Contoso) -> None:
    found = database.read_now(lambda tx: board.get(tx, contoso.organization_id, contoso.containment_id))
    assert found.playbook_name == "Contain ransomware"
    assert found.verdict is not None
    assert found.verdict.allowed
    assert found.verdict.facts["os_platform"] == "Windows11"
    assert [event.after for event in found.events] == ["requested", "approved", "submitting", "pending", "contained"]
    assert found.events[0].since is None
    assert found.events[1].since == timedelta(seconds=0.118)
    assert [hold.let_go_at for hold in found.holds] == [None]
    assert found.clocks.contain == timedelta(seconds=38.9)
    assert found.clocks.confirm == timedelta(seconds=38.258)
    assert found.clocks.held == NOW - found.row.requested_at - timedelta(seconds=38.9)
    assert found.clocks.release is None


def test_a_verdict_of_another_shape_is_read_as_far_as_it_goes(database: Database, contoso: Contoso) -> None:
    def spoil(tx: Transaction) -> None:
        tx.execute(sa.update(containments).values(verdict={"allowed": "yes", "reasons": None}))

    database.run_now(spoil)
    found = database.read_now(lambda tx: board.get(tx, contoso.organization_id, contoso.containment_id))
    assert found.verdict == board.Verdict("denied", False, (), {})


def test_what_people_were_asked_about_was_not_refused(database: Database, contoso: Contoso) -> None:
    documents = {
        "ask": {"outcome": "ask", "allowed": False},
        "allowed": {"allowed": True},
        "denied": {"allowed": False},
    }
    for outcome, document in documents.items():
        database.run_now(lambda tx, said=document: tx.execute(sa.update(containments).values(verdict=said)))  # type: ignore[misc]
        found = database.read_now(lambda tx: board.get(tx, contoso.organization_id, contoso.containment_id))
        assert found.verdict is not None
        assert found.verdict.outcome == outcome


def test_counts_tell_isolated_hosts_from_those_on_the_way(database: Database, contoso: Contoso) -> None:
    assert database.read_now(lambda tx: board.counts(tx, contoso.organization_id)) == board.Counts(
        live=3, contained=2, moving=1, attention=0
    )


def test_another_organization_sees_nothing(database: Database, contoso: Contoso) -> None:
    other = database.run_now(lambda tx: seed(tx, organization="fabrikam", user="alex.wilber"))
    ids = {row.id for row in database.read_now(lambda tx: board.listing(tx, other.organization_id)).rows}
    assert contoso.containment_id not in ids
    with pytest.raises(NotFound):
        database.read_now(lambda tx: board.get(tx, other.organization_id, contoso.containment_id))
    with pytest.raises(Invalid):
        database.read_now(lambda tx: board.listing(tx, other.organization_id, cursor=contoso.containment_id))


def test_every_state_says_what_is_wanted(database: Database, contoso: Contoso) -> None:
    for state in State:
        database.run_now(
            lambda tx, state=state: tx.execute(  # type: ignore[misc]
                sa.update(containments).where(containments.c.id == contoso.pending_id).values(state=state.value)
            )
        )
        row = database.read_now(lambda tx: board.get(tx, contoso.organization_id, contoso.pending_id)).row
        assert row.live == (row.state in {"requested", "awaiting_approval", "approved", "submitting", "pending",
                                          "contained", "releasing", "release_failed"})  # fmt: skip
        assert row.desired in Desired
