from ringfence.simulator import Simulator
from ringfence.simulator.record import Record
from ringfence.simulator.specs import AppSpec, MachineSpec, SecretSpec
from ringfence.simulator.tenant import Tenant


def test_the_same_seed_makes_the_same_identities(contoso: Tenant) -> None:
    again = next(iter(Simulator.from_scenario("quiet").tenants.values()))
    other = next(iter(Simulator.from_scenario("quiet", seed=2).tenants.values()))
    assert (again.id, list(again.machines), list(again.apps)) == (
        contoso.id,
        list(contoso.machines),
        list(contoso.apps),
    )
    assert other.id != contoso.id
    assert set(other.machines).isdisjoint(contoso.machines)


def test_a_machine_is_found_by_id_or_exact_name_only(contoso: Tenant) -> None:
    found = contoso.find_machine("WKS-001")
    assert found is not None
    assert contoso.find_machine(found.id) is found
    assert contoso.find_machine("wks-00") is None


def test_of_two_records_with_one_name_the_one_seen_last_is_found(contoso: Tenant) -> None:
    first, second = contoso.find_machine("wks-001"), contoso.add_machine(MachineSpec(name="wks-001"), 2_000_000_000)[0]
    assert first is not None
    assert first.id != second.id
    assert contoso.find_machine("wks-001") is second


def test_a_machine_follows_its_new_name(contoso: Tenant) -> None:
    machine = contoso.find_machine("wks-001")
    assert machine is not None
    contoso.rename_machine(machine, "wks-777")
    assert contoso.find_machine("wks-001") is None
    assert contoso.find_machine("wks-777") is machine


def test_lists_stay_ordered_by_id(contoso: Tenant) -> None:
    contoso.add_machine(MachineSpec(name="more-", count=30), 0.0)
    keys = [record.key for record in contoso.machine_order]
    assert keys == sorted(keys)
    assert len(keys) == len(contoso.machines)


def test_a_machine_that_is_online_reports_now_and_then(contoso: Tenant) -> None:
    online, offline = contoso.find_machine("wks-001"), contoso.find_machine("lap-001")
    assert online is not None
    assert offline is not None
    before = online.record.ticks["lastSeen"], offline.record.ticks["lastSeen"]
    contoso.refresh_machines((before[0] / 1e7) + 7_300, 3_600)
    assert online.record.ticks["lastSeen"] == before[0] + 7_200 * 10_000_000
    assert offline.record.ticks["lastSeen"] == before[1]


def test_an_app_gets_secrets_of_its_own(contoso: Tenant) -> None:
    app = contoso.add_app(AppSpec(name="Second", secrets=[SecretSpec(), SecretSpec(value="known")]), 100.0)
    assert app.secrets[0].value != app.secrets[1].value == "known"
    assert app.secrets[0].expires_at == 100.0 + 15_552_000


def test_a_tenant_comes_back_from_what_was_saved(contoso: Tenant) -> None:
    contoso.tally.isolated.add("a")
    again = Tenant.load(contoso.dump())
    assert again.dump() == contoso.dump()
    assert again.tally.isolated == {"a"}
    assert not again.dirty


def test_an_alert_counts_as_delivered_once(contoso: Tenant) -> None:
    contoso.deliver(["a", "b"])
    contoso.dirty.clear()
    contoso.deliver(["b", "c"])
    assert contoso.dirty == {("delivered", "c")}


def test_an_alert_that_is_withheld_is_known_but_not_listed(contoso: Tenant) -> None:
    record = Record("da1_1", {"id": "da1_1"}, {"alertCreationTime": 0, "lastUpdateTime": 0, "lastEventTime": 0})
    contoso.withhold(record, 5.0)
    assert contoso.find_alert("da1_1") is record
    assert contoso.alerts == {}
    contoso.keep_alert(record)
    assert contoso.withheld == {}
    assert contoso.find_alert("da1_1") is record
    assert contoso.find_alert("da1_2") is None


def test_a_duplicate_machine_is_another_record_of_the_same_name(contoso: Tenant) -> None:
    machine = contoso.find_machine("wks-001")
    assert machine is not None
    twin = contoso.duplicate_machine(machine, 2_000_000_000.0)
    assert twin.id != machine.id
    assert contoso.find_machine("wks-001") is twin
    assert machine.record.document["isPotentialDuplication"] is True
