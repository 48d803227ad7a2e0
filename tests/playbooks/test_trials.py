import pytest

from accounts_samples import an_organization
from ringfence import clock
from ringfence.errors import Conflict, NotFound
from ringfence.playbooks import trials
from ringfence.playbooks.trials import LEASE, MOST_OPEN, Kind, State, Trial
from ringfence.storage import Database

START = 1_800_000_000.0


def _ask(database: Database, organization: str, text: str = "one", kind: Kind = Kind.PROOF) -> Trial:
    return database.run_now(lambda tx: trials.request(tx, organization, kind, "Look", text, "adele"))


def _claim(database: Database, owner: str = "one") -> Trial | None:
    return database.run_now(lambda tx: trials.claim(tx, owner))


def test_one_worker_takes_a_trial_and_another_one_does_when_it_died(database: Database) -> None:
    organization = an_organization(database)
    clock.replace(lambda: START)
    asked = _ask(database, organization)
    taken = _claim(database)
    assert taken is not None
    assert (taken.id, taken.state, taken.open) == (asked.id, State.WORKING, True)
    assert _claim(database, "two") is None
    clock.replace(lambda: START + LEASE + 1)
    again = _claim(database, "two")
    assert again is not None
    assert not database.run_now(lambda tx: trials.hold(tx, taken, "one", (1, 2)))
    assert database.run_now(lambda tx: trials.hold(tx, again, "two", (1, 2)))
    found = database.read_now(lambda tx: trials.get(tx, organization, asked.id))
    assert (found.progress, found.total) == (1, 2)


def test_what_a_worker_left_when_it_ended_it_takes_up_at_once_when_it_is_back(embedded: Database) -> None:
    organization = an_organization(embedded)
    asked = _ask(embedded, organization)
    assert _claim(embedded) is not None
    again = _claim(embedded)
    assert again is not None
    assert again.id == asked.id


def test_a_trial_ends_once_with_a_result_or_as_failed_or_cancelled(embedded: Database) -> None:
    organization = an_organization(embedded)
    done, failed, cancelled = (_ask(embedded, organization, text) for text in "abc")
    assert embedded.run_now(lambda tx: trials.finish(tx, done, result={"a": 1}, proven=True))
    assert embedded.run_now(lambda tx: trials.finish(tx, failed, detail="No."))
    assert embedded.run_now(lambda tx: trials.cancel(tx, organization, cancelled.id, "mara")).cancelled_by == "mara"
    assert not embedded.run_now(lambda tx: trials.finish(tx, cancelled, result={}))
    assert embedded.run_now(lambda tx: trials.cancel(tx, organization, done.id, "mara")).state is State.DONE
    listed = embedded.read_now(lambda tx: trials.listed(tx, organization, "Look", Kind.PROOF))
    assert [(each.state, each.proven, each.detail) for each in listed] == [
        (State.CANCELLED, None, ""),
        (State.FAILED, None, "No."),
        (State.DONE, True, ""),
    ]


def test_of_several_proofs_of_a_text_the_one_that_proves_it_counts_then_the_newest(embedded: Database) -> None:
    organization = an_organization(embedded)
    for proven in (True, False):
        trial = _ask(embedded, organization)
        embedded.run_now(lambda tx, trial=trial, proven=proven: trials.finish(tx, trial, result={}, proven=proven))  # type: ignore[misc]
    newest = _ask(embedded, organization, "other")
    found = embedded.read_now(lambda tx: trials.proof_of_text(tx, organization, "one"))
    assert found is not None
    assert found.proven
    other = embedded.read_now(lambda tx: trials.proof_of_text(tx, organization, "other"))
    assert other is not None
    assert other.id == newest.id
    assert embedded.read_now(lambda tx: trials.proof_of_text(tx, organization, "third")) is None


def test_nobody_can_flood_the_worker_and_old_trials_are_forgotten(embedded: Database) -> None:
    organization = an_organization(embedded)
    clock.replace(lambda: START)
    first = _ask(embedded, organization, kind=Kind.BACKTEST)
    for _ in range(MOST_OPEN - 1):
        _ask(embedded, organization, kind=Kind.BACKTEST)
    with pytest.raises(Conflict, match="waiting already"):
        _ask(embedded, organization, kind=Kind.BACKTEST)
    embedded.run_now(lambda tx: trials.finish(tx, first, result={}))
    clock.replace(lambda: START + 40 * 86_400)
    assert embedded.run_now(trials.forget) == 1
    with pytest.raises(NotFound, match="no trial"):
        embedded.read_now(lambda tx: trials.get(tx, organization, first.id))
