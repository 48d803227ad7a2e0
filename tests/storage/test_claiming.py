"""The claiming that containments and responses share, over a table of its own: who has a row, and what a driver may write."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import pytest
import sqlalchemy as sa

from ringfence import clock
from ringfence.errors import LeaseLost
from ringfence.storage import Database
from ringfence.storage.claiming import LEASE, Claims
from ringfence.storage.columns import Moment

TABLE = sa.Table(
    "jobs",
    sa.MetaData(),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("organization_id", sa.Text),
    sa.Column("state", sa.Text),
    sa.Column("detail", sa.Text),
    sa.Column("urgent", sa.Boolean),
    sa.Column("called", sa.Boolean),
    sa.Column("fence", sa.Integer),
    sa.Column("live_key", sa.Text),
    sa.Column("lease_owner", sa.Text),
    sa.Column("lease_until", Moment),
    sa.Column("next_at", Moment),
    sa.Column("finished_at", Moment),
)


class State(StrEnum):
    NEW = "new"
    OVER = "over"


@dataclass(frozen=True)
class Job:
    id: str
    organization_id: str
    state: State
    detail: str
    fence: int
    next_at: datetime | None
    lease_until: datetime | None


def read(row: sa.RowMapping) -> Job:
    kept = {name: row[name] for name in Job.__dataclass_fields__}
    return Job(**kept | {"state": State(row["state"])})


CLAIMS = Claims(
    TABLE,
    "job",
    read,
    over=lambda job: job.state is State.OVER,
    first=lambda now: TABLE.c.urgent,
    early=lambda: TABLE.c.called,
)


@pytest.fixture
def jobs(database: Database) -> Iterator[Database]:
    """Give a table of jobs, and a time that stands still until a test moves it."""
    clock.replace(lambda: 1_800_000_000.0)
    TABLE.metadata.create_all(database.engine)
    yield database
    TABLE.metadata.drop_all(database.engine)


def put(database: Database, name: str, *, after: float = 0.0, urgent: bool = False, called: bool = False) -> None:
    row: dict[str, Any] = {"id": name, "organization_id": "contoso", "state": "new", "detail": "", "fence": 0}
    row |= {"urgent": urgent, "called": called, "next_at": clock.now() + timedelta(seconds=after), "live_key": name}
    database.run_now(lambda tx: tx.execute(sa.insert(TABLE).values(row)))


def claim(database: Database, owner: str = "a", **options: Any) -> list[Job]:
    return database.run_now(lambda tx: CLAIMS.claim_due(tx, owner=owner, **options))


def test_what_is_urgent_goes_first_and_what_is_called_goes_before_its_time(jobs: Database) -> None:
    put(jobs, "later", after=60.0)
    put(jobs, "due")
    put(jobs, "called", after=60.0, called=True)
    put(jobs, "urgent", urgent=True)
    assert jobs.read_now(CLAIMS.next_due) == clock.now()
    assert [each.id for each in claim(jobs, first_only=True)] == ["urgent"]
    assert [each.id for each in claim(jobs)] == ["due", "called"]
    assert claim(jobs) == []
    assert jobs.read_now(CLAIMS.next_due) == clock.now() + timedelta(seconds=60)


def test_who_lost_the_lease_writes_nothing_and_is_told_so(jobs: Database) -> None:
    put(jobs, "one")
    (old,) = claim(jobs)
    clock.replace(lambda: 1_800_000_000.0 + LEASE)
    (new,) = claim(jobs, "b")
    with pytest.raises(LeaseLost):
        jobs.run_now(lambda tx: CLAIMS.note(tx, old, urgent=True))
    with pytest.raises(LeaseLost):
        jobs.run_now(lambda tx: CLAIMS.move(tx, old, State.OVER, "No.", over=True))
    jobs.run_now(lambda tx: CLAIMS.rest(tx, old, until=None, detail="No."))
    assert jobs.run_now(lambda tx: CLAIMS.current(tx, old)) is None
    assert jobs.run_now(lambda tx: CLAIMS.current(tx, new)) == new


def test_a_question_asked_while_it_is_driven_is_looked_at_as_soon_as_it_rests(jobs: Database) -> None:
    put(jobs, "one")
    (job,) = claim(jobs)
    asked = sa.update(TABLE).values(next_at=clock.now() + timedelta(seconds=1))
    jobs.run_now(lambda tx: tx.execute(asked))
    job = jobs.run_now(lambda tx: CLAIMS.note(tx, job, urgent=False))
    jobs.run_now(lambda tx: CLAIMS.rest(tx, job, until=clock.now() + timedelta(hours=1), detail="Waiting."))
    assert jobs.read_now(CLAIMS.next_due) == clock.now() + timedelta(seconds=1)


def test_what_is_over_is_claimed_no_more_and_the_leases_of_the_dead_are_free(jobs: Database) -> None:
    put(jobs, "one")
    put(jobs, "two")
    one, _ = claim(jobs)
    done = jobs.run_now(lambda tx: CLAIMS.move(tx, one, State.OVER, "Done.", over=True))
    assert (done.state, done.next_at, done.lease_until) == (State.OVER, None, None)
    assert jobs.run_now(lambda tx: CLAIMS.current(tx, done)) is None
    assert jobs.run_now(lambda tx: CLAIMS.free_leases(tx, "a")) == 1
    assert [each.id for each in claim(jobs, "b")] == ["two"]
