from collections.abc import AsyncIterator
from typing import Any

import pytest

from alert_samples import an_alert
from containment_world import World, a_world
from port_world import run_of
from ringfence import clock
from ringfence.alerts import queue as alerts
from ringfence.containment import incident_hosts, service
from ringfence.containment.incident_hosts import HoldsHosts
from ringfence.containment.model import Containment, State
from ringfence.errors import Invalid
from ringfence.incidents import queue
from ringfence.incidents import service as incidents
from ringfence.incidents.model import Author, Incident, NotOpen, Resolution
from ringfence.ingestion.pages import prepare, store
from ringfence.storage import Database
from ringfence.triggers.registry import Registry

MEGAN = Author("megan.bowen")
HOST, OTHER = "wks-001", "wks-002"


class Ward:
    """A tenant with alerts on two hosts, and what people do with incidents of them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.database = world.database
        self.organization = world.organization_id

    def alert(self, name: str, host: str) -> str:
        """Store an alert on a host, and return our id of it."""
        machine = self.world.machine(host)
        now = clock.now()
        document = an_alert(name, now, machineId=machine.id, computerDnsName=machine.record.document["computerDnsName"])
        page = prepare([document])
        self.database.run_now(lambda tx: store(tx, self.world.account_id, page, Registry()))
        return self.database.read_now(lambda tx: alerts.get(tx, self.organization, f"da{name}_1")).id

    def promote(self, *alert_ids: str, number: int | None = None) -> int:
        made = self.database.run_now(
            lambda tx: incidents.promote(tx, self.organization, alert_ids, MEGAN, number=number)
        )
        return made.incident.number

    def run(self) -> str:
        """Make a stored run, and return its id."""
        return run_of(self.world).id

    def incident(self, number: int) -> Incident:
        return self.database.read_now(lambda tx: queue.get(tx, self.organization, number))

    def contain(self, number: int, target: str, **more: Any) -> Containment:
        return self.database.run_now(
            lambda tx: incident_hosts.contain(tx, self.organization, number, target, MEGAN, reason="Ransomware", **more)
        )

    def let_go(self, number: int, target: str | None = None) -> list[Containment]:
        return self.database.run_now(
            lambda tx: incident_hosts.let_go(tx, self.organization, number, MEGAN, reason="Clean", target=target)
        )

    def close(self, number: int, hosts: incident_hosts.What | None = None) -> Incident:
        return self.database.run_now(
            lambda tx: incident_hosts.close(
                tx, self.organization, number, MEGAN, resolution=Resolution.TRUE_POSITIVE, reason="Done", hosts=hosts
            )
        )

    def held(self, number: int) -> list[str]:
        incident = self.incident(number)
        return [host.name for host in self.database.read_now(lambda tx: incident_hosts.held(tx, incident))]

    def promoted(self, containment: Containment) -> bool:
        alert_ids = [containment.alert_id] if containment.alert_id else []
        return self.database.read_now(
            lambda tx: incident_hosts.promoted(tx, self.organization, containment.id, alert_ids)
        )

    def now(self, containment: Containment) -> Containment:
        return self.database.read_now(lambda tx: service.get(tx, containment.id))


@pytest.fixture
async def ward(database: Database) -> AsyncIterator[Ward]:
    """Give a ward on both databases."""
    async with a_world(database) as world:
        yield Ward(world)


async def test_an_incident_contains_a_machine_of_its_alerts_by_name_or_id_and_lets_it_go(ward: Ward) -> None:
    number = ward.promote(ward.alert("1", HOST))
    name = ward.world.machine(HOST).record.document["computerDnsName"]
    made = ward.contain(number, f"{name.upper()}.")
    assert made.machine_id == ward.world.machine(HOST).id
    assert ward.contain(number, ward.world.machine(HOST).id).id == made.id
    await ward.world.settle(made, State.CONTAINED)
    incident = ward.incident(number)
    isolated = ward.database.read_now(lambda tx: incident_hosts.isolated(tx, [incident.id]))
    assert isolated == {incident.id: 1}
    (released,) = ward.let_go(number)
    assert released.release_requested_at is not None
    await ward.world.settle(made, State.RELEASED)
    assert ward.held(number) == []
    assert ward.let_go(number) == []


async def test_a_host_of_two_incidents_is_released_when_the_last_lets_go(ward: Ward) -> None:
    first, second = ward.promote(ward.alert("1", HOST)), ward.promote(ward.alert("2", HOST))
    made = ward.contain(first, ward.world.machine(HOST).id)
    await ward.world.settle(made, State.CONTAINED)
    assert ward.contain(second, ward.world.machine(HOST).id).id == made.id
    ward.close(first, "release")
    await ward.world.pass_time(60)
    assert ward.now(made).state is State.CONTAINED
    assert len(ward.held(second)) == 1
    ward.let_go(second)
    await ward.world.settle(made, State.RELEASED)


async def test_closing_an_incident_that_holds_hosts_names_them_first(ward: Ward) -> None:
    number = ward.promote(ward.alert("1", HOST), ward.alert("2", OTHER))
    kept = [ward.contain(number, ward.world.machine(host).id) for host in (HOST, OTHER)]
    for each in kept:
        await ward.world.settle(each, State.CONTAINED)
    with pytest.raises(HoldsHosts, match=r"holds 2 hosts: wks-001\S*, wks-002"):
        ward.close(number)
    assert ward.incident(number).open
    assert not ward.close(number, "keep").open
    assert [ward.now(each).state for each in kept] == [State.CONTAINED] * 2
    assert len(ward.let_go(number, ward.world.machine(HOST).id)) == 1
    await ward.world.settle(kept[0], State.RELEASED)
    with pytest.raises(Invalid, match="holds no host"):
        ward.let_go(number, "nobody")


async def test_closing_lets_go_of_what_was_asked_for_because_of_its_alerts_too(ward: Ward) -> None:
    alert = ward.alert("1", HOST)
    number = ward.promote(alert)
    by_alert = ward.world.request(ward.world.machine(HOST).id, key="person:1", alert_id=alert)
    stranger = ward.world.request(ward.world.machine(OTHER).id, key="person:2")
    for each in (by_alert, stranger):
        await ward.world.settle(each, State.CONTAINED)
    ward.close(number, "release")
    await ward.world.settle(by_alert, State.RELEASED)
    assert ward.now(stranger).state is State.CONTAINED
    assert ward.now(stranger).release_requested_at is None


async def test_a_containment_is_eligible_while_an_incident_of_it_is_open(ward: Ward) -> None:
    alert = ward.alert("1", HOST)
    made = ward.world.request(ward.world.machine(HOST).id, alert_id=alert)
    assert not ward.promoted(made)
    number = ward.promote(alert)
    assert ward.promoted(made)
    ward.close(number, "keep")
    assert not ward.promoted(made)
    other = ward.promote(ward.alert("2", HOST))
    ward.contain(other, ward.world.machine(HOST).id)
    assert ward.promoted(made)
    found = ward.database.read_now(
        lambda tx: incident_hosts.incidents_of(tx, ward.organization, made.id, made.alert_id)
    )
    assert [each.number for each in found] == [other, number]


async def test_a_merged_incident_s_holds_pass_to_the_other(ward: Ward) -> None:
    first, second = ward.promote(ward.alert("1", HOST)), ward.promote(ward.alert("2", OTHER))
    made = ward.contain(second, ward.world.machine(OTHER).id)
    await ward.world.settle(made, State.CONTAINED)
    ward.database.run_now(lambda tx: incident_hosts.merge(tx, ward.organization, second, first, MEGAN))
    assert ward.held(second) == []
    assert len(ward.held(first)) == 1
    ward.close(first, "release")
    await ward.world.settle(made, State.RELEASED)


async def test_another_host_needs_its_account_and_a_resolved_incident_contains_nothing(ward: Ward) -> None:
    number = ward.promote(ward.alert("1", HOST))
    with pytest.raises(Invalid, match="no machine of incident #1"):
        ward.contain(number, OTHER)
    made = ward.contain(number, ward.world.machine(OTHER).id, account_id=ward.world.account_id)
    assert made.machine_id == ward.world.machine(OTHER).id
    ward.let_go(number)
    ward.close(number)
    with pytest.raises(NotOpen):
        ward.contain(number, HOST)


async def test_the_clocks_are_those_of_the_first_alert_and_of_the_first_host_that_was_cut_off(ward: Ward) -> None:
    number = ward.promote(ward.alert("1", HOST), ward.alert("2", OTHER))
    incident = ward.incident(number)
    before = ward.database.read_now(lambda tx: incident_hosts.clocks(tx, incident, incident_hosts.of(tx, incident)))
    assert (before.promoted, before.confirmed) == (incident.created_at, None)
    made = ward.contain(number, ward.world.machine(HOST).id)
    await ward.world.settle(made, State.CONTAINED)
    ward.contain(number, ward.world.machine(OTHER).id)
    ward.let_go(number)
    await ward.world.settle(made, State.RELEASED)
    found = ward.database.read_now(lambda tx: incident_hosts.clocks(tx, incident, incident_hosts.of(tx, incident)))
    now = ward.now(made)
    assert (found.decided, found.accepted, found.confirmed, found.released) == (
        now.decided_at, now.accepted_at, now.confirmed_at, now.released_at,
    )  # fmt: skip
    steps = found.steps()
    assert [name for name, at, _ in steps if at is not None] == [name for name, _, _ in steps]
    assert steps[0][2] is None


async def test_where_policy_demands_an_incident_only_hosts_of_promoted_alerts_are_contained_by_playbooks(
    ward: Ward,
) -> None:
    ward.world.set_policy(incident_required=True)
    alert, target = ward.alert("1", HOST), ward.world.machine(HOST).id
    refused = await ward.world.settle(ward.world.request(target, alert_id=alert, run_id=ward.run()), State.DENIED)
    assert "promoted to an incident" in refused.detail
    number = ward.promote(alert)
    allowed = ward.world.request(target, alert_id=alert, run_id=ward.run())
    await ward.world.settle(allowed, State.CONTAINED)
    assert (allowed.verdict or ward.now(allowed).verdict or {})["facts"]["promoted"] is True
    ward.close(number, "release")
    await ward.world.settle(allowed, State.RELEASED)
    again = ward.world.request(target, alert_id=alert, run_id=ward.run())
    await ward.world.settle(again, State.DENIED)
