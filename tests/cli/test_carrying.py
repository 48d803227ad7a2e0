"""How one action is carried by hand: what it waits for, and what becomes of it when nobody watches any more."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import typer

from cli_world import Ringfence
from ringfence import clock
from ringfence.actions import Action, Connector, Context, Effect, Json, Result, Wait
from ringfence.cli.carrying import Stopped, carry
from ringfence.cli.invocation import Invocation, Outside
from ringfence.settings import Settings

Script = Callable[[Context], Awaitable[Result | Wait]]


def an_action(script: Script) -> Action:
    connector = Connector("contoso", title="Contoso", version="1.0.0", description="Pretends.", category="Test")

    async def act(context: Context) -> Result | Wait:
        """Do as told."""
        return await script(context)

    connector.action(effect=Effect.WRITE, repeatable=True)(act)
    return connector.actions["contoso.act"]


def run(ringfence: Ringfence, script: Script, pause: Callable[[float], None], told: list[Any]) -> Result:
    installation = ringfence.open(Settings(data=ringfence.data))
    called = Invocation(Outside(pause=pause), {"data": Path(ringfence.data)})

    async def keep(name: str, content: object) -> dict[str, Json]:
        return {"name": name}

    try:
        return carry(
            called,
            installation,
            an_action(script),
            {},
            account_id=None,
            by="megan.bowen",
            keep=keep,
            tell=lambda level, message: told.append(message),
            waits=told.append,
            worker=lambda: None,
        )
    finally:
        installation.close()


def test_an_action_is_called_again_with_what_it_wanted_to_find_again(ringfence: Ringfence) -> None:
    seen: list[tuple[Json, str]] = []

    async def script(context: Context) -> Result | Wait:
        seen.append((context.resumed, context.step_key))
        context.log("info", f"call {len(seen)}")
        assert context.document()["trigger"] == context.trigger == {}
        if len(seen) == 1:
            return Wait(until=context.now() + timedelta(seconds=30), state={"id": "a1"})
        if len(seen) == 2:
            return Wait(topics=("containment:1",), state={"containment": "1"})
        return Result(output=cast("Json", await context.attach("x", b"")))

    told: list[Any] = []
    paused: list[float] = []
    clock.replace(lambda: 1_000_000_000.0)
    assert run(ringfence, script, paused.append, told) == Result("success", {"name": "x"})
    assert [state for state, _ in seen] == [None, {"id": "a1"}, {"containment": "1"}]
    assert len({key for _, key in seen}) == 1
    assert told == ["call 1", 30.0, "call 2", "call 3"]
    assert paused == [30.0, 0.5]


@pytest.mark.parametrize(
    ("state", "goes_on"), [({"id": "a1"}, "a1"), ({"containment": "c1"}, "c1"), ({"known": []}, None)]
)
def test_whoever_stops_learns_what_goes_on(ringfence: Ringfence, state: Json, goes_on: str | None) -> None:
    async def script(context: Context) -> Result | Wait:
        return Wait(until=context.now() + timedelta(seconds=30), state=state)

    def pause(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(Stopped) as raised:
        run(ringfence, script, pause, [])
    assert raised.value.goes_on == goes_on


def test_an_abort_is_no_stop(ringfence: Ringfence) -> None:
    async def script(context: Context) -> Result | Wait:
        raise typer.Abort

    with pytest.raises(typer.Abort):
        run(ringfence, script, lambda _: None, [])
