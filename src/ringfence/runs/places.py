"""So many runs at a time, and who is next: organization after organization, each in the order of its coming."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Places:
    """Places on one event loop; the runs of one organization, however many, let those of another wait for one turn."""

    def __init__(self, number: int) -> None:
        self._free = number
        self._lines: dict[str, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def taken(self, organization_id: str) -> AsyncIterator[None]:
        """Wait for a place and hold it inside the block."""
        await self._take(organization_id)
        try:
            yield
        finally:
            self._pass_on()

    async def _take(self, organization_id: str) -> None:
        if self._free > 0:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._lines.setdefault(organization_id, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # It was given in the same moment in which it was no longer wanted.
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        while self._lines:
            organization_id = next(iter(self._lines))
            line = self._lines.pop(organization_id)
            turn = line.popleft()
            if line:
                # Behind all others that wait.
                self._lines[organization_id] = line
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
