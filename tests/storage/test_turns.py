"""What is urgent overtakes, nothing waits for ever, and what is done keeps its result, its error and its cancellation."""

import asyncio
import threading
from functools import partial

import pytest

from ringfence.storage import Database, turns
from ringfence.storage.turns import Turns


class Queue:
    """One thread that is held up until `open` is set, and the order in which what waits behind is done."""

    def __init__(self) -> None:
        self.time = 0.0
        self.open = threading.Event()
        self.done: list[str] = []
        self.turns = Turns(1, "tests", now=lambda: self.time)
        begun = threading.Event()

        def hold_up() -> None:
            begun.set()
            self.open.wait(90)

        self.turns.submit(hold_up)
        assert begun.wait(90)

    def ask(self, name: str, patience: float) -> None:
        with turns.patience(patience):
            self.turns.submit(partial(self.done.append, name))

    def end(self) -> list[str]:
        self.open.set()
        self.turns.close()
        return self.done


def test_what_is_urgent_overtakes_and_equals_keep_their_order() -> None:
    queue = Queue()
    for name, patience in (("a comment", turns.ORDINARY), ("a run", turns.SOON), ("a host", turns.URGENT)):
        for number in (1, 2):
            queue.ask(f"{name} {number}", patience)
    assert queue.end() == ["a host 1", "a host 2", "a run 1", "a run 2", "a comment 1", "a comment 2"]


def test_whoever_has_waited_for_his_patience_goes_before_what_comes_then() -> None:
    queue = Queue()
    queue.ask("a comment", turns.ORDINARY)
    queue.time = turns.ORDINARY + 0.1
    queue.ask("a host", turns.URGENT)
    assert queue.end() == ["a comment", "a host"]


def test_an_error_reaches_who_asked_and_what_was_given_up_is_not_done() -> None:
    queue = Queue()

    def fail() -> None:
        raise LookupError("contoso")

    failing, given_up = queue.turns.submit(fail), queue.turns.submit(partial(queue.done.append, "given up"))
    assert given_up.cancel()
    queue.ask("the next", turns.ORDINARY)
    assert queue.end() == ["the next"]
    with pytest.raises(LookupError, match="contoso"):
        failing.result()


async def test_who_reads_does_not_wait_with_who_writes(embedded: Database) -> None:
    let_go = threading.Event()
    writing = [asyncio.ensure_future(embedded.run(lambda tx: let_go.wait(90))) for _ in range(4)]
    assert await asyncio.wait_for(embedded.read(lambda tx: tx.dialect), 90) == "sqlite"
    let_go.set()
    assert await asyncio.gather(*writing) == [True] * 4
