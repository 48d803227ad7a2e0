import pytest

from contoso import STARTER, Contoso, seed
from rehearsing import CATALOGUE
from ringfence.errors import Invalid
from ringfence.organizations import service as organizations
from ringfence.playbooks import trials
from ringfence.playbooks.playing import Played, PlayedStep
from ringfence.playbooks.trials import Kind, State, Trial
from ringfence.rehearsals import playing
from ringfence.rehearsals.desk import Wish
from ringfence.storage import Database, Transaction
from webserver import VAULT


def ask(database: Database, contoso: Contoso, wish: Wish) -> Trial:
    def work(tx: Transaction) -> Trial:
        organization = organizations.get(tx, contoso.organization_id)
        return playing.ask(tx, organization, "Contain ransomware", wish, CATALOGUE, "megan")

    return database.run_now(work)


def test_a_rehearsal_begins_with_the_trigger_that_was_chosen_and_is_kept_with_what_came_of_it(
    embedded: Database,
) -> None:
    contoso = embedded.run_now(seed)
    trial = ask(embedded, contoso, Wish(STARTER, document={"alert": {"title": "One"}, "note": 1}, account="contoso"))
    asked = embedded.read_now(lambda tx: playing.playing(tx, trial))
    assert (trial.kind, asked.subject.source) == (Kind.REHEARSAL, STARTER)
    assert asked.document == {
        "type": "defender.alert",
        "account": "contoso",
        "note": 1,
        "alert": {"title": "One"},
    }
    step = PlayedStep(step="look", iteration=2, action="no.such", status="skipped")
    assert embedded.read_now(lambda tx: playing.result_of(tx, trial, CATALOGUE, VAULT)) is None
    embedded.run_now(lambda tx: playing.finish(tx, trial, Played(status="failed", error="Gone.", steps=(step,))))

    def look(tx: Transaction) -> playing.Rehearsal | None:
        return playing.result_of(tx, trials.get(tx, contoso.organization_id, trial.id), CATALOGUE, VAULT)

    found = embedded.read_now(look)
    assert found is not None
    assert (found.on, found.starts, found.report.status, found.report.error) == ("a document", None, "failed", "Gone.")
    (told,) = found.report.steps
    assert (told.how.value, told.effect, told.iteration, told.error) == ("skipped", "", 2, "")


def test_what_cannot_be_played_is_refused_at_once_or_fails_with_what_was_said(embedded: Database) -> None:
    contoso = embedded.run_now(seed)
    with pytest.raises(Invalid):
        ask(embedded, contoso, Wish("name: [", document={}))
    with pytest.raises(Invalid):
        ask(embedded, contoso, Wish(STARTER))
    trial = ask(embedded, contoso, Wish(STARTER, alert=contoso.alert_id))
    embedded.run_now(lambda tx: playing.finish(tx, trial, Played(fault="Too large.")))
    ended = embedded.read_now(lambda tx: trials.get(tx, contoso.organization_id, trial.id))
    assert (ended.state, ended.detail) == (State.FAILED, "Too large.")
