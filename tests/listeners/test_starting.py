from accounts_samples import a_stored_account, an_organization
from listening_world import publish, runs_of
from ringfence.listeners.starting import Outcome, outcome, start
from ringfence.playbooks import library
from ringfence.playbooks.triggers import TimerTrigger
from ringfence.storage import Database
from ringfence.triggers.base import FieldMatch, Match
from ringfence.triggers.listening import Listener

YES, NO = Match((FieldMatch("a", True, "It fits."),)), Match((FieldMatch("a", False, "It does not fit."),))
TIMER = TimerTrigger.model_validate({"type": "timer", "every": "1 h"})


def test_a_cause_starts_a_playbook_once(database: Database) -> None:
    organization = an_organization(database)
    playbook = publish(database, organization, "Tick", "{type: timer, every: 1 h}")

    def ask(cause: str) -> str:
        return database.run_now(lambda tx: start(tx, playbook, cause, {"type": "timer"}, None))

    made = [ask("a"), ask("a"), ask("b")]
    assert made[0] == made[1] != made[2]
    assert [run["cause_key"] for run in runs_of(database)] == ["a", "b"]
    assert runs_of(database)[0]["trigger"] == {"type": "timer"}


def test_the_account_is_the_named_one_else_the_only_one(embedded: Database) -> None:
    organization = an_organization(embedded)
    playbook = publish(embedded, organization, "Tick", "{type: timer, every: 1 h}")

    def account_of(cause: str, name: str | None) -> str | None:
        run_id = embedded.run_now(lambda tx: start(tx, playbook, cause, {}, name))
        found: str | None = next(run["account_id"] for run in runs_of(embedded) if run["id"] == run_id)
        return found

    assert account_of("none", None) is None
    first = a_stored_account(embedded, organization, name="contoso").id
    assert account_of("only", None) == first
    second = a_stored_account(embedded, organization, name="contoso-eu").id
    assert account_of("several", None) is None
    assert account_of("named", "contoso-eu") == second
    assert account_of("removed", "gone") is None


def test_what_came_of_an_event_is_told(embedded: Database) -> None:
    organization = an_organization(embedded)
    playbook = publish(embedded, organization, "Tick", "{type: timer, every: 1 h}")
    paused = embedded.run_now(lambda tx: library.pause(tx, organization, "Tick"))

    def told(listener: Listener[TimerTrigger], match: Match) -> Outcome:
        return embedded.run_now(lambda tx: outcome(tx, listener, match, "cause", {}, None))

    assert told(Listener(playbook, TIMER), NO).reason == "It does not fit."
    assert told(Listener(paused, TIMER), YES).reason == "The playbook is paused."
    assert runs_of(embedded) == []
    started = told(Listener(playbook, TIMER), YES)
    assert (started.started, started.run_id) == (True, runs_of(embedded)[0]["id"])
    assert Outcome.of(started.to_json()) == started
