import asyncio
from datetime import UTC, datetime

from ringfence.defender.witness import Exchange, current_witness, witnessed

EXCHANGE = Exchange(
    at=datetime(2026, 7, 1, tzinfo=UTC),
    operation="isolate_machine",
    method="POST",
    url="https://api.contoso.example/api/machines/1/isolate",
    attempt=1,
    status=201,
    elapsed=0.1,
    request_id="1",
    correlation_id="2",
    error="",
    request=b"{}",
    reply=b"{}",
)


async def test_a_witness_sees_what_is_done_inside_the_block_and_by_the_tasks_that_it_starts_only() -> None:
    seen: list[Exchange] = []

    async def work() -> None:
        witness = current_witness()
        if witness is not None:
            witness(EXCHANGE)

    outside = asyncio.create_task(work())
    with witnessed(seen.append):
        await asyncio.create_task(work())
        await work()
    await outside
    await work()
    assert seen == [EXCHANGE, EXCHANGE]
