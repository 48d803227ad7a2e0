from typing import Annotated, Literal

from pydantic import Field

from foreign import declared
from ringfence.actions import Json, Poll, Polled
from ringfence.actions.typed import lines, typed_of, value, values


async def every(
    poll: Poll,
    queue: Annotated[str, Field(description="Q.")],
    least: Annotated[Literal["low", "high"], Field(description="L.")] = "low",
    most: Annotated[int | None, Field(description="M.")] = None,
    share: Annotated[float, Field(description="S.")] = 0.5,
    closed: Annotated[bool, Field(description="C.")] = True,
    tags: Annotated[list[str], Field(description="T.")] = [],  # noqa: B006
    more: Annotated[dict[str, int], Field(description="D.")] = {},  # noqa: B006
) -> Polled:
    """Read."""
    return Polled()


EVERY = declared(every)
KEPT: dict[str, Json] = {
    "queue": "soc",
    "least": "high",
    "most": 7,
    "share": 0.25,
    "closed": False,
    "tags": ["a b", "c"],
    "more": {"x": 1},
}


def test_a_new_form_shows_what_is_left_out_as_its_default() -> None:
    shown = {each.name: (each.kind, each.value, each.required) for each in lines(EVERY, None)}
    assert shown == {
        "queue": ("text", "", True),
        "least": ("select", "low", False),
        "most": ("number", "", False),
        "share": ("number", "0.5", False),
        "closed": ("checkbox", "on", False),
        "tags": ("lines", "", False),
        "more": ("json", "{}", False),
    }


def test_what_is_kept_is_typed_and_read_again_as_it_was() -> None:
    assert values(EVERY, typed_of(KEPT)) == KEPT
    assert EVERY.fitting(values(EVERY, {"queue": "soc"})) == {**EVERY.fitting({"queue": "soc"}), "closed": False}


def test_text_that_is_no_value_of_its_kind_stays_text_for_who_checks_it() -> None:
    assert value(EVERY, "most", "many") == "many"
    assert value(EVERY, "more", "{") == "{"
    assert value(EVERY, "nothing", "a") == "a"
    assert [value(EVERY, "closed", each) for each in ("true", "no", "")] == [True, False, False]
