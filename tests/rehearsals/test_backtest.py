from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from accounts_samples import a_stored_account
from listening_world import a_version
from rehearsing import CATALOGUE, CONTAIN
from ringfence import clock
from ringfence.containment import service
from ringfence.errors import Invalid
from ringfence.organizations import service as organizations
from ringfence.organizations.model import Organization
from ringfence.playbooks import library
from ringfence.rehearsals.backtest import Backtest, backtest
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import containments, runs

EVERY = CONTAIN.replace(", where: \"contains(alert.title, 'ransom')\"", "")


@pytest.fixture
def contoso(embedded: Database) -> Organization:
    return embedded.run_now(lambda tx: organizations.create(tx, "contoso"))


@pytest.fixture
def account(embedded: Database, contoso: Organization) -> str:
    return a_stored_account(embedded, contoso.id, name="one").id


def _test(database: Database, organization: Organization, text: str = EVERY, days: int = 30) -> Backtest:
    return database.read_now(lambda tx: backtest(tx, organization, text, CATALOGUE, days=days))


def _alerts(database: Database, contoso: Organization, account: str, *alerts: dict[str, Any]) -> None:
    for number, values in enumerate(alerts):
        a_version(database, contoso.id, account, f"da{number}", **values)


def test_it_says_what_would_have_started_and_in_the_ledgers_words_why_the_rest_would_not(
    embedded: Database, contoso: Organization, account: str
) -> None:
    _alerts(
        embedded,
        contoso,
        account,
        {"title": "ransomware seen", "machine_id": "a" * 40},
        {"title": "ransomware seen", "severity": "Low"},
        {"title": "phishing"},
    )
    a_version(embedded, contoso.id, account, "da2", title="phishing again")
    a_version(embedded, contoso.id, account, "da0", title="ransomware, ours", standing="own")
    found = _test(embedded, contoso, CONTAIN)
    assert (found.alerts, found.versions, found.started) == (3, 5, 1)
    assert [each.name for each in found.starts] == ["da0"]
    why = {each.condition or each.verdict: each.reason for each in found.not_started}
    assert why == {
        "severity": "The severity is Low, not High.",
        "where": "The condition `where` is not true for this alert.",
        "changes": "The alert was updated, not created.",
        "own_change": "It holds nothing but what Ringfence itself wrote.",
    }


def test_alerts_of_one_machine_join_one_run_within_the_window(
    embedded: Database, contoso: Organization, account: str
) -> None:
    _alerts(embedded, contoso, account, {}, {}, {"machine_id": "b" * 40})
    text = EVERY.replace("type: defender.alert,", "type: defender.alert, run_per: machine,")
    found = _test(embedded, contoso, text)
    assert (found.started, found.joined) == (2, 1)
    assert [each.joined for each in reversed(found.starts)] == [1, 0]


def test_hosts_come_with_policys_verdict_and_brakes_with_when_they_would_have_tripped(
    embedded: Database, contoso: Organization, account: str
) -> None:
    _alerts(embedded, contoso, account, *({"machine_id": f"{number:040x}"} for number in range(12)))
    found = _test(embedded, contoso)
    assert (found.contained, found.denied, len(found.hosts)) == (10, 2, 12)
    assert found.hosts[0].conditions == ("risky is yes", "ask is approved")
    assert found.hosts[0].assumed
    (brake,) = found.brakes
    assert (brake.limit, brake.refused, brake.until) == ("hour", 2, None)
    assert any("ordinary, onboarded workstations" in note for note in found.notes)


def test_what_policy_saw_of_a_host_counts_again(embedded: Database, contoso: Organization, account: str) -> None:
    facts = {"tags": ["Domain Controller"], "os_platform": "WindowsServer2022"}

    def once(tx: Transaction) -> None:
        made = service.request(
            tx,
            organization_id=contoso.id,
            account_id=account,
            target="a" * 40,
            reason="x",
            requested_by="adele",
            key="x",
            deadline=60.0,
        )
        values = {"machine_id": "a" * 40, "verdict": {"facts": facts}}
        tx.execute(sa.update(containments).where(containments.c.id == made.id).values(values))

    embedded.run_now(once)
    _alerts(embedded, contoso, account, {"machine_id": "a" * 40})
    (host,) = _test(embedded, contoso).hosts
    assert (host.outcome, host.assumed) == ("denied", False)
    assert "Domain Controller" in host.reasons[0]


def test_no_call_leaves(
    embedded: Database, contoso: Organization, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _alerts(embedded, contoso, account, {})

    async def refuse(*_: object) -> httpx.Response:
        raise AssertionError("A request was made.")

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", refuse)
    assert _test(embedded, contoso).started == 1


def test_only_the_last_days_count_and_only_alerts_can_be_gone_over(embedded: Database, contoso: Organization) -> None:
    for days in (0, 367):
        with pytest.raises(Invalid):
            _test(embedded, contoso, days=days)
    steps = "steps:\n  a: {action: logic.set, with: {values: {}}}\n"
    timer = f"ringfence: 1\nname: A\ntrigger: {{type: timer, every: 15 min}}\n{steps}"
    with pytest.raises(Invalid, match="started by timer"):
        _test(embedded, contoso, timer)


def test_a_playbook_that_contains_nothing_says_so(embedded: Database, contoso: Organization, account: str) -> None:
    _alerts(embedded, contoso, account, {})
    text = EVERY[: EVERY.index("  isolate:")]
    found = _test(embedded, contoso, text)
    assert (found.started, found.hosts) == (1, ())
    assert "The playbook contains no host." in found.notes


def test_limits_of_the_playbook_hold_runs_back_as_long_as_its_runs_mostly_took(
    embedded: Database, contoso: Organization, account: str
) -> None:
    _alerts(embedded, contoso, account, *({"machine_id": f"{number:040x}"} for number in range(4)))
    text = EVERY.replace("trigger:", "limits: {concurrent: 1, excess: drop}\ntrigger:")
    found = _test(embedded, contoso, text)
    assert (found.contained, found.notes[-1]) == (
        4,
        "No run of the playbook has ended yet: how many its limits would have held back is not known.",
    )

    def ended(tx: Transaction) -> None:
        made = library.put_version(tx, contoso.id, "Contain ransomware", text, "ada", library.Release()).playbook
        now = clock.now()
        values: dict[str, Any] = {
            "playbook_id": made.id,
            "playbook_version_id": made.version_id,
            "organization_id": contoso.id,
        }
        values |= {"id": clock.new_id(), "cause_key": "one", "trigger": {}, "status": "succeeded", "requested_at": now}
        tx.execute(sa.insert(runs).values(values | {"started_at": now - timedelta(minutes=5), "finished_at": now}))

    embedded.run_now(ended)
    found = _test(embedded, contoso, text)
    assert (found.started, found.contained) == (4, 1)
    assert found.notes[-1] == (
        "The limits of the playbook would have dropped 3 runs. "
        "Each run counts as taking 5 min, as runs of the playbook mostly did."
    )
