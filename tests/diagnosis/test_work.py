from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

import sealed_samples
from ringfence import clock
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.diagnosis import work
from ringfence.diagnosis.model import Finding, Level
from ringfence.notifications import channels as channel_records
from ringfence.notifications.channels import NewChannel
from ringfence.notifications.sending import Mail, Security
from ringfence.security.crypto import KEY_FILE, Vault
from ringfence.security.masters import generate
from ringfence.security.sealed import SEALED
from ringfence.settings import Settings
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import (
    accounts,
    audit_entries,
    channels,
    outbox,
    second_factors,
    trigger_services,
    users,
    workers,
)


@pytest.fixture
def own(database: Database) -> str:
    return database.run_now(lambda tx: sealed_samples.organization(tx, "contoso"))


def levels(findings: object) -> list[Level]:
    assert isinstance(findings, list)
    found: list[Finding] = findings
    assert all(each.advice for each in found if each.level is not Level.OK)
    return [each.level for each in found]


def seen(database: Database, check: str, *more: object) -> list[Level]:
    return levels(database.read_now(lambda tx: list(getattr(work, check)(tx, *more))))


def test_a_worker_has_to_live(database: Database) -> None:
    settings = Settings(data=Path("unused"))
    assert seen(database, "working", settings) == [Level.FAILURE]
    database.run_now(lambda tx: sealed_samples.filled(tx, workers))
    assert seen(database, "working", settings) == [Level.OK]
    long_ago = clock.now() - timedelta(minutes=5)
    database.run_now(lambda tx: tx.execute(sa.update(workers).values(heartbeat_at=long_ago)))
    assert seen(database, "working", settings) == [Level.FAILURE]


def test_what_waits_for_long_is_told_of(database: Database, own: str) -> None:
    def wait(tx: Transaction) -> None:
        account = sealed_samples.filled(tx, accounts, organization_id=own)
        late = {"next_poll_at": clock.now() - timedelta(hours=1), "state": "running"}
        sealed_samples.filled(tx, trigger_services, organization_id=own, account_id=account, **late)

    assert seen(database, "queues") == [Level.OK]
    database.run_now(wait)
    assert seen(database, "queues") == [Level.WARNING]
    database.run_now(lambda tx: tx.execute(sa.update(trigger_services).values(enabled=False)))
    assert seen(database, "queues") == [Level.OK]
    assert outbox.c.due_at is not None


def test_accounts_that_fail_or_expire_are_told_of(database: Database, own: str) -> None:
    def account(state: str, days: int | None) -> None:
        expires = None if days is None else clock.now().date() + timedelta(days=days)
        row = {"organization_id": own, "state": state, "secret_expires_on": expires}
        database.run_now(lambda tx: tx.execute(sa.delete(accounts)))
        database.run_now(lambda tx: sealed_samples.filled(tx, accounts, **row, roles=[]))

    assert seen(database, "accounts") == [Level.WARNING]
    for state, days, expected in (
        ("healthy", None, [Level.OK]),
        ("healthy", 400, [Level.OK]),
        ("healthy", 5, [Level.OK, Level.WARNING]),
        ("healthy", -1, [Level.OK, Level.FAILURE]),
        ("degraded", None, [Level.WARNING]),
        ("failed", None, [Level.FAILURE]),
        ("disabled", -1, [Level.WARNING]),
    ):
        account(state, days)
        assert seen(database, "accounts") == expected


def test_somebody_has_to_be_told_of_what_happens(database: Database, own: str) -> None:
    assert seen(database, "notifications") == [Level.WARNING]
    database.run_now(lambda tx: sealed_samples.filled(tx, channels, organization_id=own))
    assert seen(database, "notifications") == [Level.OK]
    database.run_now(lambda tx: tx.execute(sa.update(channels).values(failures=3, error="refused")))
    assert seen(database, "notifications") == [Level.WARNING]


def test_channels_that_send_without_tls_are_told_of(embedded: Database, tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    own = embedded.run_now(lambda tx: sealed_samples.organization(tx, "contoso"))

    def add(name: str, security: Security) -> list[Level]:
        mail = Mail("smtp.contoso.com", 25, security, "ringfence@contoso.com", ("soc@contoso.com",))
        embedded.run_now(lambda tx: channel_records.add(tx, vault, own, NewChannel(name, mail), by="megan"))
        return seen(embedded, "unprotected", vault)

    assert add("soc", Security.STARTTLS) == []
    assert add("relay", Security.NONE) == [Level.WARNING]


def test_secrets_have_to_open_and_rotations_to_end(database: Database, own: str, tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    vault = Vault(folder, database)
    assert seen(database, "keys", vault) == [Level.OK]
    database.run_now(lambda tx: sealed_samples.put(tx, Vault(folder), own, SEALED[2], "text"))
    assert seen(database, "keys", vault) == [Level.OK, Level.WARNING]
    (folder / KEY_FILE).write_text(generate())
    assert seen(database, "keys", Vault(folder, database))[0] is Level.FAILURE


def test_a_record_that_was_tampered_with_is_told_of(database: Database, own: str, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    database.run_now(lambda tx: log.write(tx, Event.USER_CREATED, own, "megan"))
    assert seen(database, "audit", settings) == [Level.OK]
    database.run_now(lambda tx: tx.execute(sa.update(audit_entries).values(actor="nobody")))
    assert seen(database, "audit", settings) == [Level.FAILURE]
    settings.audit_heads_file.write_text("nothing\n")
    assert seen(database, "audit", settings) == [Level.FAILURE]


def test_a_demand_below_the_default_is_told_of_with_whom_it_leaves_out(database: Database, own: str) -> None:
    assert seen(database, "sign_in", Settings(data=Path("unused"))) == [Level.OK]
    weaker = [Settings(data=Path("unused"), second_factor=each) for each in ("nobody", "administrators", "responders")]
    assert [seen(database, "sign_in", each) for each in weaker] == [[Level.WARNING]] * 3

    def sentence() -> str:
        return database.read_now(lambda tx: next(iter(work.sign_in(tx, weaker[0])))).said

    root = {"system_administrator": True, "password_hash": "argon2"}
    user = database.run_now(lambda tx: sealed_samples.filled(tx, users, organization_id=own, **root))
    assert "with a password and no app: 1." in sentence()
    app = {"user_id": user, "confirmed_at": clock.now()}
    database.run_now(lambda tx: sealed_samples.filled(tx, second_factors, **app))
    assert "no app" not in sentence()
