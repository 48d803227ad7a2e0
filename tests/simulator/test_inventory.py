from ringfence.simulator import inventory
from ringfence.simulator.specs import TenantSettings
from ringfence.simulator.tenant import Tenant


def test_what_a_machine_has_follows_from_its_platform_and_the_seed(contoso: Tenant) -> None:
    server, client = contoso.find_machine("srv1"), contoso.find_machine("wks-001")
    assert server is not None
    assert client is not None
    names = {product.name for product in inventory.installed(contoso, server)}
    assert "database_server" in names
    assert "office_suite" not in names
    assert inventory.installed(contoso, client) == inventory.installed(contoso, client)
    assert set(inventory.installed(contoso, client).values()) <= {0, 1, 2, 3}


def test_a_vulnerability_is_on_the_machines_that_are_far_enough_behind(contoso: Tenant) -> None:
    records = {record.key: record for record in inventory.vulnerabilities(contoso)}
    for machine in contoso.machines.values():
        for record in inventory.of_machine(contoso, machine):
            exposed = inventory.exposed_to(contoso, record.key)
            assert exposed is not None
            assert machine in exposed
            assert records[record.key].document["exposedMachines"] == len(exposed)
    assert inventory.exposed_to(contoso, "CVE-1") is None
    assert inventory.exposed_to(contoso, "cve-2024-900399") == []


def test_there_are_as_many_vulnerabilities_as_the_tenant_says_also_few(contoso: Tenant) -> None:
    contoso.settings.known_vulnerabilities = 3
    assert len(inventory.vulnerabilities(contoso)) == 3
    for machine in contoso.machines.values():
        assert len(inventory.of_machine(contoso, machine)) <= 3


def test_updates_close_what_is_missing(contoso: Tenant) -> None:
    counts = [len(inventory.missing_updates(contoso, machine)) for machine in contoso.machines.values()]
    assert any(counts)
    assert max(counts) <= 3


def test_an_empty_tenant_has_scores_too() -> None:
    tenant = Tenant("contoso", "id", [], TenantSettings(), 1)
    assert inventory.exposure_score(tenant) == 0
    assert inventory.secure_score(tenant) == 0
