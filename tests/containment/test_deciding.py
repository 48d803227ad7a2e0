import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts_samples import a_stored_account, an_organization
from containment_world import World, a_world
from ringfence import clock
from ringfence.containment import claims, deciding, gathering, policies, service
from ringfence.containment.model import Containment, State
from ringfence.containment.target import Proof
from ringfence.defender.wire import Machine
from ringfence.errors import Invalid
from ringfence.simulator import Simulator
from ringfence.simulator.specs import MachineSpec
from ringfence.storage import Database, Transaction


def record(number: int, **values: object) -> Machine:
    """Make Defender's record of a machine."""
    document = {
        "id": f"{number:040x}",
        "computerDnsName": f"wks-{number:03}",
        "machineTags": [],
        "onboardingStatus": "Onboarded",
        "lastSeen": clock.iso(clock.now()),
    }
    return Machine.parse(document | values)


def claimed(database: Database, organization_id: str, account_id: str, target: str) -> Containment:
    def work(tx: Transaction) -> Containment:
        made = service.request(
            tx,
            organization_id=organization_id,
            account_id=account_id,
            target=target,
            reason="Ransomware",
            requested_by="a playbook",
            key=clock.new_id(),
        )
        return next(each for each in claims.claim_due(tx, owner="test") if each.id == made.id)

    return database.run_now(work)


@pytest.fixture
def organization(database: Database) -> str:
    return an_organization(database)


@pytest.fixture
def account(database: Database, organization: str) -> str:
    return a_stored_account(database, organization).id


async def test_deciders_at_the_same_moment_keep_the_limit_of_the_hour(
    database: Database, organization: str, account: str
) -> None:
    database.run_now(
        lambda tx: policies.write(tx, policies.Scope(organization), {"max_per_hour": 3}, expected_version=0, by="tests")
    )
    asked = [claimed(database, organization, account, f"wks-{number:03}") for number in range(8)]

    def decide(place: int) -> Containment | None:
        return database.run_now(lambda tx: deciding.verdict(tx, asked[place], Proof(record(place)), gathering.Live()))

    decided = await asyncio.gather(*(asyncio.to_thread(decide, place) for place in range(8)))
    states = sorted(each.state for each in decided if each is not None)
    assert states == [State.APPROVED] * 3 + [State.DENIED] * 5
    denied = next(each for each in decided if each is not None and each.state == State.DENIED)
    assert "3 containments were decided in the last 60 minutes and the limit is 3" in denied.detail
    assert denied.verdict is not None
    assert denied.verdict["policy_version"] == "organization 1"


async def test_one_machine_asked_for_under_several_names_at_once_is_one_containment(
    database: Database, organization: str, account: str
) -> None:
    targets = ["wks-001", "WKS-001", "10.20.0.11", f"{1:040x}", "wks-001."]
    asked = [claimed(database, organization, account, target) for target in targets]

    def decide(containment: Containment) -> Containment | None:
        return database.run_now(lambda tx: deciding.verdict(tx, containment, Proof(record(1)), gathering.Live()))

    decided = await asyncio.gather(*(asyncio.to_thread(decide, each) for each in asked))
    assert all(each is not None for each in decided)
    approved = [each for each in decided if each is not None and each.state == State.APPROVED]
    joined = [each for each in decided if each is not None and each.state == State.NOT_NEEDED]
    # The request by id took the machine when it was made; all others join it.
    assert [each.id for each in approved] == [asked[3].id]
    assert {each.joined_id for each in joined} == {asked[3].id}
    assert len(joined) == 4


def test_the_limit_looks_back_one_hour_and_forgets_what_was_denied(
    database: Database, organization: str, account: str
) -> None:
    time = [1_790_000_000.0]
    clock.replace(lambda: time[0])
    database.run_now(
        lambda tx: policies.write(tx, policies.Scope(organization), {"max_per_hour": 1}, expected_version=0, by="tests")
    )

    def decided(number: int) -> State:
        asked = claimed(database, organization, account, f"wks-{number:03}")
        done = database.run_now(lambda tx: deciding.verdict(tx, asked, Proof(record(number)), gathering.Live()))
        assert done is not None
        return done.state

    assert [decided(1), decided(2), decided(3)] == [State.APPROVED, State.DENIED, State.DENIED]
    time[0] += 3599
    assert decided(4) == State.DENIED
    time[0] += 1
    assert decided(5) == State.APPROVED


def test_a_request_taken_back_while_its_machine_is_looked_up_holds_nothing(
    database: Database, organization: str, account: str
) -> None:
    first = claimed(database, organization, account, f"{1:040x}")
    second = claimed(database, organization, account, "wks-001")
    database.run_now(lambda tx: service.let_go(tx, second.id, by="asmith", reason="No"))
    done = database.run_now(lambda tx: deciding.verdict(tx, second, Proof(record(1)), gathering.Live()))
    assert done is not None
    assert done.state == State.CANCELLED
    mine = database.read_now(lambda tx: service.held_by(tx, ""))
    assert [each.id for each in mine] == [first.id]


