"""An application that is made when somebody first asks for it: its address answers from the start, and a server that nobody asks
for it starts faster and stays smaller.
"""

import asyncio
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send


class Later:
    """The application that `make` returns. It is made on a thread, once; requests that come meanwhile wait for it.

    Where it could not be made, those who waited are told, and the next request tries anew.
    """

    def __init__(self, make: Callable[[], ASGIApp]) -> None:
        self._make = make
        self._made: asyncio.Task[ASGIApp] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        made = self._made
        if made is None or (made.done() and made.exception() is not None):
            made = self._made = asyncio.create_task(asyncio.to_thread(self._make))
        # Shielded: who goes away while it is made does not end it for those who wait as well.
        app = await asyncio.shield(made)
        await app(scope, receive, send)
