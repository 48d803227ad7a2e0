import asyncio

import pytest

from ringfence.organizations import service as organizations
from ringfence.storage import Database, rounds


async def test_a_change_and_the_next_moment_each_begin_a_round_and_a_stop_ends_them(
    embedded: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "LONGEST_SLEEP", 1e9)
    stop, went = asyncio.Event(), []

    async def one() -> float:
        went.append(1)
        if len(went) == 1:
            asyncio.get_running_loop().call_soon(
                lambda: asyncio.ensure_future(embedded.run(lambda tx: organizations.create(tx, "Contoso")))
            )
            return 1e9
        if len(went) == 2:
            return 0.0
        stop.set()
        return 1e9

    async with asyncio.timeout(60):
        await rounds.rounds(embedded, stop, one, nouns=("organization",), what="tests")
    assert went == [1, 1, 1]


async def test_a_round_that_fails_is_made_again(embedded: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "LONGEST_SLEEP", 0.0)
    stop, went = asyncio.Event(), []

    async def one() -> float:
        went.append(1)
        if len(went) == 1:
            raise RuntimeError
        stop.set()
        return 0.0

    async with asyncio.timeout(60):
        await rounds.rounds(embedded, stop, one, nouns=("alert",), what="tests")
    assert went == [1, 1]
