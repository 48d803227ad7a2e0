from datetime import timedelta

import pytest

from accounts_samples import a_stored_account
from listening_world import a_version
from ringfence import clock
from ringfence.alerts.transitions import Change
from ringfence.organizations import service as organizations
from ringfence.rehearsals.past import Past
from ringfence.storage import Database, Transaction


@pytest.fixture
def organization(embedded: Database) -> str:
    return embedded.run_now(lambda tx: organizations.create(tx, "contoso")).id


def test_versions_come_in_their_order_with_their_documents(embedded: Database, organization: str) -> None:
    account = a_stored_account(embedded, organization, name="one")
    other = embedded.run_now(lambda tx: organizations.create(tx, "fabrikam")).id
    a_version(embedded, other, a_stored_account(embedded, other, name="theirs").id, "da9")
    for name, title in (("da1", "First"), ("da2", "Second"), ("da1", "Third")):
        a_version(embedded, organization, account.id, name, title=title)

    def look(tx: Transaction) -> None:
        past = Past(tx, organization)
        found = past.versions(clock.now() - timedelta(days=1))
        assert [(each.name, each.version) for each in found] == [("da1", 1), ("da2", 1), ("da1", 2)]
        assert [each.changes for each in found] == [(Change.CREATED,), (Change.CREATED,), (Change.UPDATED,)]
        assert [each.named is None for each in found] == [True, False, False]
        assert [document.form["title"] for _, document in past.documents(found)] == ["First", "Second", "Third"]
        assert past.services(found[0]) == ("one",)
        assert past.versions(clock.now() + timedelta(days=1)) == []
        assert past.policy(None).max_per_hour == 10
        assert (past.hosts(), past.fleet, past.promoted(found[0].alert_id)) == ({}, None, False)

    embedded.read_now(look)
