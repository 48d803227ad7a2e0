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
    """The person stopped watching; `goes_on` is what was asked for by then, None if nothing was."""

    def __init__(self, goes_on: str | None) -> None:
        super().__init__(goes_on)
        self.goes_on = goes_on


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
) -> Result:
    """Call an action until it ends; `waits` is told how many seconds it is until the next look.

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
        )
        try:
            return _to_the_end(called, loop, action, inputs, scene, waits)
        except KeyboardInterrupt:
            raise Stopped(_goes_on(scene.resumed)) from None
        finally:
            loop.run(_close(clients))


def _to_the_end(
    called: Invocation,
    loop: asyncio.Runner,
    action: Action,
    inputs: Mapping[str, Json],
    scene: ByHand,
    waits: Callable[[float], None],
) -> Result:
    while True:
        answer = loop.run(action.call(scene, inputs))
        if not isinstance(answer, Wait):
            return answer
        scene.resumed = answer.state
        seconds = (answer.until - clock.now()).total_seconds() if answer.until is not None else INTERVAL
        if answer.topics:
            # What it waits for is a row here: looking costs nothing.
            seconds = min(seconds, INTERVAL)
        elif seconds > 0:
            waits(seconds)
        if seconds > 0:
            called.outside.pause(max(seconds, _SHORTEST))


def _goes_on(state: Json) -> str | None:
    match state:
        case {"id": str(key)} | {"containment": str(key)}:
            return key
        case _:
            return None


async def _close(clients: "Clients") -> None:
    await clients.aclose()
