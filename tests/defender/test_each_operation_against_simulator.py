"""Every operation of the client against the pretend Microsoft, noun by noun; the last test proves that none is missing."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ringfence import clock
from ringfence.defender import (
    CLOUDS,
    OPERATIONS,
    ActionStatus,
    Api,
    CallBudget,
    ClientCertificate,
    ClientSecret,
    Cloud,
    Command,
    Credential,
    DefenderClient,
    GetFile,
    MemoryStore,
    NewIndicator,
    Priority,
    PutFile,
    RetryPolicy,
    RunScript,
    errors,
    odata,
)
from ringfence.simulator import Simulator, create_app, portal, telemetry, timestamps
from ringfence.simulator.specs import AlertSpec
from ringfence.simulator.tenant import App, Tenant

SHA1 = "a" * 40
LOCAL = Cloud.simulator("http://127.0.0.1:8900")
EVIDENCE = [
    {"entityType": "File", "fileName": "x.exe", "sha1": SHA1},
    {"entityType": "Ip", "ipAddress": "198.51.100.7"},
    {"entityType": "Url", "url": "https://evil.contoso.com/x"},
]


@dataclass
class World:
    """A simulated tenant, and clients of it."""

    simulator: Simulator

    @property
    def tenant(self) -> Tenant:
        return next(iter(self.simulator.tenants.values()))

    @property
    def app(self) -> App:
        return next(iter(self.tenant.apps.values()))

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.simulator.clock.now(), UTC)

    def machine(self, name: str) -> str:
        return next(machine.id for machine in self.tenant.machines.values() if machine.name == name)

    def pass_time(self, seconds: float) -> None:
        self.simulator.clock.advance(seconds)

    async def sleep(self, seconds: float) -> None:
        self.pass_time(seconds)

    def client(
        self, cloud: Cloud = LOCAL, credential: Credential | None = None, budget: CallBudget | None = None
    ) -> DefenderClient:
        return DefenderClient(
            cloud,
            self.tenant.id,
            credential or ClientSecret(self.app.client_id, self.app.secrets[0].value),
            transport=httpx.ASGITransport(create_app(self.simulator)),
            retry=RetryPolicy(attempts=2, sleep=self.sleep, chance=lambda: 0.0),
            budget=budget,
        )

    def raise_alert(self) -> str:
        fields = {"machine": "wks-001", "severity": "High", "title": "Strange", "user": "asmith", "evidence": EVIDENCE}
        alert_id = portal.raise_alert(self.tenant, AlertSpec.model_validate(fields), self.simulator.clock.now())
        self.pass_time(60)
        return alert_id


@pytest.fixture
def world() -> World:
    made = World(Simulator.from_scenario("quiet", frozen=True))
    clock.replace(made.simulator.clock.now)
    return made


@pytest.fixture
async def defender(world: World) -> AsyncIterator[DefenderClient]:
    async with world.client() as client:
        yield client


async def test_alerts(world: World, defender: DefenderClient) -> None:
    alert_id = world.raise_alert()
    assert [each.id async for each in defender.list_alerts(filter=odata.eq("severity", "High"))] == [alert_id]
    await defender.batch_update_alerts([alert_id], status="InProgress", comment="Looking")
    assert (await defender.get_alert(alert_id)).comments[0].comment == "Looking"
    assert (await defender.update_alert(alert_id, assigned_to="a@contoso.com")).status == "InProgress"
    assert [each.host for each in await defender.list_alert_domains(alert_id)] == ["evil.contoso.com"]
    assert [each.sha1 for each in await defender.list_alert_files(alert_id)] == [SHA1]
    assert [each.id for each in await defender.list_alert_ips(alert_id)] == ["198.51.100.7"]
    assert (await defender.get_alert_machine(alert_id)).id == world.machine("wks-001")
    assert (await defender.get_alert_user(alert_id)).account_name == "asmith"


async def test_an_alert_is_raised_from_an_event(world: World, defender: DefenderClient) -> None:
    world.raise_alert()
    event = next(telemetry.events(world.tenant))
    made = await defender.create_alert_by_reference(
        machine_id=event.machine_id,
        report_id=str(event.report_id),
        event_time=timestamps.write(event.ticks),
        severity="Low",
        title="Mine",
        description="d",
        recommended_action="r",
        category="Malware",
    )
    assert made.title == "Mine"
    with pytest.raises(errors.NotFound):
        await defender.create_alert_by_reference(
            machine_id=event.machine_id,
            report_id="0",
            event_time=world.now,
            severity="Low",
            title="Mine",
            description="d",
            recommended_action="r",
            category="Malware",
        )


async def test_machines(world: World, defender: DefenderClient) -> None:
    machine_id, other_id = world.machine("wks-001"), world.machine("wks-002")
    world.raise_alert()
    assert len([each async for each in defender.list_machines(top=2)]) == len(world.tenant.machines)
    assert (await defender.get_machine("wks-001")).id == machine_id
    assert [each.account_name for each in await defender.get_machine_logon_users(machine_id)] == ["asmith"]
    assert len(await defender.get_machine_alerts(machine_id)) == 1
    assert await defender.count_machine_alerts(machine_id) == 1
    assert await defender.count_machine_alerts(machine_id, filter="status eq 'Resolved'") == 0
    for found in (
        await defender.find_machines_by_ip("10.20.0.11", world.now),
        await defender.find_machine_info_by_ip_legacy("10.20.0.11", world.now),
    ):
        assert [each.id for each in found] == [machine_id]
    assert "vip" in (await defender.add_or_remove_machine_tag(machine_id, "vip")).machine_tags
    tagged = await defender.add_or_remove_tag_multiple_machines([machine_id, other_id], "vip & co")
    assert {each.id for each in tagged} == {machine_id, other_id}
    assert {each.id for each in await defender.find_machines_by_tag("vip & co")} == {machine_id, other_id}
    assert len(await defender.find_machines_by_tag("vip &", starts_with=True)) == 2
    await defender.add_or_remove_machine_tag(machine_id, "vip", action="Remove")
    assert await defender.find_machines_by_tag("vip") == []
    assert (await defender.set_device_value(machine_id, "High")).device_value == "High"
    assert (await defender.update_machine(machine_id, device_value="Low")).device_value == "Low"


async def test_what_is_installed_and_what_that_means(world: World, defender: DefenderClient) -> None:
    machine_id = world.machine("wks-001")
    assert all(each.name for each in await defender.get_installed_software(machine_id))
    assert all(each.id for each in await defender.get_security_recommendations(machine_id))
    assert all(each.id for each in await defender.get_missing_kbs_machine(machine_id))
    found = await defender.get_discovered_vulnerabilities(machine_id)
    listed = {each.id async for each in defender.list_vulnerabilities(top=2)}
    assert found
    assert {each.id for each in found} <= listed
    exposed = [each.id async for each in defender.get_machines_by_vulnerability(found[0].id)]
    assert machine_id in exposed
    assert 0 <= (await defender.get_exposure_score()).score <= 100
    assert (await defender.get_device_secure_score()).score >= 0


async def test_actions_on_machines(world: World, defender: DefenderClient) -> None:
    machine_id = world.machine("wks-001")
    begun = [
        await defender.isolate_machine(machine_id, comment="c"),
        await defender.restrict_code_execution(machine_id, comment="c"),
        await defender.run_av_scan(machine_id, comment="c", scan_type="Full"),
        await defender.stop_and_quarantine_file(machine_id, SHA1, comment="c"),
    ]
    world.pass_time(3 * 3600)
    begun += [
        await defender.unisolate_machine(machine_id, comment="c"),
        await defender.unrestrict_code_execution(machine_id, comment="c"),
    ]
    world.pass_time(3 * 3600)
    ended = {each.id: each.status async for each in defender.list_machine_actions()}
    assert {ended[each.id] for each in begun} == {ActionStatus.SUCCEEDED}
    last = await defender.offboard_machine(machine_id, comment="c")
    assert (await defender.cancel_machine_action(last.id, comment="c")).status == ActionStatus.CANCELLED
    assert (await defender.get_machine_action(last.id)).cancellation_comment == "c"


async def test_a_package_is_collected_and_fetched(world: World, defender: DefenderClient) -> None:
    action = await defender.collect_investigation_package(world.machine("wks-001"), comment="c")
    with pytest.raises(errors.NotFound):
        await defender.get_package_sas_uri(action.id)
    world.pass_time(3600)
    assert (await defender.get_package_sas_uri(action.id)).startswith("http://127.0.0.1:8900/")
    assert (await defender.download_package(action.id)).startswith(b"PK")


async def test_a_script_of_the_library_is_run_and_its_result_fetched(world: World, defender: DefenderClient) -> None:
    made = await defender.upload_library_file("a b.ps1", b"exit 0", description="d", parameters_description="-x")
    assert (made.file_name, made.has_parameters) == ("a b.ps1", True)
    with pytest.raises(errors.BadRequest):
        await defender.upload_library_file("a b.ps1", b"exit 1")
    await defender.upload_library_file("a b.ps1", b"exit 1", override_if_exists=True)
    assert [each.file_name for each in await defender.list_library_files()] == ["a b.ps1"]
    commands: list[Command] = [PutFile("a b.ps1"), RunScript("a b.ps1", "-x"), GetFile("C:\\x.txt")]
    action = await defender.run_live_response(world.machine("wks-001"), commands, comment="c")
    world.pass_time(3600)
    ended = await defender.get_machine_action(action.id)
    assert [each.command.type for each in ended.commands if each.command] == ["PutFile", "RunScript", "GetFile"]
    assert (await defender.get_live_response_result(action.id, 1)).startswith("http://127.0.0.1:8900/")
    assert b"exit_code" in await defender.download_live_response_result(action.id, 1)
    await defender.delete_library_file("a b.ps1")
    assert await defender.list_library_files() == []
    with pytest.raises(errors.NotFound):
        await defender.delete_library_file("a b.ps1")


async def test_investigations(world: World, defender: DefenderClient) -> None:
    begun = await defender.start_investigation(world.machine("wks-001"), comment="c")
    world.pass_time(60)
    assert [each.id async for each in defender.list_investigations()] == [begun.id]
    read = await defender.get_investigation(begun.id)
    assert read.triggering_alert_id is not None
    assert (await defender.get_investigation(read.triggering_alert_id)).id == begun.id


async def test_indicators(world: World, defender: DefenderClient) -> None:
    ends = world.now + timedelta(days=3)
    address = NewIndicator(
        indicator_value="10.1.2.3",
        indicator_type="IpAddress",
        action="Block",
        title="t",
        description="d",
        severity="High",
        expiration_time=ends,
        generate_alert=True,
    )
    domain = NewIndicator(
        indicator_value="evil.contoso.com", indicator_type="DomainName", action="Allowed", title="t", description="d"
    )
    made = await defender.submit_indicator(address)
    assert made.expiration_time is not None
    assert abs(made.expiration_time - ends) < timedelta(milliseconds=1)
    assert (await defender.submit_indicator(address)).id == made.id
    results = await defender.import_indicators([domain])
    assert [each.is_failed for each in results] == [False]
    listed = {each.indicator_value: each.id async for each in defender.list_indicators(top=1)}
    assert listed.keys() == {"10.1.2.3", "evil.contoso.com"}
    await defender.delete_indicator(made.id)
    await defender.batch_delete_indicators([listed["evil.contoso.com"]])
    assert [each async for each in defender.list_indicators()] == []


async def test_files_domains_addresses_and_users(world: World, defender: DefenderClient) -> None:
    alert_id, machine_id = world.raise_alert(), world.machine("wks-001")
    assert (await defender.get_file(SHA1)).sha1 == SHA1
    assert (await defender.get_file_stats(SHA1, look_back_hours=24)).organization_prevalence == 1
    assert (await defender.get_domain_stats("evil.contoso.com")).host == "evil.contoso.com"
    assert (await defender.get_ip_stats("198.51.100.7")).ip_address == "198.51.100.7"
    assert (await defender.get_domain_stats("unknown.contoso.com")).organization_prevalence == 0
    for alerts in (
        await defender.get_file_alerts(SHA1),
        await defender.get_domain_alerts("evil.contoso.com"),
        await defender.get_ip_alerts("198.51.100.7"),
        await defender.get_user_alerts("asmith"),
    ):
        assert alert_id in {each.id for each in alerts}
    for machines in (
        await defender.get_file_machines(SHA1),
        await defender.get_domain_machines("evil.contoso.com"),
        await defender.get_user_machines("asmith"),
    ):
        assert machine_id in {each.id for each in machines}


async def test_hunting(defender: DefenderClient) -> None:
    query = "DeviceInfo | project DeviceId, DeviceName | take 2"
    old = await defender.run_advanced_query(query)
    xdr = await defender.run_advanced_hunting_xdr(query)
    graph = await defender.graph_run_hunting_query(query, timespan="P1D")
    for found in (old, xdr, graph):
        assert [column.name for column in found.columns] == ["DeviceId", "DeviceName"]
        assert len(found.rows) == 2
    assert xdr.stats is not None
    assert old.stats is graph.stats is None
    for run in (
        defender.run_advanced_query,
        defender.run_advanced_hunting_xdr,
        defender.graph_run_hunting_query,
    ):
        with pytest.raises(errors.BadRequest):
            await run("NoSuchTable | take 1")


async def test_incidents_of_defender_xdr(world: World, defender: DefenderClient) -> None:
    alert_id = world.raise_alert()
    listed = [each async for each in defender.list_incidents_xdr()]
    assert [alert.alert_id for each in listed for alert in each.alerts] == [alert_id]
    number = listed[0].incident_id
    changed = await defender.update_incident_xdr(number, status="InProgress", tags=["t"], comment="Looking")
    assert (changed.status, changed.tags) == ("InProgress", ("t",))
    assert [each.comment for each in (await defender.get_incident_xdr(number)).comments] == ["Looking"]


async def test_alerts_and_incidents_of_graph(world: World, defender: DefenderClient) -> None:
    alert_ids = {world.raise_alert(), world.raise_alert(), world.raise_alert()}
    assert {each.id async for each in defender.graph_list_alerts(top=1)} == alert_ids
    alert_id = alert_ids.pop()
    changed = await defender.graph_update_alert(alert_id, status="inProgress", assigned_to="a@contoso.com")
    assert changed.status == "inProgress"
    assert [each.comment for each in await defender.graph_create_alert_comment(alert_id, "Looking")] == ["Looking"]
    read = await defender.graph_get_alert(alert_id)
    assert read.incident_id is not None
    incidents = {each.id: each async for each in defender.graph_list_incidents(expand=("alerts",))}
    assert alert_id in {alert.id for alert in incidents[read.incident_id].alerts}
    closed = await defender.graph_update_incident(read.incident_id, status="resolved", custom_tags=["t"])
    assert closed.custom_tags == ("t",)
    await defender.graph_create_incident_comment(read.incident_id, "Done")
    assert [each.comment for each in (await defender.graph_get_incident(read.incident_id)).comments] == ["Done"]


async def test_each_api_refuses_without_its_role_and_says_which_would_do(world: World) -> None:
    world.app.roles = []
    async with world.client() as defender:
        for call, operation_id in (
            (defender.get_exposure_score, "get_exposure_score"),
            (lambda: defender.get_incident_xdr(1), "get_incident_xdr"),
            (lambda: defender.graph_get_incident("1"), "graph_get_incident"),
        ):
            with pytest.raises(errors.MissingRole) as raised:
                await call()
            assert raised.value.required == OPERATIONS[operation_id].permissions
        assert await defender.roles(Api.GRAPH) == ()


@pytest.mark.parametrize("cloud", ["commercial", "gcc", "gcc_high", "dod"])
async def test_each_cloud_s_three_apis_are_reached_with_their_own_audiences(world: World, cloud: str) -> None:
    world.raise_alert()
    async with world.client(CLOUDS[cloud]) as defender:
        assert (await defender.get_machine("wks-001")).id
        assert len([each async for each in defender.list_incidents_xdr()]) == 1
        assert len([each async for each in defender.graph_list_incidents()]) == 1


async def test_a_certificate_is_as_good_as_a_secret(world: World) -> None:
    key = rsa.generate_private_key(65537, 2048)
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, pkcs8, plain).decode()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public = key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()
    credential = ClientCertificate(world.app.client_id, private, "0" * 40)
    async with world.client(credential=credential) as defender:
        with pytest.raises(errors.WrongCertificate):
            await defender.roles()
    world.app.certificates = [public]
    async with world.client(credential=credential) as defender:
        assert (await defender.get_machine("wks-001")).id


async def test_a_flood_of_reading_leaves_credit_to_let_go(world: World) -> None:
    machine_id = world.machine("wks-001")
    budget = CallBudget(MemoryStore(), world.tenant.id, world.app.client_id, wait=world.sleep, chance=lambda: 0.0)
    async with world.client(budget=budget) as defender:
        began = world.simulator.clock.now()
        for _ in range(70):
            await defender.get_machine(machine_id)
        assert world.simulator.clock.now() == began
        await defender.unisolate_machine(machine_id, comment="c")
        assert world.simulator.clock.now() == began
        await defender.get_machine(machine_id)
        assert 60 <= world.simulator.clock.now() - began <= 63
    left = next(each for each in await budget.left() if each.window == "mde/60")
    assert left.left[Priority.RELEASE] == 99


def test_none_is_missing() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [
        each for each in OPERATIONS if f"defender.{each}(" not in source and f"defender.{each}," not in source
    ] == []
