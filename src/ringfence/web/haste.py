"""Middleware: what a person or a program asks does not queue behind the work of runs (see `storage.turns`).

In a burst there is always something urgent about some host. Whoever approves, releases or stops containing then is urgent too,
and who looks at a page waits a second for it at most. A message to a webhook is only one more thing that may start a run.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from ringfence.storage.turns import SOON, URGENT, patience
from ringfence.web.forgery import HOOKS, SAFE


class Haste:
    """Says how long the database may let others go before a request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        acts = scope["method"] not in SAFE and not scope["path"].startswith(HOOKS)
        with patience(URGENT if acts else SOON):
            await self._app(scope, receive, send)
