import json

import pytest
import sqlalchemy as sa

from notification_world import VAULT
from ringfence.audit import log
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.organizations import service as organizations
from ringfence.outbound import accounts
from ringfence.outbound.model import NewHttpAccount
from ringfence.storage import Database
from ringfence.storage.tables import http_accounts

NEW = NewHttpAccount(name="rep", kind="header", address="https://api.contoso.com/v1", secret="s3cret-key")


def test_a_secret_is_sealed_opened_renewed_and_never_shown(database: Database) -> None:
    organization = database.run_now(organizations.ensure_default).id
    made = database.run_now(lambda tx: accounts.add(tx, VAULT, organization, NEW, by="ines"))
    assert (made.address, made.shown) == ("https://api.contoso.com/v1/", {"header": "X-API-Key"})
    assert database.read_now(lambda tx: accounts.opened(tx, VAULT, made)) == "s3cret-key"
    row = database.read_now(lambda tx: tx.one(sa.select(http_accounts)))
    assert "s3cret" not in str(row)
    with pytest.raises(Conflict):
        database.run_now(lambda tx: accounts.add(tx, VAULT, organization, NEW, by="ines"))
    renewed = database.run_now(lambda tx: accounts.renew(tx, VAULT, organization, "rep", "n3w", by="ines"))
    assert renewed.renewed_at >= made.renewed_at
    assert database.read_now(lambda tx: accounts.opened(tx, VAULT, renewed)) == "n3w"
    database.run_now(lambda tx: accounts.remove(tx, organization, made.id, by="ines"))
    with pytest.raises(NotFound):
        database.read_now(lambda tx: accounts.opened(tx, VAULT, made))
    with pytest.raises(NotFound, match="no HTTP account"):
        database.read_now(lambda tx: accounts.by_name(tx, organization, "rep"))
    entries = database.read_now(lambda tx: log.listing(tx, organization, subject="http_account")).entries
    assert [each.event for each in entries] == ["http_account:removed", "http_account:renewed", "http_account:added"]
    assert "cret" not in json.dumps([each.details for each in entries])


@pytest.mark.parametrize("secret", ["", "a\r\nX-Evil: 1", "ü"])
def test_what_cannot_be_sent_is_no_secret(embedded: Database, secret: str) -> None:
    organization = embedded.run_now(organizations.ensure_default).id
    new = NewHttpAccount(name="rep", kind="bearer", address="https://api.contoso.com", secret=secret)
    with pytest.raises(Invalid):
        embedded.run_now(lambda tx: accounts.add(tx, VAULT, organization, new, by="ines"))
