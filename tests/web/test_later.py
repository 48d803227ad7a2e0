import asyncio
import threading

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ringfence.web.later import Later


class Place:
    """An application that notes what it was asked for, and how often it was made."""

    def __init__(self) -> None:
        self.made = 0
        self.asked: list[str] = []
        self.threads: set[int] = set()

    def make(self) -> ASGIApp:
        self.made += 1
        self.threads.add(threading.get_ident())
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(scope["path"])


async def ask(later: Later, path: str) -> None:
    async def receive() -> Message:
        return {}

    async def send(message: Message) -> None:
        return None

    await later({"type": "http", "path": path}, receive, send)


async def test_it_is_made_off_the_loop_by_the_first_request_and_answers_those_after_it_too() -> None:
    place = Place()
    later = Later(place.make)
    assert place.made == 0
    await ask(later, "/one")
    await ask(later, "/two")
    assert (place.made, place.asked) == (1, ["/one", "/two"])
    assert threading.get_ident() not in place.threads


async def test_requests_that_come_together_wait_for_one_and_outlive_that_one_of_them_goes_away() -> None:
    place, begun, go_on = Place(), threading.Event(), threading.Event()

    def make() -> ASGIApp:
        begun.set()
        go_on.wait()
        return place.make()

    later = Later(make)
    asked = [asyncio.create_task(ask(later, path)) for path in ("/one", "/two", "/three")]
    await asyncio.to_thread(begun.wait)
    asked[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked[0]
    go_on.set()
    await asyncio.gather(*asked[1:])
    assert (place.made, place.asked) == (1, ["/two", "/three"])


async def test_what_could_not_be_made_is_tried_anew_by_the_next_request() -> None:
    place, troubles = Place(), [OSError(24, "Too many open files")]

    def make() -> ASGIApp:
        if troubles:
            raise troubles.pop()
        return place.make()

    later = Later(make)
    with pytest.raises(OSError, match="Too many"):
        await ask(later, "/one")
    await ask(later, "/two")
    assert place.asked == ["/two"]
