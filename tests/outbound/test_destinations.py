import pytest

from ringfence.errors import NotFound
from ringfence.organizations import service as organizations
from ringfence.outbound import destinations
from ringfence.storage import Database


def test_hosts_are_allowed_once_listed_and_withdrawn(database: Database) -> None:
    organization = database.run_now(organizations.ensure_default).id
    first = database.run_now(lambda tx: destinations.allow(tx, organization, "API.contoso.com", "x", by="ines"))
    again = database.run_now(lambda tx: destinations.allow(tx, organization, "api.contoso.com", "y", by="bob"))
    assert again == first
    database.run_now(lambda tx: destinations.allow(tx, organization, "*.fabrikam.com", "", by="ines"))
    assert [each.host for each in database.read_now(lambda tx: destinations.every(tx, organization))] == [
        "*.fabrikam.com",
        "api.contoso.com",
    ]
    database.run_now(lambda tx: destinations.withdraw(tx, organization, "Api.contoso.com", by="ines"))
    assert database.read_now(lambda tx: destinations.patterns(tx, organization)) == {"*.fabrikam.com"}
    with pytest.raises(NotFound):
        database.run_now(lambda tx: destinations.withdraw(tx, organization, first.id, by="ines"))
