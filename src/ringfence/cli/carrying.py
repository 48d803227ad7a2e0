"""Carry one action to its end for a person who watches: call it, wait as it asks, call it again."""

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from ringfence import clock
from ringfence.actions import Action, Json, Result, Wait
from ringfence.cli.invocation import Invocation
from ringfence.cli.waiting import INTERVAL
from ringfence.runs import by_hand
from ringfence.runs.by_hand import ByHand

if TYPE_CHECKING:
    from ringfence.accounts.clients import Clients
    from ringfence.app import App

_SHORTEST: Final = 0.2


class Stopped(Exception):
    """The person stopped watching; `goes_on` is what was asked for by then, None if nothing was.

    `kind` says what that is: `containment`, `response`, or `id` for what Defender does.
    """

    def __init__(self, goes_on: str | None, kind: str = "id") -> None:
        super().__init__(goes_on)
        self.goes_on = goes_on
        self.kind = kind


def carry(
    called: Invocation,
    installation: "App",
    action: Action,
    inputs: Mapping[str, Json],
    *,
    account_id: str | None,
    by: str,
    keep: by_hand.Keep,
    tell: by_hand.Tell,
    waits: Callable[[float], None],
    worker: Callable[[], None],
) -> Result:
    """Call an action until it ends; `waits` is told how many seconds it is until the next look.

    `worker` is called once where a worker has to carry out what was asked for.

    Raises ActionError as the action does, and Stopped where the person has had enough.
    """
    with asyncio.Runner() as loop:
        clients = installation.clients()
        scene = by_hand.context(
            installation.database,
            clients,
            called.organization(installation),
            account_id,
            by=by,
            deadline=installation.settings.decision_deadline,
            keep=keep,
            tell=tell,
            outside=installation.outside,
        )
        try:
            return _to_the_end(called, loop, action, inputs, scene, waits, worker)
        except KeyboardInterrupt:
            going_on = by_hand.going_on(scene.resumed)
            raise Stopped(None) if going_on is None else Stopped(going_on.id, going_on.kind) from None
        finally:
            loop.run(_close(clients))


def _to_the_end(
    called: Invocation,
    loop: asyncio.Runner,
    action: Action,
    inputs: Mapping[str, Json],
    scene: ByHand,
    waits: Callable[[float], None],
    worker: Callable[[], None],
) -> Result:
    told = False
    while True:
        answer = loop.run(action.call(scene, inputs))
        if not isinstance(answer, Wait):
            return answer
        scene.resumed = answer.state
        seconds = (answer.until - clock.now()).total_seconds() if answer.until is not None else INTERVAL
        if answer.topics:
            if seconds > 0 and not told:
                told = True
                worker()
            # What it waits for is a row here: looking costs nothing.
            seconds = min(seconds, INTERVAL)
        elif seconds > 0:
            waits(seconds)
        if seconds > 0:
            called.outside.pause(max(seconds, _SHORTEST))


async def _close(clients: "Clients") -> None:
    await clients.aclose()
