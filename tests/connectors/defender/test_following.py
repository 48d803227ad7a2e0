"""How an action follows what goes on elsewhere: seldom, patiently, and never twice."""

from datetime import timedelta

import pytest

from acting import NOON, Scene
from ringfence.actions import ActionError, Duration, Json, Wait
from ringfence.connectors.defender.following import Seen, Thread, fetch, follow, outcome, resumed


async def nothing(_: str = "") -> Json:
    raise AssertionError("nobody should ask")


def test_looks_come_less_and_less_often_and_never_after_the_time_is_over() -> None:
    scene = Scene()
    waits = [Thread("a1", NOON, looks).wait(scene, None) for looks in (0, 1, 5, 60)]
    assert [(each.until - NOON).total_seconds() for each in waits if each.until] == [10.0, 15.0, 75.9375, 600.0]
    late = Thread("a1", NOON, 60).wait(scene, Duration.parse("5 min"))
    assert late.until == NOON + timedelta(minutes=5)


def test_what_was_parked_is_what_is_resumed() -> None:
    wait = Thread("a1", NOON, 3, 1).wait(Scene(), None, fetched=True)
    assert resumed(Scene(resumed=wait.state)) == Thread("a1", NOON, 4, 2)
    others: list[Json] = [None, True, {"id": 1}, {"known": []}]
    assert [resumed(Scene(resumed=other)) for other in others] == [None] * 4


async def test_a_failure_that_passes_is_waited_out_and_one_that_lasts_is_not() -> None:
    state = Thread("a1", NOON).wait(Scene(), None).state

    async def fails(_: str, *, permanent: bool) -> Json:
        raise ActionError("No.", code="x", permanent=permanent)

    async def look(permanent: bool, timeout: str | None = None) -> Seen | Wait:
        scene = Scene(resumed=state, time=NOON + timedelta(hours=1))
        return await follow(
            scene,
            nothing,
            lambda key: fails(key, permanent=permanent),
            lambda document: True,
            wait=True,
            timeout=Duration.parse(timeout) if timeout else None,
        )

    assert isinstance(await look(permanent=False), Wait)
    seen = await look(permanent=False, timeout="30 min")
    assert isinstance(seen, Seen)
    assert (seen.ended, seen.document) == (False, {"id": "a1"})
    with pytest.raises(ActionError):
        await look(permanent=True)


async def test_what_is_fetched_in_vain_is_fetched_again_but_not_for_ever() -> None:
    async def fails() -> Json:
        raise ActionError("Busy.", code="busy", permanent=False)

    seen = Seen(Thread("a1", NOON, fetches=11), {}, ended=True)
    assert isinstance(await fetch(Scene(), seen, fails), Wait)
    with pytest.raises(ActionError):
        await fetch(Scene(), Seen(Thread("a1", NOON, fetches=12), {}, ended=True), fails)


@pytest.mark.parametrize(
    ("number", "said"),
    [(None, "the scan failed."), (0, "the scan failed."), (-2145844840, "the scan failed with the error 0x80190198.")],
)
def test_a_failure_is_told_with_the_number_that_defender_gives(number: Json, said: str) -> None:
    with pytest.raises(ActionError) as raised:
        outcome(Seen(Thread("a1", NOON), {"status": "Failed", "errorHResult": number}, ended=True), "the scan")
    assert raised.value.message == f"Defender says that {said}"