def test_letting_go_of_a_request_that_joined_lets_go_of_what_it_joined(
    database: Database, organization: str, account: str
) -> None:
    first = claimed(database, organization, account, f"{1:040x}")
    second = claimed(database, organization, account, "wks-001")
    database.run_now(lambda tx: deciding.verdict(tx, second, Proof(record(1)), gathering.Live()))
    for each, asked in ((first, False), (second, True)):
        prefix = each.request_key
        after = database.run_now(
            lambda tx: service.let_go(tx, second.id, by="a", reason="b", holder_prefix=prefix)  # noqa: B023
        )
        assert after.id == first.id
        assert (after.release_requested_at is not None) == asked


def test_what_is_denied_says_each_candidate(embedded: Database) -> None:
    organization_id = an_organization(embedded)
    account_id = a_stored_account(embedded, organization_id).id
    asked = claimed(embedded, organization_id, account_id, "wks-001")
    proof = Proof(None, "Two bear the name.", ("wks-001 (1)", "wks-001 (2)"))
    done = embedded.run_now(lambda tx: deciding.verdict(tx, asked, proof, gathering.Live()))
    assert done is not None
    assert (done.state, done.detail) == (
        State.DENIED,
        "Two bear the name. Candidate: wks-001 (1). Candidate: wks-001 (2).",
    )
    assert done.verdict is not None
    assert done.verdict["facts"] == {"candidates": ["wks-001 (1)", "wks-001 (2)"]}


@pytest.mark.parametrize("absent", [{"machineTags": None}, {}])
def test_tags_that_are_not_told_count_as_unknown(embedded: Database, absent: dict[str, None]) -> None:
    organization_id = an_organization(embedded)
    account_id = a_stored_account(embedded, organization_id).id
    asked = claimed(embedded, organization_id, account_id, "wks-001")
    raw = {key: value for key, value in record(1).raw.items() if key != "machineTags"} | absent
    done = embedded.run_now(lambda tx: deciding.verdict(tx, asked, Proof(Machine.parse(raw)), gathering.Live()))
    assert done is not None
    assert done.state == State.DENIED
    assert "may be protected" in done.detail


def test_a_due_release_begins_without_defender(embedded: Database) -> None:
    organization_id = an_organization(embedded)
    account_id = a_stored_account(embedded, organization_id).id
    held = claimed(embedded, organization_id, account_id, f"{1:040x}")
    for state in (State.APPROVED, State.SUBMITTING, State.PENDING):
        held = embedded.run_now(lambda tx: claims.move(tx, held, state, "Because."))  # noqa: B023
    ends = clock.now() + timedelta(hours=1)
    held = embedded.run_now(lambda tx: claims.move(tx, held, State.CONTAINED, "Because.", auto_release_at=ends))
    assert embedded.run_now(lambda tx: deciding.without_defender(tx, held)) is None
    assert not deciding.needs_no_defender(held)
    assert deciding.needs_no_defender(replace(held, release_requested_at=clock.now()))
    clock.replace(lambda: ends.timestamp())
    assert deciding.needs_no_defender(held)
    moved = embedded.run_now(lambda tx: deciding.without_defender(tx, held))
    assert moved is not None
    assert (moved.state, moved.detail) == (State.RELEASING, "The auto-release timer ran out.")


def test_what_was_never_sent_needs_no_defender_once_it_is_not_wanted_or_too_late(embedded: Database) -> None:
    organization_id = an_organization(embedded)
    account_id = a_stored_account(embedded, organization_id).id
    asked = claimed(embedded, organization_id, account_id, f"{1:040x}")
    approved = embedded.run_now(lambda tx: claims.move(tx, asked, State.APPROVED, "Because."))
    now = clock.now()
    for found in (asked, approved):
        assert not deciding.needs_no_defender(found)
        assert deciding.needs_no_defender(replace(found, release_requested_at=now))
        assert deciding.needs_no_defender(replace(found, deadline_at=now))
        # Whatever may have reached Defender is looked for there.
        assert not deciding.needs_no_defender(replace(found, release_requested_at=now, submitted_at=now))


async def test_a_name_is_found_in_whatever_letter_case_defender_keeps_it(world: World) -> None:
    for name in ("WKS-UP", "wks-low"):
        world.tenant.add_machine(MachineSpec(name=name), world.simulator.clock.now())
    for target in ("wks-up", "WKS-LOW", "Wks-Low."):
        asked = world.request(target)
        await world.drive()
        assert world.look(asked).machine_name in ("WKS-UP", "wks-low")


async def test_an_address_names_the_one_host_that_has_it_now(world: World) -> None:
    asked = world.request("10.20.0.11")
    await world.drive()
    assert world.look(asked).machine_name == "wks-001"
    world.tenant.add_machine(MachineSpec(name="wks-twin", ip="10.20.0.12"), world.simulator.clock.now())
    both = world.request("10.20.0.12")
    await world.drive()
    assert world.look(both).state == State.DENIED
    assert "2 devices bear the IP address" in world.look(both).detail
    gone = world.request("10.20.0.50")
    await world.drive()
    assert "not seen for 1 days" in world.look(gone).detail


