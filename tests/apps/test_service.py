from dataclasses import replace

import pytest

from contoso import Contoso, seed
from ringfence.actions.catalogue import discover
from ringfence.apps import service
from ringfence.apps.model import App, Placed
from ringfence.apps.shelf import TRIGGER_SERVICES, shelf
from ringfence.audit import log
from ringfence.errors import Conflict, Invalid, NotFound, Outdated
from ringfence.organizations import service as organizations
from ringfence.playbooks.library import examine
from ringfence.storage import Database, Transaction

SHELF = shelf(discover())
FOREIGN = replace(SHELF[0], id="foreign", title="Foreign", ours=False)
BROKEN = replace(FOREIGN, id="broken:x", problem="It cannot be loaded.")
ALL = [*SHELF, FOREIGN, BROKEN]


@pytest.fixture
def contoso(embedded: Database) -> Contoso:
    return embedded.run_now(seed)


def _install(database: Database, app_id: str, names: list[str] | None = None) -> Placed:
    return database.run_now(lambda tx: service.install(tx, ALL, app_id, names=names, by="megan"))


def test_an_app_is_installed_for_all_or_for_those_named_and_each_organization_is_told(
    embedded: Database, contoso: Contoso
) -> None:
    other = embedded.run_now(lambda tx: organizations.create(tx, "fabrikam"))
    assert not embedded.read_now(lambda tx: service.get(tx, ALL, "foreign")).installed
    one = _install(embedded, "foreign", ["fabrikam"])
    assert (one.organizations, one.everybody) == ((other.id,), False)
    mine = embedded.read_now(lambda tx: service.listing(tx, ALL, contoso.organization_id))
    assert "foreign" not in [each.app.id for each in mine]
    assert _install(embedded, "foreign").everybody
    with pytest.raises(Outdated, match="changed it"):
        embedded.run_now(
            lambda tx: service.install(tx, ALL, "foreign", names=["contoso"], by="ines", seen=service.edition(one))
        )
    for organization_id in (other.id, contoso.organization_id):
        told = embedded.read_now(lambda tx: log.listing(tx, organization_id, event="app")).entries  # noqa: B023
        assert [each.event for each in told] == ["app:changed", "app:installed"]


def test_what_cannot_be_meant_is_refused(embedded: Database, contoso: Contoso) -> None:
    with pytest.raises(NotFound, match="no organization"):
        _install(embedded, "foreign", ["nobody"])
    with pytest.raises(Invalid, match="Nobody would get"):
        _install(embedded, "foreign", [])
    with pytest.raises(Conflict, match="cannot be loaded"):
        _install(embedded, "broken:x")
    with pytest.raises(Conflict, match="not installed"):
        embedded.run_now(lambda tx: service.uninstall(tx, ALL, "broken:x", by="megan"))
    with pytest.raises(NotFound) as problem:
        _install(embedded, "defendr")
    assert "'defender'" in problem.value.advice
    with pytest.raises(Conflict, match="not installed for this organization"):
        embedded.read_now(lambda tx: service.demand(tx, ALL, "foreign", contoso.organization_id))


def test_what_uses_an_uninstalled_app_is_named_and_does_not_publish_but_stays_as_it_is(
    embedded: Database, contoso: Contoso
) -> None:
    used = embedded.run_now(lambda tx: service.uninstall(tx, ALL, "containment", by="megan"))
    assert [each.playbook_id for each in used] == [contoso.playbook_id]

    def problems(tx: Transaction) -> list[tuple[str, str]]:
        source = str(tx.connection.exec_driver_sql("SELECT source FROM playbook_versions LIMIT 1").scalar())
        found = examine(tx, contoso.organization_id, source, "megan", catalogue=discover())
        return [(each.code, each.message) for each in found[1] if each.code == "app-not-installed"]

    ((code, message),) = embedded.read_now(problems)[:1]
    assert (code, "'containment'" in message) == ("app-not-installed", True)
    _install(embedded, "containment", [contoso.organization_id])
    assert embedded.read_now(problems) == []


def test_a_trigger_service_is_used_by_playbooks_that_name_a_service_of_it(embedded: Database, contoso: Contoso) -> None:
    found = {
        app.id: embedded.read_now(lambda tx: service.uses(tx, app, contoso.organization_id))  # noqa: B023
        for app in TRIGGER_SERVICES
    }
    assert {app_id: len(uses) for app_id, uses in found.items()} == {"defender_service": 0, "graph_service": 0}


def test_an_upgrade_is_known_by_the_version_that_was_there_and_is_over_when_it_was_looked_at(
    embedded: Database, contoso: Contoso
) -> None:
    embedded.run_now(lambda tx: service.remember(tx, ALL))
    embedded.run_now(lambda tx: service.remember(tx, ALL))
    assert not embedded.read_now(lambda tx: service.get(tx, ALL, "foreign")).installed
    newer: list[App] = [replace(each, version="9.0.0") if each.id == "defender" else each for each in ALL]
    assert embedded.read_now(lambda tx: service.get(tx, newer, "defender")).upgraded
    accepted = embedded.run_now(lambda tx: service.accept(tx, newer, "defender", by="megan"))
    assert (accepted.upgraded, accepted.everybody) == (False, True)
    told = embedded.read_now(lambda tx: log.listing(tx, contoso.organization_id, event="app:upgraded")).entries
    assert told[0].facts["before"] == SHELF[[each.id for each in SHELF].index("defender")].version
