"""The call budget: who may call when, in what order, and what a 429 does to the others."""

import asyncio
import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microsoft import Microsoft, answer, refused
from ringfence import clock
from ringfence.defender import (
    OPERATIONS,
    BudgetSpent,
    BudgetStore,
    CallBudget,
    Limits,
    MemoryStore,
    Priority,
    Throttled,
    priority,
)
from ringfence.defender.budget import current_priority
from ringfence.defender.limits import share

READ = OPERATIONS["get_alert"]
FREE = OPERATIONS["unisolate_machine"]
PACKAGE = OPERATIONS["get_package_sas_uri"]
HUNT = OPERATIONS["run_advanced_query"]


class Hands:
    """A clock that waits move, and nobody else."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0
        self.pauses: list[float] = []
        clock.replace(lambda: self.time)

    async def wait(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += seconds

    def budget(self, store: BudgetStore | None = None, client: str = "app-1", chance: float = 0.0) -> CallBudget:
        return CallBudget(store or MemoryStore(), "contoso.com", client, wait=self.wait, chance=lambda: chance)


@pytest.fixture
def hands() -> Hands:
    return Hands()


async def until_refused(budget: CallBudget, purpose: Priority) -> int:
    """Return how many calls are granted at once for a purpose."""
    with priority(purpose):
        for count in range(2000):
            try:
                await budget.spend(READ, patience=0.0)
            except BudgetSpent:
                return count
    raise AssertionError("the budget has no end")


@pytest.mark.parametrize("purpose", Priority)
async def test_each_purpose_leaves_its_share_of_a_minute_to_those_before_it(hands: Hands, purpose: Priority) -> None:
    assert await until_refused(hands.budget(), purpose) == share(100, purpose)


async def test_priorities_drain_in_order(hands: Hands) -> None:
    budget = hands.budget()
    granted = [await until_refused(budget, purpose) for purpose in reversed(Priority)]
    assert granted == [70, 5, 5, 10, 10]


@given(st.lists(st.sampled_from(list(Priority)), max_size=200), st.floats(0, 3600))
@settings(max_examples=40, deadline=None)
def test_a_release_never_starves(others: list[Priority], gap: float) -> None:
    async def run() -> None:
        hands = Hands()
        budget = hands.budget()
        for purpose in others:
            if purpose is not Priority.RELEASE:
                hands.time += gap / 200
                with priority(purpose):
                    try:
                        await budget.spend(READ, patience=0.0)
                    except BudgetSpent:
                        continue
        for _ in range(10):
            await budget.spend(FREE, patience=0.0)

    asyncio.run(run())


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(list(Priority)), st.floats(0, 5)), max_size=250))
@settings(max_examples=30, deadline=None)
def test_workers_that_share_a_store_never_exceed_a_minute_together(asked: list[tuple[int, Priority, float]]) -> None:
    async def run() -> None:
        hands = Hands()
        store = MemoryStore()
        workers = [hands.budget(store) for _ in range(5)]
        taken: list[float] = []
        for worker, purpose, gap in asked:
            hands.time += gap / 10
            with priority(purpose), contextlib.suppress(BudgetSpent):
                await workers[worker].spend(READ, patience=0.0)
                taken.append(hands.time)
        assert max((sum(at <= each < at + 60 for each in taken) for at in taken), default=0) <= 100

    asyncio.run(run())


async def test_an_hour_is_bounded_as_well(hands: Hands) -> None:
    budget = hands.budget()
    count = 0
    began = hands.time
    while hands.time < began + 3000:
        await budget.spend(FREE, patience=4000.0)
        count += 1
    assert count <= 1501


async def test_who_waits_comes_back_later_than_told_and_the_less_important_later_still(hands: Hands) -> None:
    store = MemoryStore()
    for purpose, least in ((Priority.RELEASE, 0.125), (Priority.ENRICH, 1.125)):
        budget = hands.budget(store, chance=0.5)
        await budget.refused(READ, 10.0)
        began = hands.time
        hands.pauses.clear()
        with priority(purpose):
            await budget.spend(READ, patience=60.0)
        assert hands.pauses == [pytest.approx(10.0 + least)]
        hands.time = began + 100.0


async def test_a_429_closes_the_way_for_every_worker_and_survives_a_restart(hands: Hands) -> None:
    store = MemoryStore()
    await hands.budget(store).refused(READ, 30.0)
    with pytest.raises(BudgetSpent) as raised:
        await hands.budget(store).spend(OPERATIONS["list_alerts"], patience=5.0)
    assert raised.value.retry_after == pytest.approx(30.0)
    assert isinstance(raised.value, Throttled)
    assert not raised.value.permanent
    # Another application, and another API, are not concerned.
    await hands.budget(store, "app-2").spend(READ, patience=0.0)
    await hands.budget(store).spend(OPERATIONS["graph_get_alert"], patience=0.0)


async def test_a_429_of_an_operation_with_a_quota_of_its_own_closes_that_one_alone(hands: Hands) -> None:
    budget = hands.budget()
    await budget.refused(HUNT, 600.0)
    await budget.spend(READ, patience=0.0)
    await budget.spend(FREE, patience=0.0)
    with pytest.raises(BudgetSpent):
        await budget.spend(HUNT, patience=10.0)


async def test_an_absurd_429_does_not_keep_a_release_for_longer_than_a_minute(hands: Hands) -> None:
    budget = hands.budget()
    await budget.refused(READ, 1e12)
    with pytest.raises(BudgetSpent):
        await budget.spend(READ, patience=90.0)
    await budget.spend(FREE, patience=90.0)
    assert sum(hands.pauses) <= 61


async def test_tighter_limits_of_single_operations_are_kept(hands: Hands) -> None:
    budget = hands.budget()
    for _ in range(2):
        await budget.spend(PACKAGE, patience=0.0)
    with pytest.raises(BudgetSpent, match="get_package_sas_uri"):
        await budget.spend(PACKAGE, patience=0.0)
    await budget.spend(READ, patience=0.0)


async def test_those_who_wait_together_are_served_one_after_the_other(hands: Hands) -> None:
    budget = hands.budget()
    with priority(Priority.CONTAIN):
        await asyncio.gather(*(budget.spend(PACKAGE, patience=600.0) for _ in range(6)))
    assert 120 <= sum(hands.pauses) <= 130
    assert len(hands.pauses) <= 6


async def test_what_is_left_can_be_read(hands: Hands) -> None:
    budget = hands.budget()
    await budget.spend(READ, patience=0.0)
    await budget.spend(PACKAGE, patience=0.0)
    await budget.refused(READ, 5.0)
    left = {each.window: each for each in await budget.left()}
    assert left["mde/60"].spent == 2
    assert left["mde/60"].left == {
        Priority.RELEASE: 98,
        Priority.CONTAIN: 88,
        Priority.CONFIRM: 78,
        Priority.INGEST: 73,
        Priority.ENRICH: 68,
    }
    assert left["mde/60"].closed_until == hands.time + 5
    assert left["get_package_sas_uri/60"].left[Priority.ENRICH] == 1
    assert left["graph/60"].closed_until == 0.0
    assert set(left) >= {"mde/3600", "xdr/60", "xdr/3600"}
    assert "graph/3600" not in left


def test_a_chosen_purpose_counts_and_makes_neither_letting_go_nor_cutting_off_less_important() -> None:
    assert current_priority(READ) is Priority.ENRICH
    assert current_priority(OPERATIONS["list_alerts"]) is Priority.INGEST
    with priority(Priority.CONTAIN):
        assert current_priority(READ) is Priority.CONTAIN
        with priority(Priority.ENRICH):
            assert current_priority(READ) is Priority.ENRICH
            assert current_priority(OPERATIONS["isolate_machine"]) is Priority.CONTAIN
            assert current_priority(FREE) is Priority.RELEASE
        assert current_priority(READ) is Priority.CONTAIN
    with priority(Priority.RELEASE):
        assert current_priority(OPERATIONS["isolate_machine"]) is Priority.RELEASE
    assert current_priority(OPERATIONS["get_machine_action"]) is Priority.CONFIRM


async def test_a_client_spends_its_budget_and_tells_it_of_a_429(hands: Hands) -> None:
    microsoft = Microsoft(answer({"id": "a"}), refused(429, "429", Retry_After="20"), answer({"id": "a"}))
    budget = hands.budget()
    async with microsoft.client(budget=budget) as defender:
        await defender.get_alert("a")
        await defender.get_alert("a")
    left = {each.window: each for each in await budget.left()}
    assert left["mde/60"].spent == 3
    # The budget alone waits: the client does not wait by itself before it asks the budget.
    assert hands.pauses == [pytest.approx(21.0)]
    assert sum(microsoft.slept) == 0.0


async def test_a_spent_budget_is_told_at_once_when_waiting_would_pass_the_deadline(hands: Hands) -> None:
    microsoft = Microsoft()
    budget = hands.budget()
    await budget.refused(READ, 600.0)
    async with microsoft.client(budget=budget, deadline=5.0) as defender:
        with pytest.raises(BudgetSpent) as raised:
            await defender.get_alert("a")
    assert raised.value.retry_after == pytest.approx(600.0)
    assert microsoft.requests == []
    assert sum(microsoft.slept) == 0.0


async def test_a_call_waits_for_its_purpose_no_longer_than_the_budget_allows(hands: Hands) -> None:
    patience = {Priority.CONTAIN: 2.0}
    budget = CallBudget(MemoryStore(), "contoso.com", "app-1", patience=patience, wait=hands.wait, chance=lambda: 0.0)
    await budget.refused(READ, 30.0)
    with priority(Priority.CONTAIN), pytest.raises(BudgetSpent):
        await budget.spend(READ, patience=90.0)
    assert hands.pauses == []
    await budget.spend(READ, patience=90.0)
    assert hands.pauses == [pytest.approx(31.0)]


async def test_a_429_that_comes_again_and_again_ends_the_call_when_its_time_is_up(hands: Hands) -> None:
    microsoft = Microsoft(otherwise=refused(429, "429", Retry_After="20"))
    budget = hands.budget()
    async with microsoft.client(budget=budget, attempts=3) as defender:
        with pytest.raises(Throttled):
            await defender.get_alert("a")
    assert len(microsoft.requests) == 3
    assert sum(microsoft.slept) == 0.0


async def test_limits_of_a_simulator_are_a_multiple_of_the_documented_ones(hands: Hands) -> None:
    budget = CallBudget(MemoryStore(), "contoso.com", "app-1", limits=Limits(times=3), wait=hands.wait)
    assert await until_refused(budget, Priority.RELEASE) == 300
    for _ in range(2):
        hands.time += 3600
        await budget.spend(PACKAGE, patience=0.0)
    left = {each.window: each for each in await budget.left()}
    assert (left["mde/3600"].calls, left["get_package_sas_uri/60"].calls) == (4500, 6)
