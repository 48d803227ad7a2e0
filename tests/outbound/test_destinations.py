import pytest

from accounts_samples import an_organization
from ringfence.errors import Invalid, NotFound
from ringfence.organizations import service as organizations
from ringfence.outbound import destinations
from ringfence.security.egress import networks
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


def test_a_host_inside_a_private_network_is_allowed_only_where_the_operator_opened_it(embedded: Database) -> None:
    organization = an_organization(embedded)

    def allow(host: str, open_: str) -> None:
        embedded.run_now(lambda tx: destinations.allow(tx, organization, host, "", by="ines", allowed=networks(open_)))

    for host in ("10.1.2.3", "169.254.169.254", "localhost", "2130706433"):
        with pytest.raises(Invalid, match="not a public address"):
            allow(host, "")
    for host in ("10.1.2.3", "api.contoso.com", "93.184.216.34"):
        allow(host, "10.0.0.0/8")
