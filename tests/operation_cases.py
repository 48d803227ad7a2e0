"""One operation, its request and its reply, for the tests of the client's nouns."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx

from microsoft import Microsoft, answer
from ringfence.defender import OPERATIONS, DefenderClient

Invoke = Callable[[DefenderClient], Awaitable[Any] | AsyncIterator[Any]]


@dataclass
class Case:
    """A call that must send exactly `address` (verb and path with query) and `body`, and make `result` of the reply."""

    operation: str
    address: str
    call: Invoke
    reply: object = None
    body: object = None
    result: Callable[[Any], object] | None = None
    status: int = 200

    def __str__(self) -> str:
        return self.operation

    async def run(self) -> Any:
        """Drive the call against a scripted reply and check what was sent; returns what came back."""
        empty = httpx.Response(self.status)
        microsoft = Microsoft(empty if self.reply is None else answer(self.reply, self.status))
        heard: list[str] = []
        async with microsoft.client(observer=lambda call: heard.append(call.operation)) as defender:
            found = await drain(self.call(defender))
        assert f"{microsoft.requests[0].method} {microsoft.urls[0]}" == self.address
        assert (microsoft.sent() if microsoft.requests[0].content else None) == self.body
        assert heard == [self.operation]
        assert self.operation in OPERATIONS
        if self.result is not None:
            assert self.result(found), found
        return found


async def drain(called: Awaitable[Any] | AsyncIterator[Any]) -> Any:
    """Await a call, or collect what it yields."""
    return [each async for each in called] if isinstance(called, AsyncIterator) else await called
