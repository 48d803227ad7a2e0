from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import pytest
from pydantic import Field

from foreign import declared
from ringfence.actions import Connector, Event, Json, Poll, Polled
from ringfence.actions.outside import HttpAnswer
from ringfence.actions.polling import LARGEST_CURSOR, LARGEST_EVENT, MOST_EVENTS
from ringfence.errors import Invalid

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


async def unread(
    address: str, /, *, account: str | None, query: Mapping[str, str], headers: Mapping[str, str]
) -> HttpAnswer:
    return HttpAnswer(200, {}, f"{address} {account} {dict(query)}".encode(), address)


async def rooms(
    poll: Poll,
    room: Annotated[str, Field(description="Which room.", pattern="^[a-z]+$")],
    most: Annotated[int, Field(description="How many.", ge=1)] = 10,
) -> Polled:
    """Read what was said."""
    answer = await poll.get(room, query={"most": str(most)})
    return Polled([Event("1", {"said": answer.body.decode()}, NOON)], {"most": most})


async def test_a_poll_gets_its_parameters_and_reads_by_what_it_is_handed() -> None:
    polled = await declared(rooms).poll(Poll(None, NOON, NOON, unread), {"room": "soc"})
    assert polled.cursor == {"most": 10}
    assert polled.events == (Event("1", {"said": "soc None {'most': '10'}"}, NOON),)


def test_parameters_that_do_not_fit_are_all_named_and_those_that_do_have_their_defaults() -> None:
    assert declared(rooms).fitting({"room": "soc"}) == {"room": "soc", "most": 10}
    with pytest.raises(Invalid, match="do not fit") as raised:
        declared(rooms).fitting({"room": "No 1", "most": 0, "else": 1})
    assert raised.value.problems == (
        "room: Which room",
        "most: Input should be greater than or equal to 1",
        "else: Extra inputs are not permitted",
    )
    assert declared(rooms).schema()["required"] == ["room"]


def test_what_cannot_be_taken_is_said() -> None:
    deep: Json = []
    for _ in range(200):
        deep = [deep]
    event: Any = Event
    wrong: tuple[tuple[list[Any], str], ...] = (
        ([Event("1", {})] * (MOST_EVENTS + 1), "in parts"),
        ([Event("1", {"text": "a" * (LARGEST_EVENT - 20)})] * 20, "in parts"),
        ([{"id": "1"}], "is a dict, and not an Event"),
        ([event("", {})], "no id that can be used"),
        ([event(7, {})], "no id that can be used"),
        ([event("a\nb", {})], "no id that can be used"),
        ([event("1", ["a"])], "not a mapping"),
        ([event("1", {"a": object()})], "not JSON"),
        ([event("1", {"a": float("nan")})], "infinite or not a number"),
        ([event("1", {"a": deep})], "nested too deeply"),
        ([event("1", {"a": "a" * LARGEST_EVENT})], "larger than"),
        ([Event("1", {}, NOON.replace(tzinfo=None))], "without a time zone"),
    )
    for events, sentence in wrong:
        with pytest.raises(ValueError, match=sentence):
            Polled(events).checked()
    with pytest.raises(ValueError, match="cursor cannot be kept"):
        Polled((), "a" * LARGEST_CURSOR).checked()


def test_what_is_taken_has_nothing_of_the_package_in_it_any_more() -> None:
    class Name(str):
        pass

    given: Any = {Name("a"): (Name("b"),)}
    taken = Polled([Event(Name("1"), given)], Name("c"), more=True).checked()
    (event,) = taken.events
    assert (type(event.id), type(taken.cursor), taken.more) == (str, str, True)
    assert {type(key): [type(each) for each in value] for key, value in event.data.items()} == {str: [str]}  # type: ignore[union-attr]


async def test_anything_but_a_polled_is_a_fault_of_the_package() -> None:
    async def wrong(poll: Poll) -> Any:
        """Give something else."""
        return []

    with pytest.raises(TypeError, match="gave back a list"):
        await declared(wrong).poll(Poll(None, NOON, NOON, unread), {})


def test_a_type_that_is_not_declared_as_it_must_be_is_refused() -> None:
    async def silent(poll: Poll) -> Polled:
        return Polled()

    async def without(room: str) -> Polled:
        """Read."""
        return Polled()

    def still(poll: Poll) -> Polled:
        """Read."""
        return Polled()

    connector = Connector("fabrikam", title="F", version="1", description="F.", category="Test")
    for function, values, sentence in (
        (silent, {}, "needs a docstring"),
        (without, {}, "must take `poll: Poll` first"),
        (still, {}, "must be an async function"),
        (rooms, {"name": "Rooms"}, "lower-case name"),
        (rooms, {"timeout": 301}, "0 to 300 s"),
    ):
        with pytest.raises(ValueError, match=sentence):
            connector.trigger_service(**values)(function)  # type: ignore[arg-type]
    connector.trigger_service()(rooms)
    with pytest.raises(ValueError, match="declared twice"):
        connector.trigger_service()(rooms)
    assert connector.services["fabrikam.rooms"].title == "Rooms"
