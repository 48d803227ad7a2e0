"""Who is carried next: no organization waits for all the runs of another."""

import asyncio

from ringfence.runs.places import Places


class Crowd:
    """Runs that wait for places, hold them until told, and keep in which order they got them."""

    def __init__(self, number: int) -> None:
        self.places = Places(number)
        self.order: list[str] = []
        self.over: dict[str, asyncio.Event] = {}

    async def come(self, name: str) -> asyncio.Task[None]:
        """Let a run of the organization that the first letter of its name stands for wait for a place."""
        self.over[name] = asyncio.Event()

        async def hold() -> None:
            async with self.places.taken(name[0]):
                self.order.append(name)
                await self.over[name].wait()

        task = asyncio.create_task(hold())
        await _settle()
        return task

    async def end(self, name: str) -> None:
        self.over[name].set()
        await _settle()


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_no_more_are_in_than_there_are_places_and_each_end_lets_one_in() -> None:
    crowd = Crowd(2)
    for name in ("a1", "a2", "a3"):
        await crowd.come(name)
    assert crowd.order == ["a1", "a2"]
    await crowd.end("a2")
    assert crowd.order == ["a1", "a2", "a3"]
    for name in ("a1", "a3"):
        await crowd.end(name)
    await crowd.come("a4")
    await crowd.come("a5")
    await crowd.come("a6")
    assert crowd.order[3:] == ["a4", "a5"]


async def test_organizations_take_turns_and_each_keeps_its_order() -> None:
    crowd = Crowd(1)
    for name in ("a1", "a2", "a3", "a4", "b1", "c1", "b2"):
        await crowd.come(name)
    for _ in range(6):
        await crowd.end(crowd.order[-1])
    assert crowd.order == ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]


async def test_who_is_cut_off_while_waiting_or_with_a_place_in_hand_leaves_it_to_the_next() -> None:
    crowd = Crowd(1)
    first = await crowd.come("a1")
    second = await crowd.come("a2")
    third = await crowd.come("a3")
    await crowd.come("a4")
    second.cancel()
    await _settle()
    first.cancel()
    # The place was given to the third in this very turn, and it is cut off before it could go in.
    await asyncio.sleep(0)
    third.cancel()
    await _settle()
    assert crowd.order == ["a1", "a4"]
    await crowd.end("a4")
    await crowd.come("b1")
    assert crowd.order[-1] == "b1"
