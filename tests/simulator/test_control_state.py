from ringfence.simulator import control_state
from ringfence.simulator.tenant import App, Tenant


def test_a_tenant_is_shown_with_everything_that_a_test_needs(contoso: Tenant, registration: App) -> None:
    shown = control_state.of_tenant(contoso)
    assert (shown["tenant_id"], shown["name"], shown["alerts"], shown["actions"]) == (contoso.id, contoso.name, 0, [])
    assert shown["apps"] == [control_state.of_app(registration)]
    assert shown["apps"][0]["secrets"][0]["value"] == registration.secrets[0].value
    assert [machine["id"] for machine in shown["machines"]] == list(contoso.machines)


def test_a_machine_is_shown_as_it_truly_is(contoso: Tenant) -> None:
    machine = next(iter(contoso.machines.values()))
    machine.isolated = True
    machine.online_since = None
    shown = control_state.of_machine(machine)
    assert (shown["online"], shown["isolated"], shown["name"]) == (False, True, machine.name)
