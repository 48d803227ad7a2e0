"""A worker that kills itself, by SIGKILL, at the boundary that it is given.

{"change": ["containment", "pending"]}     after the commit that wrote this change
{"commit": 7}                              after the seventh commit that has to do with a run
{"request": ["POST", "/isolate"]}          when the request is about to be sent
{"reply": ["POST", "/isolate"]}            when its reply has come and nobody has seen it yet
"""

import os
import signal
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import httpx

from ringfence import logs
from ringfence.app import App
from ringfence.defender import Limits
from ringfence.serving import work
from ringfence.settings import Settings
from ringfence.storage import Database, Transaction
from ringfence.storage.database import make_url

T = TypeVar("T")

_OF_RUNS = ("run", "incident", "approval")


def die() -> NoReturn:
    """End as `kill -9` ends a process."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


class FragileDatabase(Database):
    """Dies after the commit that writes a certain change."""

    fatal: tuple[str, str] | None = None
    commits_left: int | None = None

    def run_now(self, work: Callable[[Transaction], T]) -> T:
        written: list[tuple[str, str]] = []

        def watched(tx: Transaction) -> T:
            result = work(tx)
            written.extend((each["noun"], each["kind"]) for each in tx._changes)
            return result

        result = super().run_now(watched)
        if self.fatal is not None and self.fatal in written:
            die()
        if self.commits_left is not None and any(noun in _OF_RUNS for noun, _ in written):
            self.commits_left -= 1
            if not self.commits_left:
                die()
        return result


class FragileTransport(httpx.AsyncHTTPTransport):
    """Dies before a certain request is sent, or when its reply has come."""

    def __init__(self, crash: dict[str, Any]) -> None:
        super().__init__()
        self._crash = crash

    def _is(self, moment: str, request: httpx.Request) -> bool:
        method, ending = self._crash.get(moment, ("", ""))
        return request.method == method and ending in request.url.path

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._is("request", request):
            die()
        response = await super().handle_async_request(request)
        if self._is("reply", request):
            await response.aread()
            die()
        return response


def main(crash: dict[str, Any]) -> None:
    """Work until killed, or until `crash` comes true."""
    settings = Settings()
    logs.configure("info")
    database = FragileDatabase(make_url(settings))
    if "change" in crash:
        noun, kind = crash["change"]
        database.fatal = (noun, kind)
    database.commits_left = crash.get("commit")
    transport = FragileTransport(crash) if crash else None
    work(App(settings, database, transport, Limits(times=1000)))