async def test_more_records_of_a_name_than_a_page_holds_are_all_seen(world: World) -> None:
    now = world.simulator.clock.now()
    for _ in range(60):
        world.tenant.add_machine(MachineSpec(name="many", last_seen_hours_ago=2000, offline=True), now)
    for _ in range(2):
        world.tenant.add_machine(MachineSpec(name="many"), now)
    asked = world.request("many")
    await world.drive()
    assert world.look(asked).state == State.DENIED
    assert "2 devices bear the DNS name many" in world.look(asked).detail


# --- no other host ------------------------------------------------------------------------------------------------------

PIECES = st.sampled_from(["wks", "srv", "dc", "-", "0", "1", "01", ".", "contoso", "com"])
ODD = st.sampled_from(["w\u212as-1", "\uff57ks-1", "wk\u017f-1", "stra\u00dfe", "strasse", "wks-1 ", "WKS-1", "wks-1."])
NAMES = st.one_of(st.lists(PIECES, min_size=1, max_size=4).map("".join), ODD, st.just("wks-1"))
ADDRESSES = st.sampled_from(["10.0.0.1", "10.0.0.11", "10.0.0.111", "110.0.0.1"])


@st.composite
def machines(draw: st.DrawFn) -> MachineSpec:
    """Make a machine that is easily confused with others."""
    return MachineSpec(
        name=draw(NAMES),
        ip=draw(st.none() | ADDRESSES),
        offline=draw(st.booleans()),
        merged_into=draw(st.sampled_from([None, None, None, "f" * 40])),
        potential_duplicate=draw(st.sampled_from([False, False, False, True])),
        excluded=draw(st.sampled_from([False, False, False, True])),
        onboarding=draw(st.sampled_from(["Onboarded", "Onboarded", "CanBeOnboarded"])),
        last_seen_hours_ago=draw(st.sampled_from([None, None, 30.0, 1000.0])),
        tags=draw(st.sampled_from([[], [], ["domain CONTROLLER"]])),
    )


TARGETS = st.one_of(
    NAMES, NAMES.map(str.upper), NAMES.map(lambda name: name[:-1]), ADDRESSES, st.just("f" * 40), st.just("*")
)


@pytest.fixture(scope="module")
def simulators() -> Simulator:
    return Simulator.from_scenario("quiet", frozen=True)


def _may_be_touched(world: World, target: str) -> set[str]:
    """Return what a person with the whole inventory would say: the one machine that a target can mean, if any."""
    lowered = target.lower()
    by_id = world.tenant.machines.get(lowered)
    named = (
        [by_id]
        if by_id
        else [
            machine
            for machine in world.tenant.machines.values()
            if (machine.name.isascii() and machine.name.lower().removesuffix(".") == lowered.removesuffix("."))
            or machine.record.document["lastIpAddress"] == target
        ]
    )
    sound = [
        machine.id
        for machine in named
        if machine.record.document["onboardingStatus"] == "Onboarded"
        and not machine.record.document["mergedIntoMachineId"]
        and not machine.record.document["isExcluded"]
        and machine.record.document["machineTags"] == []
        and (by_id or not machine.record.document["isPotentialDuplication"])
    ]
    # A machine that policy protects still makes a name ambiguous; the product may refuse more than this, never less.
    return set(sound) if len(sound) == 1 else set()


@settings(
    max_examples=60,
    phases=(Phase.explicit, Phase.generate),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(fleet=st.lists(machines(), min_size=1, max_size=8), targets=st.lists(TARGETS, min_size=1, max_size=3))
def test_in_a_fleet_of_confusable_hosts_no_other_host_is_ever_touched(
    embedded: Database, simulators: Simulator, fleet: list[MachineSpec], targets: list[str]
) -> None:
    async def play() -> None:
        simulators.reset()
        async with a_world(embedded, simulators) as world:
            for machine in fleet:
                world.tenant.add_machine(machine, world.simulator.clock.now())
            wanted = [*targets, fleet[0].name, next(reversed(world.tenant.machines))]
            allowed: set[str] = set()
            for target in wanted:
                try:
                    asked = world.request(target)
                except Invalid:
                    continue
                allowed |= _may_be_touched(world, asked.target)
                await world.drive()
            await world.pass_time(30)
            touched = {entry.machine_id for entry in world.sent("isolate_machine")}
            assert touched <= allowed
            # What is named by its id can be meant by nobody else, so that the test is not passed by touching nothing.
            assert (wanted[-1] in touched) == (wanted[-1] in allowed)
            isolated = {machine.id for machine in world.tenant.machines.values() if machine.isolated}
            assert isolated <= touched
            posted = [entry for entry in world.simulator.journal.entries if entry.method == "POST" and entry.machine_id]
            assert {entry.operation for entry in posted} <= {"isolate_machine"}

    asyncio.run(play())
