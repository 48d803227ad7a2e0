from datetime import timedelta

import pytest
import sqlalchemy as sa

from accounts_samples import VAULT, an_organization
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.listeners import webhooks
from ringfence.listeners.webhooks import MOST_SECRETS, Webhook
from ringfence.security.crypto import Unopenable
from ringfence.storage import Database
from ringfence.storage.tables import audit_entries, webhook_secrets
from ringfence.triggers.webhook import key_of
from run_world import Time


def add(database: Database, organization: str, name: str = "siem") -> tuple[Webhook, str]:
    return database.run_now(lambda tx: webhooks.add(tx, VAULT, organization, name, "ada"))


def keys(database: Database, webhook: Webhook) -> list[bytes]:
    return database.read_now(lambda tx: webhooks.keys(tx, VAULT, webhook))


def test_a_secret_is_told_once_and_sealed(database: Database) -> None:
    organization = an_organization(database)
    made, secret = add(database, organization)
    assert made.path == f"/hooks/{made.id}"
    assert (made.secrets, made.last_received_at, made.created_by) == (1, None, "ada")
    assert len(key_of(secret)) == 32
    assert keys(database, made) == [key_of(secret)]
    stored = database.read_now(lambda tx: tx.all(sa.select(webhook_secrets)))
    assert secret not in str(stored)
    assert secret.removeprefix("whsec_") not in str(stored)


def test_a_sealed_secret_is_useless_in_another_webhook(embedded: Database) -> None:
    organization = an_organization(embedded)
    first, second = add(embedded, organization)[0], add(embedded, organization, "mail")[0]
    rows = embedded.read_now(lambda tx: tx.all(sa.select(webhook_secrets).order_by(webhook_secrets.c.id)))
    swap = sa.update(webhook_secrets).where(webhook_secrets.c.webhook_id == second.id)
    embedded.run_now(lambda tx: tx.execute(swap.values(sealed=rows[0]["sealed"])))
    assert len(keys(embedded, first)) == 1
    with pytest.raises(Unopenable):
        keys(embedded, second)


def test_names_are_unique_in_an_organization_and_can_be_seen(database: Database) -> None:
    contoso, fabrikam = an_organization(database), an_organization(database, "Fabrikam")
    made, _ = add(database, contoso)
    add(database, fabrikam)
    with pytest.raises(Conflict, match="already is a webhook named 'siem'"):
        add(database, contoso)
    for name in ("", "  ", "a\nb", "x" * 101):
        with pytest.raises(Invalid):
            add(database, contoso, name)
    assert [each.id for each in database.read_now(lambda tx: webhooks.every(tx, contoso))] == [made.id]
    assert database.read_now(lambda tx: webhooks.by_id(tx, made.id)) == made
    assert database.read_now(lambda tx: webhooks.by_id(tx, "\x00")) is None


def test_who_asks_for_an_unknown_webhook_is_told_those_that_there_are(embedded: Database) -> None:
    organization = an_organization(embedded)
    with pytest.raises(NotFound, match="ringfence webhook add"):
        embedded.read_now(lambda tx: webhooks.by_name(tx, organization, "siem"))
    add(embedded, organization)
    with pytest.raises(NotFound, match="Did you mean 'siem'"):
        embedded.read_now(lambda tx: webhooks.by_name(tx, organization, "siam"))


def test_old_secrets_stay_valid_for_as_long_as_was_asked(database: Database) -> None:
    organization, time = an_organization(database), Time().start()
    made, first = add(database, organization)

    def rotate(keep: timedelta) -> str:
        _, secret, until = database.run_now(lambda tx: webhooks.rotate(tx, VAULT, organization, "siem", keep=keep))
        assert until == time.now + keep
        return secret

    second = rotate(timedelta(hours=24))
    assert set(keys(database, made)) == {key_of(first), key_of(second)}
    time.pass_by(23 * 3600)
    third = rotate(timedelta(hours=24))
    assert len(keys(database, made)) == 3
    time.pass_by(3600)
    assert set(keys(database, made)) == {key_of(second), key_of(third)}
    fourth = rotate(timedelta(0))
    assert keys(database, made) == [key_of(fourth)]
    with pytest.raises(Invalid):
        rotate(timedelta(seconds=-1))


def test_there_is_a_limit_to_how_many_secrets_are_valid_at_once(embedded: Database) -> None:
    organization = an_organization(embedded)
    made, _ = add(embedded, organization)
    day = timedelta(days=1)
    for _ in range(MOST_SECRETS - 1):
        embedded.run_now(lambda tx: webhooks.rotate(tx, VAULT, organization, "siem", keep=day))
    with pytest.raises(Conflict, match="still valid"):
        embedded.run_now(lambda tx: webhooks.rotate(tx, VAULT, organization, "siem", keep=day))
    assert len(keys(embedded, made)) == MOST_SECRETS
    embedded.run_now(lambda tx: webhooks.rotate(tx, VAULT, organization, "siem", keep=timedelta(0)))
    assert len(keys(embedded, made)) == 1


def test_a_webhook_is_switched_off_and_on_and_each_is_written_down_once(database: Database) -> None:
    organization = an_organization(database)
    made, _ = add(database, organization)
    found = [
        database.run_now(lambda tx: webhooks.switch(tx, organization, "siem", enabled=on)).enabled  # noqa: B023
        for on in (True, False, False, True)
    ]
    assert (made.enabled, found) == (True, [True, False, False, True])
    written = sa.select(audit_entries.c.event).where(audit_entries.c.subject_id == made.id)
    events = [row["event"] for row in database.read_now(lambda tx: tx.all(written.order_by(audit_entries.c.number)))]
    assert events == ["webhook:created", "webhook:disabled", "webhook:enabled"]


def test_a_removed_webhook_leaves_no_secret_behind(database: Database) -> None:
    organization = an_organization(database)
    add(database, organization)
    database.run_now(lambda tx: webhooks.remove(tx, organization, "siem"))
    assert database.read_now(lambda tx: tx.all(sa.select(webhook_secrets))) == []
    assert database.read_now(lambda tx: webhooks.every(tx, organization)) == []
