"""What happened, told in words that people can use."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from approval_samples import ask
from contoso import Contoso, seed
from notification_world import a_channel
from ringfence import clock
from ringfence.accounts import records as accounts
from ringfence.approvals import service as approvals
from ringfence.containment import policies
from ringfence.notifications import outbox, rules
from ringfence.notifications.events import Event
from ringfence.notifications.outbox import Entry
from ringfence.services import records as services
from ringfence.services.model import COMPLETENESS
from ringfence.storage import Database, Transaction
from ringfence.storage.changes import Change
from ringfence.storage.tables import notices, trigger_services, workers


@pytest.fixture
def contoso(database: Database) -> Contoso:
    found = database.run_now(seed)
    a_channel(database, found.organization_id)
    return found


def tell(database: Database, contoso: Contoso, noun: str, noun_id: str, kind: str) -> list[Entry]:
    change = Change(1, contoso.organization_id, noun, noun_id, kind, clock.now())
    assert rules.told_of(change)
    database.run_now(lambda tx: rules.tell(tx, change))
    return database.read_now(lambda tx: outbox.listed(tx, contoso.organization_id))


@pytest.mark.parametrize(
    ("kind", "event", "words"),
    [
        ("contained", "containment_confirmed", "is cut off, confirmed by Defender"),
        ("timed_out", "containment_failed", "was not cut off: timed out"),
        ("release_failed", "release_failed", "could not be let go"),
        ("release_soon", "release_soon", "will soon be let go"),
    ],
)
def test_a_containment_is_told_of(database: Database, contoso: Contoso, kind: str, event: str, words: str) -> None:
    (entry,) = tell(database, contoso, "containment", contoso.containment_id, kind)
    assert entry.event == event
    assert "fin-ws-014.contoso.com" in entry.title
    assert words in entry.title
    assert entry.path == f"/containment/{contoso.containment_id}"


def test_a_host_that_was_let_go_at_last_stands_no_more(database: Database, contoso: Contoso) -> None:
    tell(database, contoso, "containment", contoso.containment_id, "release_failed")
    tell(database, contoso, "containment", contoso.containment_id, "released")
    assert len(tell(database, contoso, "containment", contoso.containment_id, "release_failed")) == 2


def test_a_question_is_told_with_its_reasons_and_whom_it_is_for(database: Database, contoso: Contoso) -> None:
    asked = ask(database, contoso.organization_id, approvers=("ines",))
    (entry,) = tell(database, contoso, "approval", asked.id, "open")
    assert entry.title.startswith("Cut fin-ws-014.contoso.com off the network?")
    assert "server's operating system" in entry.detail
    assert "Asked by playbook Contain ransomware 1.3. For ines, until" in entry.detail
    assert entry.detail.endswith(" UTC.")
    later = tell(database, contoso, "approval", asked.id, "escalated")
    assert {each.event: each.title.partition(" ")[0] for each in later} == {
        "approval_asked": "Cut",
        "approval_escalated": "Still",
    }


@pytest.mark.parametrize(
    ("kind", "words"), [("rejected", "ines said no: Call first"), ("expired", "Nobody answered in time.")]
)
def test_who_waited_is_told_that_there_will_be_no_yes_and_nobody_is_called_to_it_any_more(
    database: Database, contoso: Contoso, kind: str, words: str
) -> None:
    asked, now = ask(database, contoso.organization_id), clock.timestamp()
    (first,) = tell(database, contoso, "approval", asked.id, "open")
    assert first.open
    if kind == "expired":
        clock.replace(lambda: now + asked.question.patience)
        database.run_now(lambda tx: approvals.settle(tx, asked))
    else:
        mine = contoso.organization_id
        database.run_now(
            lambda tx: approvals.answer(
                tx, asked.id, organization_id=mine, by="ines", yes=False, via="page", comment="Call first"
            )
        )
    for _ in range(2):
        told = {each.event: each for each in tell(database, contoso, "approval", asked.id, kind)}
    assert sorted(told) == ["approval_asked", f"approval_{kind}"]
    assert not told["approval_asked"].open
    over = told[f"approval_{kind}"]
    assert words in over.detail
    assert "Asked by playbook Contain ransomware" in over.detail
    assert over.title.endswith(asked.question.text)
    assert over.path == f"/approvals/{asked.id}"


def test_who_said_yes_or_took_a_question_back_has_nothing_to_tell(database: Database, contoso: Contoso) -> None:
    asked = ask(database, contoso.organization_id)
    database.run_now(lambda tx: approvals.void(tx, asked, "The host has changed."))
    assert tell(database, contoso, "approval", asked.id, "void") == []


def test_an_account_that_works_in_part_is_told_of_until_it_does_or_fails(database: Database, contoso: Contoso) -> None:
    def state(kind: str, work: Callable[[Transaction], object]) -> list[str]:
        database.run_now(work)
        return [each.event for each in tell(database, contoso, "account", contoso.account_id, kind)]

    mine = contoso.account_id
    assert state("degraded", lambda tx: accounts.mark_degraded(tx, mine, "Machine.Scan is missing.")) == [
        "account_degraded"
    ]
    standing = database.read_now(lambda tx: outbox.standing(tx, Event.ACCOUNT_DEGRADED, mine))
    assert database.read_now(lambda tx: [rules.still_so(tx, each) for each in standing]) == [True]
    told = state("failed", lambda tx: accounts.mark_failed(tx, mine, "The secret has expired."))
    assert sorted(told) == ["account_degraded", "account_failed"]
    assert database.read_now(lambda tx: outbox.standing(tx, Event.ACCOUNT_DEGRADED, mine)) == []
    state("healthy", lambda tx: accounts.mark_proven(tx, mine, None))
    assert database.read_now(lambda tx: outbox.standing(tx, Event.ACCOUNT_FAILED, mine)) == []


def test_a_service_that_may_have_missed_alerts_is_told_once_until_a_sweep_finds_all(
    database: Database, contoso: Contoso
) -> None:
    service = database.read_now(lambda tx: services.every(tx, contoso.organization_id))[0]

    def look() -> list[Entry]:
        return tell(database, contoso, "service", service.id, "degraded")

    assert look() == []
    database.run_now(lambda tx: services.flag(tx, service.id, COMPLETENESS, "The sweep found 3 alerts."))
    (entry,) = look()
    assert (entry.event, entry.detail) == ("service_unhealthy", "The sweep found 3 alerts.")
    assert service.name in entry.title
    assert len(look()) == 1
    database.run_now(lambda tx: services.clear(tx, service.id, COMPLETENESS))
    look()
    database.run_now(lambda tx: services.flag(tx, service.id, COMPLETENESS, "Again."))
    assert len(look()) == 2


def test_a_service_in_a_pool_that_nobody_serves_is_told_of_once_until_somebody_does(
    embedded: Database,
) -> None:
    contoso = embedded.run_now(seed)
    a_channel(embedded, contoso.organization_id)
    service, *others = embedded.read_now(lambda tx: services.every(tx, contoso.organization_id))
    for other in others:
        embedded.run_now(lambda tx: services.change(tx, other.id, {"enabled": False}))  # noqa: B023
    now = clock.timestamp()
    values = {"pool": "asia", "notify_to": ["duty@contoso.com"], "enabled": True}
    embedded.run_now(lambda tx: services.change(tx, service.id, values))

    def look(minutes: float) -> list[tuple[str, str]]:
        clock.replace(lambda: now + minutes * 60)
        embedded.run_now(rules.look)
        told = embedded.read_now(lambda tx: outbox.listed(tx, contoso.organization_id))
        return sorted((each.channel, each.title) for each in told if each.event == "service_unserved")

    def serve(pools: list[str]) -> None:
        row = {"id": clock.new_id(), "host": "w", "started_at": clock.now(), "heartbeat_at": clock.now()}
        embedded.run_now(lambda tx: tx.execute(sa.insert(workers), [row | {"pools": pools}]))

    rest = datetime.fromtimestamp(now, UTC) + timedelta(minutes=1)
    due = sa.update(trigger_services).where(trigger_services.c.id == service.id).values(next_poll_at=rest)
    embedded.run_now(lambda tx: tx.execute(due))
    serve(["default"])
    assert look(5) == []
    told = look(7)
    assert [channel for channel, _ in told] == ["duty@contoso.com", "soc"]
    assert "no worker serves the pool asia" in told[0][1]
    assert look(8) == told
    serve(["asia"])
    assert look(9) == told
    assert embedded.read_now(lambda tx: outbox.standing(tx, Event.SERVICE_UNSERVED)) == []
    # Its worker has died, too.
    assert len(look(30)) == 4


def test_a_service_that_failed_tells_the_addresses_that_it_names_and_reminds_them(
    database: Database, contoso: Contoso
) -> None:
    service = database.read_now(lambda tx: services.every(tx, contoso.organization_id))[0]
    names = {"notify_to": ["duty@contoso.com"], "max_restarts": 0, "enabled": True}
    database.run_now(lambda tx: services.change(tx, service.id, names))
    database.run_now(lambda tx: services.failed(tx, service.id, "Refused.", clock.now()))
    told = tell(database, contoso, "service", service.id, "failed")
    assert {(each.channel, each.event) for each in told} == {
        ("soc", "service_failed"),
        ("duty@contoso.com", "service_failed"),
    }
    clock.replace(lambda: (told[0].created_at + timedelta(hours=2)).timestamp())
    database.run_now(rules.look)
    again = database.read_now(lambda tx: outbox.listed(tx, contoso.organization_id))
    assert sorted((each.channel, each.round) for each in again if each.event == "service_failed") == [
        ("duty@contoso.com", 0),
        ("duty@contoso.com", 1),
        ("soc", 0),
        ("soc", 1),
    ]


def test_a_containment_is_told_with_what_rules_ask_of_it(database: Database, contoso: Contoso) -> None:
    (entry,) = tell(database, contoso, "containment", contoso.containment_id, "contained")
    row = database.read_now(lambda tx: tx.one(sa.select(notices).where(notices.c.id == entry.notice_id)))
    assert row is not None
    assert row["severity"] == "High"


def test_the_kill_switch_is_told_once_while_it_is_on(database: Database, contoso: Contoso) -> None:
    def switch(frozen: bool) -> None:
        scope = policies.Scope(contoso.organization_id)

        def work(tx: Transaction) -> None:
            before = policies.newest(tx, scope)
            policies.write(tx, scope, {"frozen": frozen}, expected_version=before.version, by="megan.bowen")

        database.run_now(work)

    switch(True)
    assert len(tell(database, contoso, "policy", "x", "changed")) == 1
    (entry,) = tell(database, contoso, "policy", "x", "changed")
    assert (entry.event, entry.detail) == ("kill_switch", "Releases go on.")
    switch(False)
    assert len(tell(database, contoso, "policy", "x", "changed")) == 1


def test_people_are_told_that_somebody_guesses_how_one_of_them_signs_in(database: Database, contoso: Contoso) -> None:
    (told,) = tell(database, contoso, "user", contoso.user_id, "locked")
    assert told.event == "sign_in_locked"
    assert "megan.bowen" in told.title
    assert told.path == f"/people/{contoso.user_id}/sign-ins"
    assert not rules.told_of(Change(1, "o", "user", "x", "added", clock.now()))


def test_what_is_gone_means_nothing(database: Database, contoso: Contoso) -> None:
    for noun, kind in (
        ("approval", "open"),
        ("containment", "contained"),
        ("account", "failed"),
        ("service", "failed"),
        ("brake", "tripped"),
        ("user", "locked"),
    ):
        assert tell(database, contoso, noun, "none", kind) == []


def test_most_changes_are_nothing_to_tell() -> None:
    for noun, kind in (
        ("run", "requested"),
        ("alert", "changed"),
        ("containment", "pending"),
        ("approval", "answered"),
    ):
        assert not rules.told_of(Change(1, "o", noun, "x", kind, clock.now()))
